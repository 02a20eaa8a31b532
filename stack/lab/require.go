package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

const maxBad = 3 // packets with bad checksums that are shown

// CheckChecksums returns an error if a host has sent a packet of its own with a bad checksum so far, with
// the first of these. Close and the test's end do the same, unless Config.AllowBadChecksums is set. Judged
// are IPv4's header, ICMP, IGMP, ICMPv6, TCP and UDP of whole packets from an address of the host's, or from
// none: not the upper layer of fragments, nor what a router forwards.
func (l *Lab) CheckChecksums() error {
	l.explainUnseen()
	t := &l.trace
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.bad) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "lab: %d packets with bad checksums:", len(t.bad)+t.badMore)
	for _, p := range t.bad {
		fmt.Fprintf(&b, "\n\t%v: %v\n\t\t%x", p, p.bad, p.Data)
	}
	if t.badMore > 0 {
		fmt.Fprintf(&b, "\n\tand %d more", t.badMore)
	}
	return errors.New(b.String())
}

// RequireValidChecksums ends the test with what CheckChecksums finds. Outside of one it panics.
func (l *Lab) RequireValidChecksums() {
	if l.tb != nil {
		l.tb.Helper()
	}
	l.require(l.CheckChecksums)
}

// Count returns how many packets the filter has passed, of those kept: see LeftOut.
func (l *Lab) Count(f Filter) int { return len(l.Packets(f)) }

// CheckSource returns an error unless there are packets that the filter passes and all have this source.
func (l *Lab) CheckSource(f Filter, source netip.Addr) error {
	pkts := l.Packets(f)
	for _, p := range pkts {
		if h := parse(p.Data); h.src != source {
			return fmt.Errorf("lab: a packet is not from %v:\n\t%v%s", source, p, because(p))
		}
	}
	if len(pkts) == 0 {
		return fmt.Errorf("lab: no packet whose source is to be %v was sent, of %d", source, len(l.Packets()))
	}
	return nil
}

func because(p Packet) string {
	if p.Choice == nil {
		return ""
	}
	table := strings.TrimRight(p.Choice.Explanation.String(), "\n")
	return "\n\t" + p.Choice.Why + "\n\t" + strings.ReplaceAll(table, "\n", "\n\t")
}

// RequireSource ends the test with what CheckSource finds. Outside of one it panics.
func (l *Lab) RequireSource(f Filter, source netip.Addr) {
	if l.tb != nil {
		l.tb.Helper()
	}
	l.require(func() error { return l.CheckSource(f, source) })
}

// CheckNone returns an error with the first packet that the filter passes, if there is one, or if packets
// were left out of the trace, so that nobody can tell.
func (l *Lab) CheckNone(f Filter) error {
	if pkts := l.Packets(f); len(pkts) > 0 {
		return fmt.Errorf("lab: %d packets that should not be, the first is\n\t%v%s", len(pkts), pkts[0], because(pkts[0]))
	}
	return l.checkWhole()
}

// checkWhole returns an error if packets were left out of the trace.
func (l *Lab) checkWhole() error {
	if n := l.LeftOut(); n > 0 {
		return fmt.Errorf("lab: the first %d packets are no longer in the trace (Config.MaxTrace)", n)
	}
	return nil
}

// RequireNone ends the test with what CheckNone finds. Outside of one it panics.
func (l *Lab) RequireNone(f Filter) {
	if l.tb != nil {
		l.tb.Helper()
	}
	l.require(func() error { return l.CheckNone(f) })
}

// require ends the test with an error that check returns.
func (l *Lab) require(check func() error) {
	err := check()
	if err == nil {
		return
	}
	if l.tb == nil {
		panic(err)
	}
	l.tb.Helper()
	l.complain(err)
	l.tb.Fatalf("%v", err)
}

const maxComplaints = 20

// complain keeps what a test failed of, for its page.
func (l *Lab) complain(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.complaints) < maxComplaints {
		l.complaints = append(l.complaints, err.Error())
	}
}
