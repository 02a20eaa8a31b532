package stack_test

import (
	"net"
	"net/netip"
	"testing"

	"github.com/hextet/hextet/srcselect"
	"github.com/hextet/hextet/stack"
)

// A label that joins the destination with one of two prefixes moves the source of a socket that has sent
// already (RFC 6724 section 5, rule 6), and taking it away moves it back.
func TestSetPolicy(t *testing.T) {
	a, b := newStack(t, stack.Config{}), newStack(t, stack.Config{})
	la, lb := stack.Pipe(1500)
	attach(t, a, "eth0", la, plain("2001:db8:1::1/48"), plain("2001:db8:2::1/48"))
	attach(t, b, "eth0", lb, plain("2001:db8:1::2/48"))
	if err := b.AddRoute(stack.Route{Destination: netip.MustParsePrefix("2001:db8:2::/48"), Interface: "eth0"}); err != nil {
		t.Fatal(err)
	}
	receiver, err := b.ListenPacket(t.Context(), "udp", "[2001:db8:1::2]:9")
	if err != nil {
		t.Fatal(err)
	}
	sender, err := a.ListenPacket(t.Context(), "udp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	labelled, err := srcselect.NewPolicy([]srcselect.PolicyEntry{
		{Prefix: netip.MustParsePrefix("::/0"), Precedence: 40, Label: 1},
		{Prefix: netip.MustParsePrefix("2001:db8:1::2/128"), Precedence: 40, Label: 7},
		{Prefix: netip.MustParsePrefix("2001:db8:2::/48"), Precedence: 40, Label: 7},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		policy srcselect.Policy
		source string
	}{
		{srcselect.DefaultPolicy(), "2001:db8:1::1"},
		{labelled, "2001:db8:2::1"},
		{srcselect.DefaultPolicy(), "2001:db8:1::1"},
	} {
		a.SetPolicy(tt.policy)
		if got := a.Policy().String(); got != tt.policy.String() {
			t.Errorf("Policy returns\n%s, not\n%s", got, tt.policy)
		}
		if _, err := sender.WriteTo([]byte("who"), net.UDPAddrFromAddrPort(netip.MustParseAddrPort("[2001:db8:1::2]:9"))); err != nil {
			t.Fatal(err)
		}
		_, from, err := receiver.ReadFrom(make([]byte, 16))
		if err != nil {
			t.Fatal(err)
		}
		if got := from.(*net.UDPAddr).IP.String(); got != tt.source {
			t.Errorf("from %s, want %s", got, tt.source)
		}
	}
}

func TestNameserversIsACopy(t *testing.T) {
	want := netip.MustParseAddrPort("192.0.2.53:53")
	s := newStack(t, stack.Config{Nameservers: []netip.AddrPort{want}})
	s.Nameservers()[0] = netip.AddrPort{}
	if got := s.Nameservers(); len(got) != 1 || got[0] != want {
		t.Errorf("Nameservers() = %v, want [%v]", got, want)
	}
}
