package srcselect

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// RFC 6724 section 2.1, as printed there.
const rfc6724Table = `
      Prefix        Precedence Label
      ::1/128               50     0
      ::/0                  40     1
      ::ffff:0:0/96         35     4
      2002::/16             30     2
      2001::/32              5     5
      fc00::/7               3    13
      ::/96                  1     3
      fec0::/10              1    11
      3ffe::/16              1    12`

// draft-ietf-6man-rfc6724-update, the same table after the update.
const updatedTable = `
      Prefix        Precedence Label
      ::1/128               50     0
      ::/0                  40     1
      fc00::/7              30    13
      ::ffff:0:0/96         20     4
      2002::/16              5     2
      2001::/32              5     5
      ::/96                  1     3
      fec0::/10              1    11
      3ffe::/16              1    12`

// The labels of net/ipv6/addrlabel.c and the precedences of glibc's getaddrinfo.
const linuxHostTable = `
      Prefix        Precedence Label
      ::1/128               50     0
      ::/0                  40     1
      2002::/16             30     2
      ::/96                 20     3
      ::ffff:0:0/96         10     4
      fc00::/7              40     5
      2001::/32             40     6
      2001:10::/28          40     7
      fec0::/10             40    11
      3ffe::/16             40    12`

func TestPolicyTables(t *testing.T) {
	for _, c := range []struct {
		name   string
		policy Policy
		want   string
	}{
		{"default", DefaultPolicy(), rfc6724Table},
		{"zero", Policy{}, rfc6724Table},
		{"update", UpdatePolicy(), updatedTable},
		{"Linux", Linux().Policy, linuxHostTable},
		{"Windows", Windows().Policy, rfc6724Table},
		{"FreeBSD", FreeBSD().Policy, rfc6724Table},
	} {
		words := strings.Fields(c.want)[3:]
		got := make(map[string]bool)
		for line := range strings.Lines(c.policy.String()) {
			got[strings.Join(strings.Fields(line), " ")] = true
		}
		for i := 0; i < len(words); i += 3 {
			words[i] = netip.MustParsePrefix(words[i]).String()
			if row := strings.Join(words[i:i+3], " "); !got[row] {
				t.Errorf("%s: no row %q in\n%v", c.name, row, c.policy)
			}
		}
		if len(got)*3 != len(words) {
			t.Errorf("%s: %d rows, want %d", c.name, len(got), len(words)/3)
		}
	}
}

func TestPolicyLookup(t *testing.T) {
	row := func(prefix string, precedence uint8, iface int) PolicyEntry {
		return PolicyEntry{Prefix: netip.MustParsePrefix(prefix), Precedence: precedence, Label: precedence + 100, Interface: iface}
	}
	p := policyOf(
		row("2001:db8::/32", 1, 0), row("2001:db8::/32", 2, 7), row("2001:db8::/32", 3, 8),
		row("2001:db8:1::/48", 4, 0), row("2001:db8:1:1::/64", 5, 8),
		row("192.0.2.0/24", 6, 0), row("::ffff:192.0.2.128/121", 7, 0), row("10.0.0.0/8", 8, 9),
	)
	for _, c := range []struct {
		addr  string
		iface int
		want  int // -1: no row
	}{
		{"2001:db8:9::1", 0, 1},
		{"2001:db8:9::1", 1, 1},
		{"2001:db8:9::1", 7, 2},
		{"2001:db8:9::1", 8, 3},
		{"2001:db8:1::1", 8, 4},
		{"2001:db8:1:1::1", 8, 5},
		{"2001:db8:1:1::1", 7, 4},
		{"2001:db8:1:1::1%8", 0, 4},
		{"192.0.2.1", 0, 6},
		{"::ffff:192.0.2.1", 0, 6},
		{"192.0.2.129", 3, 7},
		{"10.1.1.1", 9, 8},
		{"10.1.1.1", 8, -1},
		{"10.1.1.1", 0, -1},
		{"2001:db9::", 7, -1},
		{"2001:db8::1", -1, -1},
	} {
		e, ok := p.Lookup(netip.MustParseAddr(c.addr), c.iface)
		if ok != (c.want >= 0) || ok && int(e.Precedence) != c.want {
			t.Errorf("Lookup(%s, %d) = %+v, %v, want row of precedence %d", c.addr, c.iface, e, ok, c.want)
		}
	}
	if _, ok := p.Lookup(netip.Addr{}, 0); ok {
		t.Error("the zero Addr has a row")
	}
	if _, ok := policyOf().Lookup(netip.MustParseAddr("::1"), 0); ok {
		t.Error("an empty table has a row")
	}
}

