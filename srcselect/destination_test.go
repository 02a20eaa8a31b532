package srcselect

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"testing"
)

// Each rule of section 6 alone: first goes before second in both orders, by rule.
// rule 10 leaves the order as it is.
func TestEachDestinationRule(t *testing.T) {
	encapsulated := func(q Query) Query {
		q.Encapsulated = true
		return q
	}
	unreachable := func(q Query) Query {
		q.Unreachable = true
		return q
	}
	from := func(q Query, source string) Query {
		q.Source = netip.MustParseAddr(source)
		return q
	}
	table := policyOf(append(DefaultPolicy().Rows(), PolicyEntry{netip.MustParsePrefix("2001:db8:40::/48"), 41, 1, 0},
		PolicyEntry{netip.MustParsePrefix("198.51.100.0/24"), 40, 4, 0})...)
	hosts := []string{"2001:db8:1::1", "fe80::1", "192.0.2.1", "2001:db8:2::1 deprecated", "2001:db8:3::1 home", "2001:db8:4::1 home coa",
		"2001:db8:5::1 coa", "fd00::1 skip", "169.254.1.1"}
	for _, c := range []struct {
		name          string
		rule          DestinationRule
		first, second Query
	}{
		{"usable", 1, from(to("fe80::9"), "fe80::1"), from(to("2001:db8::9"), "2001:db8:ffff::1")},
		{"reachable", 1, from(to("fe80::9"), "fe80::1"), unreachable(from(to("2001:db8::9"), "2001:db8:1::1"))},
		{"valid", 1, from(to("fe80::9"), "fe80::1"), to("::")},
		{"scope", 2, from(to("192.0.2.9"), "192.0.2.1"), from(to("2001:db8::9"), "fe80::1")},
		{"deprecated", 3, from(to("192.0.2.9"), "192.0.2.1"), from(to("2001:db8::9"), "2001:db8:2::1")},
		{"home and care-of against home", 4, from(to("2001:db8:9::9"), "2001:db8:4::1"), from(to("2001:db8:3::9"), "2001:db8:3::1")},
		{"home against care-of", 4, from(to("2001:db8:9::9"), "2001:db8:3::1"), from(to("2001:db8:5::9"), "2001:db8:5::1")},
		{"label", 5, from(to("192.0.2.9"), "192.0.2.1"), from(to("2002::9"), "2001:db8:1::1")},
		{"precedence", 6, from(to("2001:db8:40::9"), "2001:db8:1::1"), from(to("2001:db8:1::9"), "2001:db8:1::1")},
		{"native transport", 7, from(to("2001:db8:ffff::9"), "2001:db8:1::1"), encapsulated(from(to("2001:db8:1::9"), "2001:db8:1::1"))},
		{"smaller scope", 8, from(to("fe80::9"), "fe80::1"), from(to("2001:db8:1::9"), "2001:db8:1::1")},
		{"longest prefix", 9, from(to("2001:db8:1::9"), "2001:db8:1::1"), from(to("2001:db8::9"), "2001:db8:1::1")},
		{"longest IPv4 prefix", 9, from(to("192.0.2.9"), "192.0.2.1"), from(to("192.0.3.9"), "192.0.2.1")},
		{"care-of and neither", 10, from(to("2001:db8:5::9"), "2001:db8:5::1"), from(to("2001:db8:1::9"), "2001:db8:1::1")},
		{"not longest prefix of two families", 10, from(to("198.51.100.9"), "192.0.2.1"), from(to("2001:db8:1::9"), "2001:db8:1::1")},
		{"beyond the own prefix", 10, from(to("2001:db8:1::8"), "2001:db8:1::1"), from(to("2001:db8:1::1"), "2001:db8:1::1")},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := selectorWith(t, Config{Policy: table}, hosts...)
			for _, dsts := range [][]Query{{c.first, c.second}, {c.second, c.first}} {
				want := c.first
				if c.rule == 10 {
					want = dsts[0]
				}
				got := s.SortDestinations(dsts)
				if !reflect.DeepEqual(got[0].Query, want) || got[0].Rule != 0 || got[1].Rule != c.rule {
					t.Errorf("%v: %v first, then by %v, want %v, then by %v", dsts, got[0].Query, got[1].Rule, want, c.rule)
				}
			}
		})
	}
}

