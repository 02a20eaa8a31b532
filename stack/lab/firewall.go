package lab

import (
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
)

// Direction is that of a packet through a port, as its host sees it.
type Direction uint8

const (
	Both Direction = iota // of a Rule: either
	In                    // from the segment to the host
	Out                   // from the host to the segment
)

func (d Direction) String() string {
	switch d {
	case In:
		return "in"
	case Out:
		return "out"
	}
	return "both"
}

// A Rule says what becomes of the packets that all of its fields fit. The zero Rule drops everything.
type Rule struct {
	// Pass lets the packet through. False: it is dropped, and nobody is told.
	Pass bool

	// Direction is the packet's. Zero: either.
	Direction Direction

	// From and To are where the packet comes from and goes to. Zero: from or to anywhere. A prefix fits
	// no packet of the other family, and none that is not IP, such as ARP's; an invalid one fits none.
	From, To netip.Prefix

	// Protocol is the payload's, past any extension headers. Zero: any.
	Protocol uint8

	// FromPort and ToPort are ports of TCP, UDP, SCTP, DCCP or UDP-Lite. Zero: any. Fragments other
	// than the first have no ports, so a rule with a port fits none of them: there is no state.
	FromPort, ToPort uint16

	// Neighbor fits what neighbours say to each other, ARP and NDP (RFC 4861), and nothing else. False: no
	// matter.
	Neighbor bool

	// Match fits what it reports true for. nil: no matter. It is called with locks held: it looks at
	// the packet, without changing it, and at nothing else.
	Match func(Packet) bool
}

// A Firewall passes or drops packets at the ports that it is given to: InterfaceConfig.Firewall,
// Host.SetFirewall. It keeps no state about packets. The first rule that fits decides; if none does, the
// packet passes. Its methods may be called from several goroutines at once.
type Firewall struct {
	rules  atomic.Pointer[[]*countedRule]
	others atomic.Uint64
}

type countedRule struct {
	Rule
	packets atomic.Uint64
}

// NewFirewall returns a firewall of these rules.
func NewFirewall(rules ...Rule) *Firewall {
	w := new(Firewall)
	w.SetRules(rules...)
	return w
}

// SetRules replaces the rules from the next packet on. Counters begin anew.
func (w *Firewall) SetRules(rules ...Rule) {
	list := make([]*countedRule, len(rules))
	for i, r := range rules {
		list[i] = &countedRule{Rule: r}
	}
	w.others.Store(0)
	w.rules.Store(&list)
}

// Rules returns the rules. The caller may keep the slice.
func (w *Firewall) Rules() []Rule {
	var rules []Rule
	for _, r := range w.list() {
		rules = append(rules, r.Rule)
	}
	return rules
}

func (w *Firewall) list() []*countedRule {
	if list := w.rules.Load(); list != nil {
		return *list
	}
	return nil
}

// FirewallCounters is what became of packets.
type FirewallCounters struct {
	Rules           []uint64 // how many each rule decided about, in the order of Rules
	Passed, Dropped uint64   // by whatever rule, or by none
}

// Counters returns a snapshot. The caller may keep the slice.
func (w *Firewall) Counters() FirewallCounters {
	c := FirewallCounters{Passed: w.others.Load()}
	for _, r := range w.list() {
		n := r.packets.Load()
		c.Rules = append(c.Rules, n)
		if r.Pass {
			c.Passed += n
		} else {
			c.Dropped += n
		}
	}
	return c
}

// Passes decides about a packet, and counts it.
func (w *Firewall) Passes(d Direction, p Packet) bool {
	var read wireHeader
	var parsed bool
	for _, r := range w.list() {
		if !parsed {
			read, parsed = readHeader(p.Data), true
		}
		if r.fits(d, p, read) {
			r.packets.Add(1)
			return r.Pass
		}
	}
	w.others.Add(1)
	return true
}

func (r *Rule) fits(d Direction, p Packet, h wireHeader) bool {
	switch {
	case r.Direction != Both && r.Direction != d,
		r.From != (netip.Prefix{}) && !r.From.Contains(h.src),
		r.To != (netip.Prefix{}) && !r.To.Contains(h.dst),
		r.Protocol != 0 && (!h.src.IsValid() || r.Protocol != h.proto),
		r.FromPort != 0 && (!h.hasPorts || r.FromPort != h.srcPort),
		r.ToPort != 0 && (!h.hasPorts || r.ToPort != h.dstPort),
		r.Neighbor && !h.neighbor:
		return false
	}
	return r.Match == nil || r.Match(p)
}

// OnlyAddresses is the firewall of KB975808, for the port of a host with many addresses: whatever the host
// sends, and is sent, passes only if it is from or to one of these addresses. What neighbours say to each
// other passes, and so do multicasts and what is for a link-local address, without which nobody would find
// anybody. An address that is none, the zero netip.Addr, passes nothing.
func OnlyAddresses(addrs ...netip.Addr) *Firewall {
	rules := []Rule{{Pass: true, Neighbor: true}}
	for _, a := range addrs {
		if !a.IsValid() {
			continue // a rule's zero prefix would mean every address
		}
		a = a.WithZone("").Unmap()
		p := netip.PrefixFrom(a, a.BitLen())
		rules = append(rules, Rule{Pass: true, Direction: Out, From: p}, Rule{Pass: true, Direction: In, To: p})
	}
	for _, local := range []string{"fe80::/10", "ff00::/8", "224.0.0.0/4", "255.255.255.255/32"} {
		p := netip.MustParsePrefix(local)
		rules = append(rules, Rule{Pass: true, To: p})
	}
	return NewFirewall(append(rules, Rule{})...)
}

// SetFirewall puts w between an interface and its segment, from the next packet on. Without a name it is the
// host's first interface; a nil w lets everything through.
func (h *Host) SetFirewall(iface string, w *Firewall) error {
	p, err := h.port(iface)
	if err != nil {
		return err
	}
	p.gate.wall.Store(w)
	return nil
}

// port finds the port of an interface, the first one if there is no name.
func (h *Host) port(iface string) (*port, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.IndexFunc(h.ifaces, func(i *Interface) bool { return (iface == "" || i.Name() == iface) && i.live() })
	if i < 0 {
		return nil, fmt.Errorf("lab: host %q has no interface %q", h.name, iface)
	}
	return h.ifaces[i].p, nil
}

// gate is what a port has between its interface and the wire.
type gate struct {
	wall atomic.Pointer[Firewall]
	ear  atomic.Pointer[func(frame []byte)] // hears what comes in; called by the scheduler
}

// passes asks the firewall, and lets the ear hear what comes in.
func (g *gate) passes(p *port, s *Segment, d Direction, frame []byte) bool {
	if w := g.wall.Load(); w != nil && !w.Passes(d, Packet{Time: s.l.sched.time(), Segment: s.name, From: p.name, Data: frame}) {
		return false
	}
	if ear := g.ear.Load(); ear != nil && d == In {
		(*ear)(frame)
	}
	return true
}
