package srcselect

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
)

func prefixes(texts ...string) []netip.Prefix {
	var ps []netip.Prefix
	for _, text := range texts {
		ps = append(ps, netip.MustParsePrefix(text))
	}
	return ps
}

func TestKnownLocalPrefixes(t *testing.T) {
	for _, c := range []struct {
		name           string
		routes, onLink []netip.Prefix
		want           []netip.Prefix
	}{
		{name: "nothing"},
		{name: "routes as they are, from /40",
			routes: prefixes("fd11:1111:1100::/40", "fd22:2222:2222:1::/64", "fd33::/39", "fc00:1::/48", "2001:db8::/48"),
			want:   prefixes("fd11:1111:1100::/40", "fd22:2222:2222:1::/64")},
		{name: "on-link prefixes and addresses as /48",
			onLink: prefixes("fd11:1111:1111:1::/64", "fd11:1111:1111:2::7/64", "fd22:2222:2222::1/128", "fe80::1/64", "fc00:1::1/64", "10.0.0.1/8"),
			want:   prefixes("fd11:1111:1111::/48", "fd22:2222:2222::/48")},
		{name: "routes come first",
			routes: prefixes("fd11:1111:1100::/40", "fd22:2222:2222:1::/64"),
			onLink: prefixes("fd11:1111:1111:1::/64", "fd22:2222:2222:1::/64", "fd22:2222:2222:2::/64"),
			want:   prefixes("fd11:1111:1100::/40", "fd22:2222:2222::/48", "fd22:2222:2222:1::/64")},
		{name: "host bits and repetitions",
			routes: prefixes("fd11:1111:1111:1::9/64", "fd11:1111:1111:1::/64"),
			want:   prefixes("fd11:1111:1111:1::/64")},
	} {
		if got := KnownLocalPrefixes(c.routes, c.onLink); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// Automatic rows come and go with the list, and leave configured rows alone.
func TestWithKnownLocal(t *testing.T) {
	configured := append(UpdatePolicy().Rows(),
		PolicyEntry{Prefix: netip.MustParsePrefix("fd22::/48"), Precedence: 7, Label: 77},
		PolicyEntry{Prefix: netip.MustParsePrefix("fd33::/48"), Precedence: 8, Label: 88, Interface: 3})
	base := policyOf(configured...)
	p := mustKnow(t, base, "fd11::/48", "fd22::/48", "fd33::/48", "fd11::/48")
	for _, c := range []struct {
		addr  string
		iface int
		want  PolicyEntry
	}{
		{"fd11::1", 0, PolicyEntry{Prefix: netip.MustParsePrefix("fd11::/48"), Precedence: 45, Label: 14}},
		{"fd11:0:1::1", 0, PolicyEntry{Prefix: netip.MustParsePrefix("fc00::/7"), Precedence: 30, Label: 13}},
		{"fd22::1", 0, PolicyEntry{Prefix: netip.MustParsePrefix("fd22::/48"), Precedence: 7, Label: 77}},
		{"fd33::1", 3, PolicyEntry{Prefix: netip.MustParsePrefix("fd33::/48"), Precedence: 8, Label: 88, Interface: 3}},
		{"fd33::1", 2, PolicyEntry{Prefix: netip.MustParsePrefix("fd33::/48"), Precedence: 45, Label: 14}},
	} {
		if got, ok := p.Lookup(netip.MustParseAddr(c.addr), c.iface); !ok || got != c.want {
			t.Errorf("%s on %d: %v, want %v", c.addr, c.iface, got, c.want)
		}
	}
	if got, want := fmt.Sprint(p.KnownLocal()), "[fd11::/48 fd33::/48]"; got != want {
		t.Errorf("known-local %s, want %s", got, want)
	}
	if p = mustKnow(t, p, "fd44::/48"); fmt.Sprint(p.KnownLocal()) != "[fd44::/48]" || len(p.Rows()) != len(configured)+1 {
		t.Errorf("another list: %v", p)
	}
	if p = mustKnow(t, p); p.String() != base.String() {
		t.Errorf("withdrawn: %v, want %v", p, base)
	}
	if len(base.KnownLocal()) != 0 || len(base.Rows()) != len(configured) {
		t.Errorf("the first table has changed: %v", base)
	}
}

func TestWithKnownLocalRefuses(t *testing.T) {
	for want, prefix := range map[string]netip.Prefix{
		"srcselect: known-local prefix fc11::/48: not in fd00::/8":                netip.MustParsePrefix("fc11::/48"),
		"srcselect: known-local prefix fc00::/7: not in fd00::/8":                 netip.MustParsePrefix("fc00::/7"),
		"srcselect: known-local prefix fd11::/39: shorter than /40":               netip.MustParsePrefix("fd11::/39"),
		"srcselect: known-local prefix fd11::1/48: has host bits: want fd11::/48": netip.MustParsePrefix("fd11::1/48"),
		"srcselect: known-local prefix invalid Prefix: not in fd00::/8":           {},
		"srcselect: known-local prefix ::ffff:253.0.0.0/112: not in fd00::/8":     netip.MustParsePrefix("::ffff:253.0.0.0/112"),
	} {
		p, err := UpdatePolicy().WithKnownLocal(netip.MustParsePrefix("fd22::/48"), prefix)
		if !errors.Is(err, ErrInvalid) || err.Error() != want || p != (Policy{}) {
			t.Errorf("%v: %v, error %v, want %q", prefix, p, err, want)
		}
	}
}
