package srcselect

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
)

// randomRows returns n rows, many of them inside one another, some for one of three
// interfaces.
func randomRows(r *rand.Rand, n int) []PolicyEntry {
	seen := make(map[policyKey]bool)
	var rows []PolicyEntry
	for len(rows) < n {
		e := PolicyEntry{Precedence: uint8(r.IntN(256)), Label: uint8(r.IntN(256)), Interface: max(0, r.IntN(6)-2)}
		prefix, err := randomPolicyAddr(r).Prefix(r.IntN(129))
		if err != nil { // an IPv4 address
			continue
		}
		if e.Prefix = prefix; !seen[e.key()] {
			seen[e.key()] = true
			rows = append(rows, e)
		}
	}
	return rows
}

// randomPolicyAddr returns an address of few, so that prefixes meet, or an IPv4 one.
func randomPolicyAddr(r *rand.Rand) netip.Addr {
	if r.IntN(5) == 0 {
		return netip.AddrFrom4([4]byte{10, 0, 0, byte(r.IntN(4))})
	}
	b := netip.MustParseAddr("2001:db8::").As16()
	for range r.IntN(5) {
		bit := r.IntN(128)
		b[bit/8] ^= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom16(b)
}

// The tree and the scan answer as the rule in words, in tables of every size around
// the one from which the tree is used.
func TestPolicyTreeAgainstRows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	none := 0
	for round := range 200 {
		n := round % 80
		p := policyOf(randomRows(r, n)...)
		p.table.grow()
		for range 500 {
			a := randomPolicyAddr(r)
			iface := r.IntN(5)
			want := plainLookup(p.Rows(), a, iface)
			got := p.table.find(word128(a), int32(iface))
			if got != want {
				t.Fatalf("%v on %d: row %d of the tree, want %d of\n%v", a, iface, got, want, p)
			}
			if got := p.table.scan(word128(a), int32(iface)); n <= fewRows && got != want {
				t.Fatalf("%v on %d: row %d, want %d of\n%v", a, iface, got, want, p)
			}
			if want < 0 {
				none++
			}
		}
	}
	if none < 500 || none > 90_000 {
		t.Errorf("%d of 100,000 look-ups found nothing: the test says little", none)
	}
}

// plainLookup is the rule in words: the longest prefix, then the interface's own row.
func plainLookup(rows []PolicyEntry, a netip.Addr, iface int) int {
	best, bestRank := -1, -1
	for i, e := range rows {
		length := e.Prefix.Bits()
		switch {
		case e.Prefix.Addr().Is4() && a.Is4():
			length += 96
		case e.Prefix.Addr().Is4() != a.Is4():
			if mapped := netip.AddrFrom16(a.As16()); !a.Is4() || !e.Prefix.Contains(mapped) {
				continue
			}
		}
		if a.Is4() == e.Prefix.Addr().Is4() && !e.Prefix.Contains(a) || e.Interface != 0 && e.Interface != iface {
			continue
		}
		rank := 2 * length
		if e.Interface != 0 {
			rank++
		}
		if rank > bestRank {
			best, bestRank = i, rank
		}
	}
	return best
}

// go test -bench PolicyLookup ./srcselect
func BenchmarkPolicyLookup(b *testing.B) {
	tables := map[string]Policy{"default": DefaultPolicy()}
	for _, n := range []int{32, 100, 10_000} {
		rows := DefaultPolicy().Rows()
		for i := range n - len(rows) {
			prefix := netip.MustParsePrefix(fmt.Sprintf("2001:db8:%x::/48", i))
			rows = append(rows, PolicyEntry{Prefix: prefix, Precedence: 45, Label: uint8(i)})
		}
		tables[fmt.Sprint(n)] = policyOf(rows...)
	}
	var addrs [4]uint128
	for i, text := range []string{"2001:db8:1:2::3", "2600::1", "192.0.2.1", "fd00::1"} {
		addrs[i] = word128(netip.MustParseAddr(text))
	}
	for _, name := range []string{"default", "32", "100", "10000"} {
		p := tables[name]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				p.classify(addrs[i%4], 1)
				i++
			}
		})
	}
}
