package choices

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/hextet/hextet/srcselect"
)

// The mixes' own queries, and hosts of all sizes up to where the index takes over and
// beyond: scan and Selector name the same address and the same rule.
func TestScanAgreesOnMixes(t *testing.T) {
	for _, m := range mixes {
		for n := 1; n <= 300; n += 1 + n/8 {
			s, err := m.selector(n)
			if err != nil {
				t.Fatal(err)
			}
			if err := agree(&chooser{s, queries(n)}, newScan(m.addresses(n))); err != nil {
				t.Errorf("%s: %v", m.name, err)
			}
		}
	}
}

// Random hosts whose addresses tie and differ in every way that scan knows, asked for
// destinations of all scopes and for their own addresses.
func TestScanAgreesOnRandomHosts(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	rules := map[srcselect.Rule]int{}
	for range 1000 {
		as := randomHost(rng, 1+rng.IntN(20))
		s := srcselect.NewSelector(srcselect.Config{})
		if err := s.Add(as...); err != nil {
			t.Fatal(err)
		}
		sc := newScan(s.Addresses())
		for range 20 {
			q := srcselect.Query{Destination: randomAddr(rng), Interface: 1 + rng.IntN(2)}
			if rng.IntN(4) == 0 {
				q.Destination = as[rng.IntN(len(as))].Prefix.Addr()
			}
			r, err := s.Select(q)
			got, rule := sc.choose(&q)
			rules[rule]++
			switch {
			case got == nil && err != nil:
			case got == nil || err != nil || got.Prefix != r.Address.Prefix || got.Interface != r.Address.Interface || rule != r.Rule:
				t.Fatalf("to %v by %d: scan %+v by %v, ours %+v by %v, %v\n%+v", q.Destination, q.Interface, got, rule, r.Address, r.Rule, err, as)
			}
		}
	}
	for _, r := range []srcselect.Rule{
		srcselect.RuleNone, srcselect.RuleOnly, srcselect.RuleSameAddress, srcselect.RuleScope, srcselect.RuleDeprecated,
		srcselect.RuleLabel, srcselect.RuleTemporary, srcselect.RulePrefix, srcselect.RuleOldest,
	} {
		if rules[r] < 10 {
			t.Errorf("%v decided %d times only", r, rules[r])
		}
	}
}

func randomHost(rng *rand.Rand, n int) []srcselect.Address {
	as := make([]srcselect.Address, 0, n)
	seen := map[netip.Addr]bool{}
	for len(as) < n {
		a := srcselect.Address{Prefix: netip.PrefixFrom(randomAddr(rng), 40+8*rng.IntN(12)), Interface: 1 + rng.IntN(2)}
		if a.Prefix.Addr().IsMulticast() || seen[a.Prefix.Addr()] {
			continue
		}
		seen[a.Prefix.Addr()] = true
		a.Deprecated, a.Temporary, a.SkipAsSource, a.Tentative = rng.IntN(4) == 0, rng.IntN(4) == 0, rng.IntN(8) == 0, rng.IntN(16) == 0
		as = append(as, a)
	}
	return as
}

// randomAddr returns an address with few different bits.
func randomAddr(rng *rand.Rand) netip.Addr {
	bases := []string{"2001:db8::", "2001:db8:0:1::", "2001::", "2002:c633::", "fd00::", "fec0::", "fe80::", "3ffe::", "2001:db8::", "ff02::", "ff05::", "ff0e::"}
	b := netip.MustParseAddr(bases[rng.IntN(len(bases))]).As16()
	b[5+rng.IntN(10)] |= byte(rng.IntN(4))
	b[15] = byte(1 + rng.IntN(3))
	return netip.AddrFrom16(b)
}

// No destination of certain leaves the choice to a tie-break.
func TestCertain(t *testing.T) {
	for _, n := range []int{1, 4, 1000} {
		c, err := certainChooser(n)
		if err != nil {
			t.Fatal(err)
		}
		different := map[netip.Addr]bool{}
		for _, q := range c.queries {
			r, err := c.Select(q)
			if err != nil || r.Tied {
				t.Errorf("%d addresses: %v: %v, %v", n, q.Destination, r.Rule, err)
			}
			different[r.Address.Prefix.Addr()] = true
		}
		if len(different) < min(n, 20) {
			t.Errorf("%d addresses: only %d are ever chosen", n, len(different))
		}
	}
}

// Of many addresses, of which a question takes long, only few are asked about; gVisor still
// agrees.
func TestChecked(t *testing.T) {
	for n, want := range map[int]int{1: queryCount, 1_000: queryCount, 10_000: 16, 100_000: 4} {
		if got := checked(n); got != want {
			t.Errorf("%d addresses: %d queries, want %d", n, got, want)
		}
	}
	for _, n := range []int{1, 8, 10_000} {
		b, err := gvisorBench(n)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Check(); err != nil {
			t.Error(err)
		}
		b.Close()
	}
}

func TestSameAsNotices(t *testing.T) {
	c, err := certainChooser(4)
	if err != nil {
		t.Fatal(err)
	}
	first := func(int) (netip.Addr, error) { return distinctMix.address(0).Prefix.Addr(), nil }
	if err := c.sameAs("a peer that always takes the first", first, queryCount); err == nil {
		t.Error("no difference noticed")
	}
}

// The updates of a round are about different addresses, and afterwards all hosts are
// complete again.
func TestUpdater(t *testing.T) {
	for _, m := range mixes {
		for _, n := range []int{1, 4, 1000} {
			u, err := newUpdater(m, n)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range u.contenders() {
				for range 5 {
					type update struct {
						host *srcselect.Selector
						addr netip.Addr
					}
					seen := map[update]bool{}
					for i := range updatesPerRound {
						s, a := u.at(i)
						seen[update{s, a.Prefix.Addr()}] = true
					}
					if len(seen) != updatesPerRound {
						t.Fatalf("%s of %s: %d different updates in a round", c.Name, m.name, len(seen))
					}
					if c.Before != nil {
						c.Before(updatesPerRound)
					}
					c.Run(updatesPerRound)
					c.After(updatesPerRound)
				}
			}
			for _, s := range u.hosts {
				for _, a := range u.addresses {
					r, err := s.Select(srcselect.Query{Destination: netip.MustParseAddr("2001:db8::1"), Interface: a.Interface, Source: a.Prefix.Addr()})
					if err != nil || r.Address.SkipAsSource != a.SkipAsSource {
						t.Fatalf("%s: %v afterwards: %+v, %v", m.name, a.Prefix, r.Address, err)
					}
				}
				if len(s.Addresses()) != n {
					t.Fatalf("%s: %d addresses afterwards, not %d", m.name, len(s.Addresses()), n)
				}
			}
		}
	}
}
