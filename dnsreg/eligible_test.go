package dnsreg

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/hextet/hextet/srcselect"
)

func TestEligible(t *testing.T) {
	at := func(s string) srcselect.Address { return srcselect.Address{Prefix: netip.MustParsePrefix(s)} }
	with := func(s string, f func(*srcselect.Address)) srcselect.Address {
		a := at(s)
		f(&a)
		return a
	}
	const v6 = "2001:db8::1/64"
	for _, test := range []struct {
		a    srcselect.Address
		want Reason
	}{
		{at(v6), Registered},
		{at("192.0.2.1/24"), Registered},
		{at("10.0.0.1/8"), Registered},
		{at("fd00::1/64"), Registered},
		{with(v6, func(a *srcselect.Address) { a.HomeAddress = true }), Registered},
		{with(v6, func(a *srcselect.Address) { a.SkipAsSource = true }), SkipAsSource},
		{with("192.0.2.1/24", func(a *srcselect.Address) { a.SkipAsSource = true }), SkipAsSource},
		{with("fe80::1/64", func(a *srcselect.Address) { a.SkipAsSource, a.Tentative = true, true }), SkipAsSource},
		{with(v6, func(a *srcselect.Address) { a.Tentative = true }), Tentative},
		{with(v6, func(a *srcselect.Address) { a.Optimistic = true }), Optimistic},
		{with(v6, func(a *srcselect.Address) { a.Deprecated = true }), Deprecated},
		{with(v6, func(a *srcselect.Address) { a.Temporary = true }), Temporary},
		{at("fe80::1/64"), LinkLocal}, {at("febf::1/64"), LinkLocal}, {at("169.254.0.1/16"), LinkLocal},
		{at("::1/128"), Loopback}, {at("127.0.0.1/8"), Loopback}, {at("127.255.255.254/8"), Loopback},
		{at("ff02::1/128"), Multicast}, {at("224.0.0.1/4"), Multicast}, {at("239.255.255.255/4"), Multicast},
		{at("::/128"), Unspecified}, {at("0.0.0.0/0"), Unspecified},
		{at("255.255.255.255/32"), Broadcast},
		{srcselect.Address{Prefix: netip.PrefixFrom(netip.MustParseAddr("::ffff:192.0.2.1"), 128)}, IPv4Mapped},
		{srcselect.Address{}, Invalid},
	} {
		ok, why := Eligible(test.a)
		if why != test.want || ok != (test.want == Registered) {
			t.Errorf("%+v: %v, %v; want %v", test.a, ok, why, test.want)
		}
	}
}

func TestReasonNames(t *testing.T) {
	seen := make(map[string]bool)
	for r := range Reason(reasons) {
		if s := r.String(); s == "" || seen[s] {
			t.Errorf("reason %d is called %q", r, s)
		}
		seen[r.String()] = true
	}
	if got := Reason(200).String(); got != "reason 200" {
		t.Error(got)
	}
}

// speakable is the slow twin of Eligible: the same rules by prefixes, in no order.
func speakable(a srcselect.Address) bool {
	for _, p := range []string{"0.0.0.0/32", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32",
		"::/127", "::ffff:0:0/96", "fe80::/10", "ff00::/8"} {
		if netip.MustParsePrefix(p).Contains(a.Prefix.Addr()) {
			return false
		}
	}
	return !a.SkipAsSource && !a.Tentative && !a.Optimistic && !a.Deprecated && !a.Temporary
}

func randomTable(rng *rand.Rand) []srcselect.Address {
	pools := []string{"192.0.2.0/24", "192.0.2.0/24", "2001:db8::/64", "2001:db8::/64", "169.254.0.0/24", "127.0.0.0/24",
		"fe80::/64", "::/127", "ff02::/64", "224.0.0.0/24", "255.255.255.255/32"}
	table := make([]srcselect.Address, rng.IntN(12))
	for i := range table {
		pool := netip.MustParsePrefix(pools[rng.IntN(len(pools))])
		b := pool.Addr().AsSlice()
		b[len(b)-1] = byte(rng.IntN(16))
		switch pool.Bits() {
		case 127: // :: and ::1
			b[len(b)-1] &= 1
		case 32:
			b[len(b)-1] = 255
		}
		addr, _ := netip.AddrFromSlice(b)
		flag := func() bool { return rng.IntN(6) == 0 }
		table[i] = srcselect.Address{
			Prefix: netip.PrefixFrom(addr, pool.Bits()), Interface: 1 + rng.IntN(2),
			SkipAsSource: rng.IntN(2) == 0, Tentative: flag(), Optimistic: flag(), Deprecated: flag(), Temporary: flag(),
		}
	}
	return table
}

// Whatever the host's addresses are, and however they change: after each pass the server holds exactly
// the eligible ones, forward and reverse.
func TestNothingIneligibleAtTheServer(t *testing.T) {
	const seed, tables = 975808, 2000
	rng := rand.New(rand.NewPCG(seed, 0))
	w := newWorld(t)
	r := w.registrar()
	for i := range tables {
		table := randomTable(rng)
		w.table.Set(table...)
		if rng.IntN(10) == 0 {
			r = w.registrar() // a new process, which inherits the zone
			w.adoptAll(r)
		}
		if o := r.pass(t.Context(), effort{urgent: rng.IntN(4) == 0}); o.err != nil {
			t.Fatalf("table %d of seed %d: %v", i, seed, o.err)
		}
		var want []string
		for _, a := range table {
			skipped := slices.ContainsFunc(table, func(b srcselect.Address) bool {
				return b.SkipAsSource && b.Prefix.Addr() == a.Prefix.Addr()
			})
			if speakable(a) && !skipped && !slices.Contains(want, a.Prefix.Addr().String()) {
				want = append(want, a.Prefix.Addr().String())
			}
		}
		w.holds(want...)
		if t.Failed() {
			t.Fatalf("table %d of seed %d: %v", i, seed, table)
		}
	}
	if s := w.server.Stats(); s.Changed < tables {
		t.Errorf("only %d updates changed anything: %+v", s.Changed, s)
	}
}

// adoptAll lets a registrar claim whatever is at its name.
func (w *world) adoptAll(r *Registrar) {
	r.cfg.Adopt = func(netip.Addr) bool { return true }
}

var _ Source = (*AddressTable)(nil)