// Against a literal reading of section 6 on top of the reference for section 5:
// the order is a permutation, every destination is no better than the one before
// it, the sources are Select's, equals keep their order, and within each family the
// result is the one and only stable order.
func TestSortDestinationsAgainstReference(t *testing.T) {
	rules := make(map[DestinationRule]int)
	for seed := range uint64(120) {
		w := newWorld(seed)
		for range 30 {
			if err := w.mutate(); err != nil {
				t.Fatal(err)
			}
		}
		for range 20 {
			var dsts []Query
			for range w.IntN(9) {
				q := w.query()
				q.Encapsulated, q.Unreachable = w.oneIn(4), w.oneIn(8)
				dsts = append(dsts, q)
			}
			before := slices.Clone(dsts)
			got := w.s.SortDestinations(dsts)
			if !slices.Equal(dsts, before) || len(got) != len(dsts) {
				t.Fatalf("%d results, or the input changed: %v, %v", len(got), dsts, before)
			}
			checkDestinations(t, w, dsts, got)
			for _, r := range got {
				rules[r.Rule]++
			}
		}
	}
	for r := range DestinationRule(11) {
		if rules[r] == 0 {
			t.Errorf("no random destination was placed by %v", r)
		}
	}
}

func checkDestinations(t *testing.T, w *world, dsts []Query, got []DestinationResult) {
	t.Helper()
	ref := &reference{cfg: w.cfg}
	left := slices.Clone(dsts) // what stable removal leaves of the input
	var families [2][]Query    // the results of each, in their order
	for i, r := range got {
		at := slices.Index(left, r.Query)
		if at < 0 {
			t.Fatalf("%v is not of the input", r.Query)
		}
		left = slices.Delete(left, at, at+1)
		answer := ref.choose(w.list, r.Query)
		if answer.ok != (r.Err == nil) || !reflect.DeepEqual(r.Source, answer.address) {
			t.Fatalf("%v: source %v (%v), want %v", r.Query, r.Source, r.Err, answer.address)
		}
		if i == 0 {
			continue
		}
		order, rule := ref.compareDestinations(w.list, got[i-1].Query, r.Query)
		if order < 0 || rule != r.Rule {
			t.Fatalf("%v after %v by %v, want %d by %v", r.Query, got[i-1].Query, r.Rule, order, rule)
		}
		if order == 0 && slices.Index(dsts, r.Query) < slices.Index(dsts, got[i-1].Query) {
			t.Fatalf("%v after %v, which came later", r.Query, got[i-1].Query)
		}
	}
	for _, r := range got {
		family := bit(r.Query.Destination.Unmap().Is4())
		families[family] = append(families[family], r.Query)
	}
	for family, got := range families {
		want := slices.DeleteFunc(slices.Clone(dsts), func(q Query) bool { return bit(q.Destination.Unmap().Is4()) != uint32(family) })
		slices.SortStableFunc(want, func(a, b Query) int {
			order, _ := ref.compareDestinations(w.list, a, b)
			return -order
		})
		if !slices.Equal(got, want) {
			t.Fatalf("of %v\n got %v\nwant %v", dsts, got, want)
		}
	}
}

