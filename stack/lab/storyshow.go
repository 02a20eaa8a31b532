package lab

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/hextet/hextet/srcselect"
)

func (tl *tale) playExplain(l *storyLine) (string, error) {
	p, _, err := tl.find(l, l.args[0])
	if err != nil {
		return "", err
	}
	e, err := p.Explain(netip.MustParseAddr(l.args[1]))
	if err != nil && e.Candidates == nil {
		return outcome(err), nil
	}
	return e.String(), nil
}

// selector is a Selector of its own with what the stack's has, and with what only mobile nodes have.
func (p *player) selector() (*srcselect.Selector, error) {
	addrs, _ := p.Stack.Addresses()
	addrs = slices.Clone(addrs)
	for i := range addrs {
		addrs[i].CareOf = p.careOf[addrs[i].Prefix.Addr()]
	}
	s := srcselect.NewSelector(srcselect.Config{Policy: p.Stack.Policy()})
	return s, s.Add(addrs...)
}

func (tl *tale) playChoose(l *storyLine) (string, error) {
	p, i, err := tl.find(l, l.args[0])
	if err != nil {
		return "", err
	}
	s, err := p.selector()
	if err != nil {
		return "", err
	}
	r, err := s.Select(srcselect.Query{Destination: netip.MustParseAddr(l.args[1]), Interface: i.Index()})
	if err != nil {
		return outcome(err), nil
	}
	return fmt.Sprintf("%v: %v", r.Address.Prefix.Addr(), r.Rule), nil
}

func (tl *tale) playOrder(l *storyLine) (string, error) {
	p, i, err := tl.find(l, l.args[0])
	if err != nil {
		return "", err
	}
	s, err := p.selector()
	if err != nil {
		return "", err
	}
	var queries []srcselect.Query
	for _, a := range l.args[1:] {
		queries = append(queries, srcselect.Query{Destination: netip.MustParseAddr(a), Interface: i.Index()})
	}
	var b strings.Builder
	for k, r := range s.SortDestinations(queries) {
		fmt.Fprintf(&b, "%v", r.Query.Destination)
		switch {
		case r.Err != nil:
			fmt.Fprint(&b, " has no source")
		default:
			fmt.Fprintf(&b, " from %v", r.Source.Prefix.Addr())
		}
		if k > 0 {
			fmt.Fprintf(&b, ": %v", r.Rule)
		}
		fmt.Fprintln(&b)
	}
	return b.String(), nil
}

func (tl *tale) playAddresses(l *storyLine) (string, error) {
	_, i, err := tl.find(l, l.args[0])
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, a := range i.Addresses() {
		words := []string{a.Prefix.String(), cmp.Or(flagsOf(a), "assigned")}
		fmt.Fprintln(&b, strings.Join(words, " "))
	}
	return b.String(), nil
}

func (tl *tale) playRouters(l *storyLine) (string, error) {
	_, i, err := tl.find(l, l.args[0])
	if err != nil {
		return "", err
	}
	info := i.RouterInfo()
	var b strings.Builder
	for _, r := range info.Routers {
		fmt.Fprintf(&b, "router %v\n", r.Addr)
	}
	for _, p := range info.Prefixes {
		fmt.Fprintf(&b, "prefix %v\n", p.Prefix)
	}
	for _, d := range info.Servers {
		fmt.Fprintf(&b, "dns %v\n", d.Addr)
	}
	for _, d := range info.Search {
		fmt.Fprintf(&b, "search %v\n", d.Name)
	}
	if info.MTU > 0 {
		fmt.Fprintf(&b, "mtu %d\n", info.MTU)
	}
	return b.String(), nil
}

// packets are those since the latest mark that a step's filter passes. What is to happen at this time happens
// before.
func (tl *tale) packets(l *storyLine) ([]Filter, error) {
	lab, err := tl.lab()
	if err != nil {
		return nil, err
	}
	f, err := ParseFilter(l.filter())
	if err != nil {
		return nil, err
	}
	lab.Sleep(0)
	return []Filter{After(Packet{Number: tl.marked}), f}, nil
}

func (tl *tale) playPackets(l *storyLine) (string, error) {
	f, err := tl.packets(l)
	if err != nil {
		return "", err
	}
	return tl.l.Text(f...), nil
}

func (tl *tale) playCount(l *storyLine) (string, error) {
	f, err := tl.packets(l)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(len(tl.l.Packets(f...))), nil
}

func (tl *tale) playExpect(l *storyLine) (string, error) {
	f, err := tl.packets(l)
	if err == nil && len(tl.l.Packets(f...)) == 0 {
		err = l.wrong(storyWord{}, "there is no such packet, among %d", len(tl.l.Packets(f[0])))
	}
	return "", err
}

func (tl *tale) playExpectNone(l *storyLine) (string, error) {
	f, err := tl.packets(l)
	if err != nil {
		return "", err
	}
	if pkts := tl.l.Packets(f...); len(pkts) > 0 {
		return "", l.wrong(storyWord{}, "there are %d such packets, the first is\n\t%v%s", len(pkts), pkts[0], because(pkts[0]))
	}
	return "", nil
}

func (tl *tale) playMark(*storyLine) (string, error) {
	lab, err := tl.lab()
	if err != nil {
		return "", err
	}
	lab.Sleep(0)
	if pkts := lab.Packets(); len(pkts) > 0 {
		tl.marked = pkts[len(pkts)-1].Number
	}
	return "", nil
}

func (tl *tale) playAdvance(l *storyLine) (string, error) {
	lab, err := tl.lab()
	if err != nil {
		return "", err
	}
	d, err := storyDuration(l.args[0])
	lab.Advance(d)
	return "", err
}

func (tl *tale) playTime(*storyLine) (string, error) {
	lab, err := tl.lab()
	if err != nil {
		return "", err
	}
	return lab.Now().Sub(lab.cfg.Start).String(), nil
}

func (tl *tale) playStop(*storyLine) (string, error) {
	tl.stopped = true
	return "", nil
}

func (tl *tale) playLookup(l *storyLine) (string, error) {
	p, _, err := tl.find(l, l.args[0])
	if err != nil {
		return "", err
	}
	addrs, err := p.Resolver().LookupNetIP(tl.ctx, "ip", l.args[1])
	if err != nil {
		return outcome(err), nil
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	var b strings.Builder
	for _, a := range addrs {
		fmt.Fprintln(&b, a.Unmap())
	}
	return b.String(), nil
}

func (tl *tale) playRegistered(l *storyLine) (string, error) {
	i := slices.IndexFunc(tl.dns, func(d *DNS) bool { return d.name == l.args[0] })
	if i < 0 {
		return "", l.wrong(l.word(l.args[0]), "a DNS host is expected, and this is none")
	}
	records := tl.dns[i].server.Zone(l.args[1])
	if len(records) == 0 {
		records = tl.dns[i].server.Records(l.args[1])
	}
	var all []string
	types := make(map[string]int)
	for _, r := range records {
		if r.Type != "SOA" && r.Type != "NS" {
			all = append(all, fmt.Sprintf("%s %s %s", r.Name, r.Type, r.Data))
			types[r.Type]++
		}
	}
	if l.flags["count"] {
		all = nil
		for _, t := range slices.Sorted(maps.Keys(types)) {
			all = append(all, fmt.Sprintf("%d %s", types[t], t))
		}
		return strings.Join(all, ", "), nil
	}
	slices.Sort(all)
	return strings.Join(all, "\n"), nil
}
