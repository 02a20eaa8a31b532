package lab

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/hextet/hextet/stack"
)

func (tl *tale) playLab(l *storyLine) (string, error) {
	if tl.l != nil {
		return "", l.wrong(storyWord{}, "the lab is there already: this step comes before all others")
	}
	_, err := tl.lab(Config{Seed: uint64(l.number("seed", 0))})
	return "", err
}

func (tl *tale) playSegment(l *storyLine) (string, error) {
	lab, err := tl.lab()
	if err != nil {
		return "", err
	}
	_, err = lab.AddSegment(SegmentConfig{Name: l.args[0], MTU: l.number("mtu", 0), Impair: l.impairment()})
	return "", err
}

func (l *storyLine) impairment() Impairment {
	return Impairment{
		Loss: l.share("loss"), Duplicate: l.share("duplicate"), Corrupt: l.share("corrupt"), Reorder: l.share("reorder"),
		Latency: l.duration("latency", 0), Jitter: l.duration("jitter", 0),
		Bandwidth: l.number("bandwidth", 0), Queue: l.number("queue", 0), MTU: l.number("tunnel", 0), Down: l.flags["down"],
	}
}

func (tl *tale) playImpair(l *storyLine) (string, error) {
	s, err := tl.segment(l, l.args[0])
	if err != nil {
		return "", err
	}
	return "", s.Impair(l.impairment())
}

func (tl *tale) playPartition(l *storyLine) (string, error) {
	s, err := tl.segment(l, l.args[0])
	if err != nil {
		return "", err
	}
	if len(l.args) == 1 {
		s.Heal()
		return "", nil
	}
	var group []*Host
	for name := range strings.SplitSeq(l.args[1], ",") {
		p, _, err := tl.find(l, name)
		if err != nil {
			return "", err
		}
		group = append(group, p.Host)
	}
	return "", s.Partition(group)
}

// interfaces are those of a host that a step declares.
func (tl *tale) interfaces(l *storyLine) ([]InterfaceConfig, error) {
	lab, err := tl.lab()
	if err != nil {
		return nil, err
	}
	if _, err := lab.firstSegment(); err != nil {
		return nil, err
	}
	on, names := l.list("on"), l.list("interface")
	if len(names) > max(len(on), 1) {
		return nil, l.wrong(storyWord{}, "interface= names %d interfaces, and there are %d", len(names), max(len(on), 1))
	}
	all := make([]InterfaceConfig, max(len(on), 1))
	for i := range all {
		c := &all[i]
		if i < len(on) {
			if c.Segment, err = tl.segment(l, on[i]); err != nil {
				return nil, err
			}
		}
		if i < len(names) {
			c.Stack.Name = names[i]
		}
		c.Stack.DAD, c.Stack.SLAAC = l.flags["dad"], l.flags["slaac"]
		c.Stack.OptimisticDAD, c.Stack.TemporaryAddresses = l.flags["optimistic"], l.flags["temporary"]
		if l.flags["silent"] {
			c.Stack.EchoReply = stack.EchoReplyOff
		}
	}
	return all, nil
}

func (l *storyLine) addrs(option string) []netip.Addr {
	var all []netip.Addr
	for _, s := range l.list(option) {
		all = append(all, netip.MustParseAddr(s)) // checked by its kind
	}
	return all
}

func (tl *tale) playHost(l *storyLine) (string, error) {
	ifs, err := tl.interfaces(l)
	if err != nil {
		return "", err
	}
	h, err := tl.l.AddHost(HostConfig{Name: l.args[0], Interfaces: ifs})
	if err != nil {
		return "", err
	}
	if l.flags["bare"] {
		if err := undress(h); err != nil {
			return "", err
		}
	}
	return "", tl.enter(h, nil, l.options["name"])
}

