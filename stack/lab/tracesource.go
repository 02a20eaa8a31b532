package lab

import (
	"fmt"
	"net/netip"

	"github.com/hextet/hextet/srcselect"
)

// A Choice is why a packet has its source address, by what Stack.Explain said of its destination while
// nothing had changed since it was sent.
type Choice struct {
	Source netip.Addr
	Rule   srcselect.Rule // what chose it; RuleNone: no rule did, and Why says more
	Why    string         // in one line

	// Explanation is the account: of its candidates the first 32.
	Explanation srcselect.Explanation
	Omitted     int // candidates that were more
}

const (
	maxCandidates = 32
	candidateSize = 200 // bytes, about
	choiceSize    = 600 // of a Choice without candidates, about
)

// String is Why.
func (c *Choice) String() string { return c.Why }

// choices is what is known of one host while its state stays the same. Only Lab.looking guards it.
type choices struct {
	known bool
	state uint64
	own   map[netip.Addr]bool
	to    map[ask]*Choice
}

type ask struct {
	src, dst netip.Addr // the destination with its zone
	answers  bool
}

// refresh forgets what was known of another state.
func (c *choices) refresh(h *Host, state uint64) {
	if c.known && c.state == state {
		return
	}
	addrs, _ := h.Addresses()
	if len(addrs) == 0 && c.known { // closed: what it still says is its own
		c.state, c.to = state, make(map[ask]*Choice)
		return
	}
	*c = choices{known: true, state: state, own: make(map[netip.Addr]bool, len(addrs)), to: make(map[ask]*Choice)}
	for _, a := range addrs {
		c.own[a.Prefix.Addr()] = true
	}
}

// choose explains a packet's source: nil if there is nothing to explain. No turn is under way, and no lock
// of a stack is held. own says whether the host itself is who speaks, size how much memory it took.
func (r *record) choose() (_ *Choice, own bool, size int) {
	if r.from.h.Stack == nil { // a station that nobody is plugged in to
		return nil, false, 0
	}
	if r.h.version == 0 || r.h.src.IsUnspecified() {
		return nil, r.h.version != 0, 0
	}
	h, c := r.from.h, &r.from.h.choices
	state := h.turns.state()
	c.refresh(h, state)
	switch {
	case !c.own[r.h.src]:
		return nil, false, 0
	case r.h.discovers():
		return nil, true, 0
	case state != r.state:
		return &Choice{Source: r.h.src, Why: fmt.Sprintf("source %v: the host's addresses or routes changed before it could be asked why", r.h.src)}, true, choiceSize
	}
	q := ask{src: r.h.src, dst: r.h.dst, answers: r.h.answers()}
	if q.dst.Is6() && (q.dst.IsLinkLocalUnicast() || q.dst.IsMulticast()) {
		q.dst = q.dst.WithZone(r.from.iface)
	}
	if c.to[q] == nil {
		if len(c.to) >= 4096 {
			clear(c.to)
		}
		c.to[q] = explain(h, q)
		size = choiceSize + candidateSize*len(c.to[q].Explanation.Candidates)
	}
	return c.to[q], true, size
}

func explain(h *Host, q ask) *Choice {
	c := &Choice{Source: q.src}
	var err error
	c.Explanation, err = h.Explain(q.dst)
	chosen := netip.Addr{}
	if all := c.Explanation.Candidates; len(all) > 0 && all[0].Chosen {
		chosen = all[0].Address.Prefix.Addr()
	}
	switch {
	case q.answers:
		c.Why = fmt.Sprintf("source %v: it answers what was sent there", q.src)
	case err != nil:
		c.Why = fmt.Sprintf("source %v was asked for: %v", q.src, err)
	case chosen != q.src:
		c.Why = fmt.Sprintf("source %v was asked for, or answers; %v would choose %v", q.src, c.Explanation.Rule, chosen)
	default:
		c.Rule = c.Explanation.Rule
		c.Why = fmt.Sprintf("source %v by %v", q.src, c.Rule)
	}
	if n := len(c.Explanation.Candidates); n > maxCandidates {
		c.Omitted = n - maxCandidates
		c.Explanation.Candidates = append([]srcselect.Candidate(nil), c.Explanation.Candidates[:maxCandidates]...)
	}
	return c
}