func TestNewPolicyRefuses(t *testing.T) {
	good := PolicyEntry{Prefix: netip.MustParsePrefix("::ffff:192.0.2.0/120")}
	for want, e := range map[string]PolicyEntry{
		"policy row 1: no valid prefix":                                                                    {},
		"policy row 1: prefix 2001:db8::1/32 has host bits: want 2001:db8::/32":                            {Prefix: netip.MustParsePrefix("2001:db8::1/32")},
		"policy row 1: prefix 10.0.0.1/8 has host bits: want 10.0.0.0/8":                                   {Prefix: netip.MustParsePrefix("10.0.0.1/8")},
		"policy row 1 (2001:db8::/32): interface index -1: want 1 to 2147483647, or 0 for every interface": {Prefix: netip.MustParsePrefix("2001:db8::/32"), Interface: -1},
		"policy row 1 (192.0.2.0/24): same prefix and interface as row 0":                                  {Prefix: netip.MustParsePrefix("192.0.2.0/24")},
	} {
		p, err := NewPolicy([]PolicyEntry{good, e})
		if !errors.Is(err, ErrInvalid) || err.Error() != "srcselect: "+want {
			t.Errorf("%+v: error %v, want %q", e, err, want)
		}
		if p != (Policy{}) {
			t.Errorf("%+v: half a policy: %v", e, p)
		}
	}
	if _, err := NewPolicy([]PolicyEntry{good, {Prefix: netip.MustParsePrefix("192.0.2.0/24"), Interface: 1}}); err != nil {
		t.Errorf("the same prefix for one interface: %v", err)
	}
}

// Neither the rows given nor the rows returned are the table's own.
func TestPolicyIsImmutable(t *testing.T) {
	rows := []PolicyEntry{{Prefix: netip.MustParsePrefix("2001:db8::/32"), Label: 1}}
	p := policyOf(rows...)
	rows[0].Label = 2
	p.Rows()[0].Label = 3
	if e, _ := p.Lookup(netip.MustParseAddr("2001:db8::1"), 0); e.Label != 1 {
		t.Errorf("label %d, want 1", e.Label)
	}
	DefaultPolicy().Rows()[0].Precedence = 0
	if e, _ := DefaultPolicy().Lookup(netip.IPv6Loopback(), 0); e.Precedence != 50 {
		t.Errorf("default precedence of ::1 is %d, want 50", e.Precedence)
	}
}

// What SetPolicy puts in force is what Policy returns, of the zero Selector too.
func TestSelectorPolicy(t *testing.T) {
	var s Selector
	if got, want := s.Policy().String(), DefaultPolicy().String(); got != want {
		t.Errorf("the zero Selector has\n%swant\n%s", got, want)
	}
	s.SetPolicy(UpdatePolicy())
	if got, want := s.Policy().String(), UpdatePolicy().String(); got != want {
		t.Errorf("after SetPolicy:\n%swant\n%s", got, want)
	}
	if got, want := NewSelector(Config{Policy: UpdatePolicy()}).Policy().String(), UpdatePolicy().String(); got != want {
		t.Errorf("of the Config:\n%swant\n%s", got, want)
	}
}