// undress takes the link-local addresses away.
func undress(h *Host) error {
	for _, i := range h.Stack.Interfaces() {
		for _, a := range i.Addresses() {
			if err := i.RemoveAddress(a.Prefix.Addr()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (tl *tale) playRouter(l *storyLine) (string, error) {
	ifs, err := tl.interfaces(l)
	if err != nil {
		return "", err
	}
	r, err := tl.l.AddRouter(RouterConfig{Name: l.args[0], Interfaces: ifs})
	if err != nil {
		return "", err
	}
	return "", tl.enter(r.Host, r, "")
}

func (tl *tale) playDNS(l *storyLine) (string, error) {
	ifs, err := tl.interfaces(l)
	if err != nil {
		return "", err
	}
	if l.list("address") == nil || l.list("zone") == nil {
		return "", l.wrong(storyWord{}, "address= and zone= are expected: %s %s", l.step.name, l.step.usage)
	}
	addrs := Addresses(l.list("address")...)
	ifs[0].Addresses = addrs
	d, err := tl.l.AddDNS(DNSConfig{Name: l.args[0], Interfaces: ifs, Zones: l.list("zone")})
	if err != nil {
		return "", err
	}
	tl.dns = append(tl.dns, d)
	return "", tl.enter(d.Host, nil, "")
}

func (tl *tale) playAddress(l *storyLine) (string, error) {
	p, i, err := tl.find(l, l.args[0])
	if err != nil {
		return "", err
	}
	a := stack.Address{
		Prefix: netip.MustParsePrefix(l.args[1]), SkipAsSource: l.flags["skip"], Deprecated: l.flags["deprecated"],
		Temporary: l.flags["temporary"], HomeAddress: l.flags["home"],
	}
	if err := i.AddAddress(a); err != nil {
		return "", err
	}
	p.careOf[a.Prefix.Addr()] = l.flags["care-of"]
	return "", nil
}

// routerOf finds a router.
func (tl *tale) routerOf(l *storyLine) (*Router, string, error) {
	p, i, err := tl.find(l, l.args[0])
	if err != nil {
		return nil, "", err
	}
	if p.router == nil {
		return nil, "", l.wrong(l.word(l.args[0]), "a router is expected, this is a host")
	}
	return p.router, i.Name(), nil
}

func (tl *tale) playAdvertise(l *storyLine) (string, error) {
	r, iface, err := tl.routerOf(l)
	if err != nil {
		return "", err
	}
	a := Advertisement{
		Interface: iface, Lifetime: l.lifetime("lifetime"), Managed: l.flags["managed"], Other: l.flags["other"],
		MTU: uint32(l.number("mtu", 0)), DNS: l.addrs("dns"), Search: l.list("search"),
	}
	if l.flags["high"] {
		a.Preference = 1
	}
	if l.flags["low"] {
		a.Preference = -1
	}
	for _, s := range l.args[1:] {
		a.Prefixes = append(a.Prefixes, Prefix{Prefix: netip.MustParsePrefix(s), Valid: l.lifetime("valid"), Preferred: l.lifetime("preferred")})
	}
	return "", r.Advertise(a)
}

// lifetime is what Advertisement takes for the value of an option: 0 on the wire is negative there.
func (l *storyLine) lifetime(name string) time.Duration {
	d := l.duration(name, 0)
	if d == 0 && l.options[name] != "" {
		return -1
	}
	return d
}

func (tl *tale) playSilence(l *storyLine) (string, error) {
	r, iface, err := tl.routerOf(l)
	if err != nil {
		return "", err
	}
	return "", r.StopAdvertising(iface)
}

func (tl *tale) playConflict(l *storyLine) (string, error) {
	s, err := tl.segment(l, l.args[0])
	if err != nil {
		return "", err
	}
	_, err = s.Conflict(netip.MustParseAddr(l.args[1]))
	return "", err
}

func (tl *tale) playFirewall(l *storyLine) (string, error) {
	p, i, err := tl.find(l, l.args[0])
	if err != nil {
		return "", err
	}
	switch only := l.addrs("only"); {
	case l.flags["none"]:
		delete(p.rules, i.Name())
		return "", p.SetFirewall(i.Name(), nil)
	case only != nil:
		return "", tl.setRules(p, i.Name(), OnlyAddresses(only...).Rules())
	}
	port, err := p.port(i.Name())
	if err != nil {
		return "", err
	}
	w := port.gate.wall.Load()
	if w == nil {
		return "no firewall", nil
	}
	c := w.Counters()
	return "passed " + strconv.FormatUint(c.Passed, 10) + ", dropped " + strconv.FormatUint(c.Dropped, 10), nil
}

func (tl *tale) setRules(p *player, iface string, rules []Rule) error {
	p.rules[iface] = rules
	return p.SetFirewall(iface, NewFirewall(rules...))
}

func (tl *tale) playPass(l *storyLine) (string, error) { return "", tl.addRule(l, true) }
func (tl *tale) playDrop(l *storyLine) (string, error) { return "", tl.addRule(l, false) }

func (tl *tale) addRule(l *storyLine, pass bool) error {
	p, i, err := tl.find(l, l.args[0])
	if err != nil {
		return err
	}
	f, err := ParseFilter(l.filter())
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	return tl.setRules(p, i.Name(), append(p.rules[i.Name()], Rule{Pass: pass, Match: f}))
}
