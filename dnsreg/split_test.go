package dnsreg

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

// manyHosts are addresses of both families, n of each.
func manyHosts(n int) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf("10.77.%d.%d", i/250, i%250+1), fmt.Sprintf("2001:db8::%x", i+1))
	}
	return lines
}

// DESIGN's figure: 1000 IPv4 and 1000 IPv6 addresses, all eligible, the cap lifted.
func TestManyEligibleAddressesFewMessages(t *testing.T) {
	w := newWorld(t, "77.10.in-addr.arpa")
	lines := manyHosts(1000)
	w.table.Set(host(lines...)...)
	r := w.registrar(func(c *Config) { c.MaxAddresses = 1000 })
	w.sync(r)
	w.holdsForward(lines...)
	pointers := 0
	for _, z := range []string{"77.10.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"} {
		for _, r := range w.server.Zone(z) {
			if r.Type == "PTR" && r.Data == hostName {
				pointers++
			}
		}
	}
	if pointers != len(lines) {
		t.Errorf("%d PTR records, want %d", pointers, len(lines))
	}
	c := r.Status().Counters
	t.Logf("%d updates, %d octets; %d queries, %d octets", c.Updates, c.UpdateBytes, c.Queries, c.QueryBytes)
	if c.Updates > 10 || c.UpdateBytes > 80_000 {
		t.Errorf("%d updates of %d octets, want at most 10 and 80,000", c.Updates, c.UpdateBytes)
	}
	for _, u := range w.sent() {
		if u.Network != "tcp" {
			t.Errorf("an update of %d octets over %s", len(u.Raw), u.Network)
		}
	}
}

// 1500 addresses of each family are more than one message holds: several messages follow one another,
// then all addresses are exchanged for others, removals first.
func TestSplit(t *testing.T) {
	w := newWorld(t)
	r := w.registrar(func(c *Config) { c.MaxAddresses, c.NoPTR = 2000, true })
	lines := manyHosts(1500)
	w.table.Set(host(lines...)...)
	plan, err := r.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.sync(r)
	w.holdsForward(lines...)
	first := w.sent()
	if len(first) != 2 || len(plan.Zones) != 2 {
		t.Errorf("%d messages, %d planned, want 2", len(first), len(plan.Zones))
	}
	half := lines[:len(lines)/2]
	for i := range 750 {
		half = append(half, fmt.Sprintf("10.78.%d.%d", i/250, i%250+1), fmt.Sprintf("2001:db8::1:%x", i+1))
	}
	w.table.Set(host(half...)...)
	w.sync(r)
	w.holdsForward(half...)
	added, messages := false, w.sent()
	for _, u := range messages {
		ns := unpack(t, u).Ns
		removes := slices.ContainsFunc(ns, func(rr dns.RR) bool { return rr.Header().Class == dns.ClassNONE })
		if removes && added {
			t.Error("a message that removes after one that adds")
		}
		added = added || slices.ContainsFunc(ns, func(rr dns.RR) bool { return rr.Header().Class == dns.ClassINET })
	}
	if len(messages) < 2 {
		t.Errorf("%d messages", len(messages))
	}
	if err := r.Deregister(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.holdsForward()
}

// fit never loses a change and never makes one twice, wherever it has to cut.
func TestFit(t *testing.T) {
	addr := func(i int) rdata {
		return rdata{addr: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})}
	}
	var before, deletes, adds []rdata
	for i := range 6000 {
		switch d := addr(i); i % 3 {
		case 0:
			before, deletes = append(before, d), append(deletes, d)
		case 1:
			adds = append(adds, d)
		default:
			before, deletes, adds = append(before, d), append(deletes, d), append(adds, d)
		}
	}
	before = before[:100] // else the prerequisites alone would fill a message
	edits := []edit{{key: setKey{"a.example.test.", dns.TypeA}, before: before, deletes: deletes, adds: adds},
		{key: setKey{"a.example.test.", dns.TypeAAAA}},
		{key: setKey{"b.example.test.", dns.TypeA}, free: true, adds: adds}, {key: setKey{"c.example.test.", dns.TypeA}}}
	build := func(edits []edit) *dns.Msg { return updateMessage("example.test.", edits, nil) }
	var messages []*dns.Msg
	for rest := edits; len(rest) > 0; {
		var now []edit
		now, rest = fit(rest, build)
		if len(now) == 0 || len(messages) > 10 {
			t.Fatalf("%d edits left after %d messages", len(rest), len(messages))
		}
		messages = append(messages, build(now))
	}
	count := make(map[string]int)
	for _, m := range messages {
		if b, err := m.Pack(); err != nil || len(b) > maxUpdate {
			t.Errorf("a message of %d octets, %v", len(b), err)
		}
		for _, rr := range m.Ns {
			count[rr.String()]++
		}
	}
	var all []string
	for _, rr := range build(edits).Ns {
		all = append(all, rr.String())
		if n := count[rr.String()]; n != 1 {
			t.Fatalf("%v is sent %d times", rr, n)
		}
	}
	if len(all) != len(count) || len(messages) < 3 {
		t.Errorf("%d changes became %d in %d messages", len(all), len(count), len(messages))
	}
}
