package srcselect

import (
	"errors"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestAddRefuses(t *testing.T) {
	p := netip.MustParsePrefix
	good := addresses(t, "2001:db8::1 skip", "192.0.2.1")
	for _, c := range []struct {
		want string
		bad  Address
	}{
		{"address without a prefix (interface 3)", Address{Interface: 3}},
		{"address 2001:db8::2: prefix length is missing or out of range", Address{Prefix: netip.PrefixFrom(netip.MustParseAddr("2001:db8::2"), 129), Interface: 1}},
		{"address ::ffff:192.0.2.1: prefix length is missing or out of range", Address{Prefix: p("::ffff:192.0.2.1/64"), Interface: 1}},
		{"address ::/128: the unspecified address can't be assigned", Address{Prefix: p("::/128"), Interface: 1}},
		{"address 0.0.0.0/32: the unspecified address can't be assigned", Address{Prefix: p("0.0.0.0/32"), Interface: 1}},
		{"address ff02::1/128: a multicast address can't be assigned", Address{Prefix: p("ff02::1/128"), Interface: 1}},
		{"address ::ffff:224.0.0.1/128: a multicast address can't be assigned", Address{Prefix: p("::ffff:224.0.0.1/128"), Interface: 1}},
		{"address 255.255.255.255/32: the limited broadcast address can't be assigned", Address{Prefix: p("255.255.255.255/32"), Interface: 1}},
		{"address 2001:db8::2/64: interface index 0: want 1 to 2147483647", Address{Prefix: p("2001:db8::2/64")}},
		{"address 2001:db8::2/64: interface index -1: want 1 to 2147483647", Address{Prefix: p("2001:db8::2/64"), Interface: -1}},
		{"address 2001:db8::2/64: router 192.0.2.1: not of the address's family",
			Address{Prefix: p("2001:db8::2/64"), Interface: 1, Routers: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}},
		{"address 2001:db8::2/64: router ff02::2: not a unicast address",
			Address{Prefix: p("2001:db8::2/64"), Interface: 1, Routers: []netip.Addr{netip.MustParseAddr("ff02::2")}}},
		{"address 2001:db8::2/64: router invalid IP: not a unicast address",
			Address{Prefix: p("2001:db8::2/64"), Interface: 1, Routers: []netip.Addr{{}}}},
		{"address ::ffff:192.0.2.1/128: given twice for interface 1", Address{Prefix: p("::ffff:192.0.2.1/128"), Interface: 1}},
	} {
		s := selectorWith(t, Config{}, "2001:db8::1")
		before := s.Addresses()
		err := s.Add(append(slices.Clone(good), c.bad)...)
		if !errors.Is(err, ErrInvalid) || err.Error() != "srcselect: "+c.want {
			t.Errorf("%+v: error %v, want %q", c.bad, err, c.want)
		}
		if !reflect.DeepEqual(s.Addresses(), before) {
			t.Errorf("%+v: half applied: %v", c.bad, s.Addresses())
		}
	}
	if math.MaxInt > math.MaxInt32 {
		a := addresses(t, "2001:db8::1")[0]
		a.Interface = math.MaxInt
		if err := NewSelector(Config{}).Add(a); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "want 1 to 2147483647") {
			t.Errorf("interface %d: error %v", a.Interface, err)
		}
	}
}

// RemoveAddresses makes one snapshot, and none if nothing is there.
func TestRemoveAddresses(t *testing.T) {
	for _, n := range []int{3, mostInList + 20} { // a list, an index
		s := NewSelector(Config{})
		var addrs []netip.Addr
		for i := range n {
			p := hostPrefix("2001:db8::", i, 64)
			addrs = append(addrs, p.Addr())
			for iface := 1; iface <= 2; iface++ {
				if err := s.Add(Address{Prefix: p, Interface: iface}); err != nil {
					t.Fatal(err)
				}
			}
		}
		before := s.load()
		if got := s.RemoveAddresses(3, addrs...) + s.RemoveAddresses(0, addrs...) + s.RemoveAddresses(1); got != 0 || s.load() != before {
			t.Errorf("of %d: removed %d of an interface that has none", n, got)
		}
		addrs[0] = addrs[0].WithZone("eth0")
		if got := s.RemoveAddresses(1, addrs...); got != n {
			t.Errorf("removed %d of %d", got, n)
		}
		for _, a := range s.Addresses() {
			if a.Interface == 1 {
				t.Errorf("of %d: %v is still there", n, a.Prefix)
			}
		}
		if left := len(s.Addresses()); left != n {
			t.Errorf("%d of %d are left on the other interface", left, n)
		}
		if got := s.RemoveAddresses(2, addrs...); got != n || len(s.Addresses()) != 0 {
			t.Errorf("then removed %d of %d", got, n)
		}
	}
}