// compareDestinations: section 6, word by word. Positive prefers DA.
func (r *reference) compareDestinations(all []Address, DA, DB Query) (int, DestinationRule) {
	SourceA, SourceB := r.choose(all, DA), r.choose(all, DB)
	a, b := DA.Destination.Unmap().WithZone(""), DB.Destination.Unmap().WithZone("")
	sa, sb := SourceA.address.Prefix.Addr(), SourceB.address.Prefix.Addr()
	if order := either(SourceA.ok && !DA.Unreachable, SourceB.ok && !DB.Unreachable); order != 0 {
		return order, 1
	}
	// A source that is undefined has no scope and no label, and is not deprecated.
	if order := either(SourceA.ok && r.scope(a) == r.scope(sa), SourceB.ok && r.scope(b) == r.scope(sb)); order != 0 {
		return order, 2
	}
	if order := either(!r.deprecated(SourceA.address), !r.deprecated(SourceB.address)); order != 0 {
		return order, 3
	}
	if order := r.byHome(SourceA.address, SourceB.address, Query{}); order != 0 {
		return order, 4
	}
	matchA := SourceA.ok && r.label(sa, SourceA.address.Interface) == r.label(a, outgoing(DA))
	matchB := SourceB.ok && r.label(sb, SourceB.address.Interface) == r.label(b, outgoing(DB))
	if order := either(matchA, matchB); order != 0 {
		return order, 5
	}
	if order := r.precedence(a, outgoing(DA)) - r.precedence(b, outgoing(DB)); order != 0 {
		return order, 6
	}
	if order := either(!DA.Encapsulated, !DB.Encapsulated); order != 0 {
		return order, 7
	}
	if order := r.scope(b) - r.scope(a); order != 0 {
		return order, 8
	}
	if a.Is4() == b.Is4() {
		if order := r.commonPrefixLen(SourceA.address.Prefix, a) - r.commonPrefixLen(SourceB.address.Prefix, b); order != 0 {
			return order, 9
		}
	}
	return 0, 10
}

// precedence is that of the row whose label counts.
func (r *reference) precedence(a netip.Addr, iface int) int {
	best, bestLen, own := 0, -1, false
	for _, row := range r.rows() {
		if row.Interface != 0 && row.Interface != iface || !row.Prefix.Contains(netip.AddrFrom16(a.As16())) {
			continue
		}
		if row.Prefix.Bits() > bestLen || row.Prefix.Bits() == bestLen && row.Interface != 0 && !own {
			best, bestLen, own = int(row.Precedence), row.Prefix.Bits(), row.Interface != 0
		}
	}
	return best
}

// outgoing is the interface of a query, which the zone of D may name.
func outgoing(q Query) int {
	D := q.Destination.Unmap()
	if q.Interface == 0 && (D.IsMulticast() || D.IsLinkLocalUnicast()) {
		return int(zoneIndex(D))
	}
	return q.Interface
}

// An IPv4 destination that ties with two of IPv6 by rules 1 to 8 does not keep rule
// 9 from ordering those, wherever it stands.
func TestRule9AcrossFamilies(t *testing.T) {
	table := policyOf(append(DefaultPolicy().Rows(), PolicyEntry{netip.MustParsePrefix("198.51.100.0/24"), 40, 4, 0})...)
	s := selectorWith(t, Config{Policy: table}, "2001:db8:1::1", "192.0.2.1")
	better, worse, other := to("2001:db8:1::9"), to("2001:db8:ffff::9"), to("198.51.100.9")
	for _, dsts := range [][]Query{{worse, other, better}, {other, worse, better}, {worse, better, other}, {better, other, worse}} {
		var ipv6 []Query
		for _, r := range s.SortDestinations(dsts) {
			if r.Query != other {
				ipv6 = append(ipv6, r.Query)
			}
		}
		if !slices.Equal(ipv6, []Query{better, worse}) {
			t.Errorf("%v: sorted to %v", dsts, ipv6)
		}
	}
}

func TestSortDestinationsErrors(t *testing.T) {
	s := selectorWith(t, Config{}, "2001:db8::1 skip", "192.0.2.1")
	if got := s.SortDestinations(nil); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
	got := s.SortDestinations([]Query{{}, to("2001:db8::9"), to("192.0.2.9")})
	if got[0].Err != nil || got[0].Query.Destination != netip.MustParseAddr("192.0.2.9") {
		t.Errorf("first is %+v", got[0])
	}
	if !errors.Is(got[1].Err, ErrNoSource) || got[1].Rule != 1 || !errors.Is(got[2].Err, ErrInvalid) {
		t.Errorf("errors %v by %v, %v", got[1].Err, got[1].Rule, got[2].Err)
	}
	if got := DestinationRule(11).String(); got != "unknown rule 11" {
		t.Errorf("rule 11 is %q", got)
	}
}