// A change of flags keeps the age, on which ties depend; a removal gives it up.
func TestAge(t *testing.T) {
	s := selectorWith(t, Config{}, "2001:db8::1", "2001:db8::2", "2001:db8::3")
	expect := func(want string) {
		t.Helper()
		if got, r := mustSelect(t, s, to("2001:db8:1::")); got != want || !r.Tied {
			t.Errorf("chose %v (tied %v), want %v", got, r.Tied, want)
		}
	}
	change := func(texts ...string) {
		t.Helper()
		if err := s.Add(addresses(t, texts...)...); err != nil {
			t.Fatal(err)
		}
	}
	expect("2001:db8::1")
	change("2001:db8::1 skip")
	expect("2001:db8::2")
	change("2001:db8::4", "2001:db8::1") // no longer skipped
	expect("2001:db8::1")
	if !s.Remove(1, netip.MustParseAddr("2001:db8::1%eth0")) || s.Remove(1, netip.MustParseAddr("2001:db8::1")) {
		t.Error("Remove: want true, then false")
	}
	if s.Remove(2, netip.MustParseAddr("2001:db8::2")) || s.Remove(1, netip.Addr{}) || s.Remove(0, netip.MustParseAddr("2001:db8::2")) {
		t.Error("Remove found what was not there")
	}
	expect("2001:db8::2")
	change("2001:db8::1")
	expect("2001:db8::2")
	var got []string
	for _, a := range s.Addresses() {
		got = append(got, a.Prefix.Addr().String())
	}
	if want := "2001:db8::2 2001:db8::3 2001:db8::4 2001:db8::1"; strings.Join(got, " ") != want {
		t.Errorf("by age %v, want %v", got, want)
	}
}

// The same address on two interfaces is two addresses; a mapped one is its IPv4.
func TestSlots(t *testing.T) {
	s := selectorWith(t, Config{}, "fe80::1 if1", "fe80::1 if2 skip", "192.0.2.1", "::ffff:192.0.2.2/120")
	if err := s.Add(addresses(t, "::ffff:192.0.2.1/121 temporary")...); err != nil {
		t.Fatal(err)
	}
	want := addresses(t, "fe80::1 if1", "fe80::1 if2 skip", "192.0.2.1/25 temporary", "192.0.2.2/24")
	if got := s.Addresses(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	if !s.Remove(2, netip.MustParseAddr("fe80::1")) || !s.Remove(1, netip.MustParseAddr("::ffff:192.0.2.1")) {
		t.Error("Remove did not find them")
	}
	if got := s.Addresses(); !reflect.DeepEqual(got, []Address{want[0], want[3]}) {
		t.Errorf("after Remove: %v", got)
	}
}

// The Selector keeps nothing of the caller's and gives nothing of its own away.
func TestRoutersAreCopied(t *testing.T) {
	as := addresses(t, "2001:db8::1 via=fe80::a%eth0")
	s := NewSelector(Config{})
	if err := s.Add(as...); err != nil {
		t.Fatal(err)
	}
	as[0].Routers[0] = netip.MustParseAddr("fe80::b")
	s.Addresses()[0].Routers[0] = netip.MustParseAddr("fe80::c")
	if got := s.Addresses()[0].Routers; len(got) != 1 || got[0] != netip.MustParseAddr("fe80::a") {
		t.Errorf("routers %v, want fe80::a", got)
	}
}

func TestZeroSelector(t *testing.T) {
	var s Selector
	if s.Remove(1, netip.IPv6Loopback()) || len(s.Addresses()) != 0 {
		t.Error("the zero Selector is not empty")
	}
	if _, err := s.Select(to("::1")); !errors.Is(err, ErrNoSource) {
		t.Errorf("error %v, want %v", err, ErrNoSource)
	}
	if err := s.Add(); err != nil {
		t.Error(err)
	}
	if err := s.Add(addresses(t, "::1/128")...); err != nil {
		t.Fatal(err)
	}
	if got, _ := mustSelect(t, &s, to("::1")); got != "::1" {
		t.Errorf("chose %v", got)
	}
}
