package lab_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

// What is no address opens nothing, and an IPv4 address is one in its IPv6 form too.
func TestOnlyAddressesOdd(t *testing.T) {
	frame := append(make([]byte, 14), 0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2)
	frame[12] = 8
	p := lab.Packet{Data: frame}
	if lab.OnlyAddresses(netip.Addr{}).Passes(lab.Out, p) || lab.OnlyAddresses(netip.Addr{}).Passes(lab.In, p) {
		t.Error("the zero address passes")
	}
	if !lab.OnlyAddresses(netip.MustParseAddr("::ffff:192.0.2.1")).Passes(lab.Out, p) {
		t.Error("192.0.2.1 in its IPv6 form does not pass")
	}
	if r := (lab.Rule{From: netip.PrefixFrom(netip.MustParseAddr("192.0.2.1"), 33)}); !lab.NewFirewall(r).Passes(lab.Out, p) {
		t.Error("a prefix of 33 bits fits")
	}
}

// KB975808: a server with many addresses, of which the firewall passes one. Who asks DNS for the others is
// blocked, and so is the server when it speaks from one of them.
func TestOnlyAddresses(t *testing.T) {
	l := lab.New(t)
	wall := lab.OnlyAddresses(netip.MustParseAddr("2001:db8::25"), netip.MustParseAddr("10.0.0.25"))
	server := l.Host(lab.HostConfig{Name: "server", Interfaces: []lab.InterfaceConfig{{
		Addresses: lab.Addresses("2001:db8::24/64 skip", "2001:db8::25/64", "10.0.0.24/24 skip", "10.0.0.25/24"), Firewall: wall,
	}}})
	client := l.Host(lab.HostConfig{Name: "client", Addresses: lab.Addresses("2001:db8::c/64", "10.0.0.201/24")})
	for _, from := range []*lab.Host{server, client} {
		ln, err := from.Listen(t.Context(), "tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		l.Go("serve "+from.Name(), func(context.Context) error {
			for {
				c, err := ln.Accept()
				if err != nil {
					return err
				}
				c.Close()
			}
		})
	}
	dial := func(from *lab.Host, to string) bool {
		ctx, cancel := l.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		c, err := from.DialContext(ctx, "tcp", to)
		if err == nil {
			c.Close()
		}
		return err == nil
	}
	for to, passes := range map[string]bool{"[2001:db8::24]:80": false, "[2001:db8::25]:80": true, "10.0.0.24:80": false, "10.0.0.25:80": true} {
		if got := dial(client, to); got != passes {
			t.Errorf("client to %s: %v", to, got)
		}
	}
	for _, to := range []string{"[2001:db8::c]:80", "10.0.0.201:80"} {
		if !dial(server, to) {
			t.Errorf("the server speaks to %s from an address that the firewall blocks", to)
		}
	}
	if c := wall.Counters(); c.Dropped == 0 || c.Rules[len(c.Rules)-1] != c.Dropped {
		t.Errorf("%+v", c)
	}
	// The flag off: the server chooses one that is blocked.
	eth0 := server.Interfaces()[0]
	for _, a := range []string{"2001:db8::24", "10.0.0.24"} {
		if err := eth0.SetSkipAsSource(netip.MustParseAddr(a), false); err != nil {
			t.Fatal(err)
		}
	}
	if err := eth0.RemoveAddress(netip.MustParseAddr("2001:db8::25")); err != nil {
		t.Fatal(err)
	}
	if dial(server, "[2001:db8::c]:80") {
		t.Error("a blocked source got through")
	}
	// And without the firewall.
	if err := server.SetFirewall("", nil); err != nil {
		t.Fatal(err)
	}
	if !dial(server, "[2001:db8::c]:80") {
		t.Error("no firewall, no way")
	}
	if err := server.SetFirewall("eth1", nil); err == nil || !strings.Contains(err.Error(), `"eth1"`) {
		t.Error(err)
	}
}

// frame serializes layers, with lengths and checksums.
func frame(t *testing.T, ls ...gopacket.SerializableLayer) []byte {
	t.Helper()
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, ls...); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// sample is a frame and what is in it, as far as rules ask.
type sample struct {
	data       []byte
	src, dst   netip.Addr
	proto      uint8
	from, to   uint16
	hasPorts   bool
	neighbor   bool
	descriptor string
}

func samples(t *testing.T) []sample {
	eth6 := &layers.Ethernet{SrcMAC: []byte{2, 0, 0, 0, 0, 1}, DstMAC: []byte{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv6}
	eth4 := &layers.Ethernet{SrcMAC: eth6.SrcMAC, DstMAC: eth6.DstMAC, EthernetType: layers.EthernetTypeIPv4}
	a6, b6 := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8:2::2")
	a4, b4 := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.2.2")
	ip6 := func(next layers.IPProtocol) *layers.IPv6 {
		return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: next, SrcIP: a6.AsSlice(), DstIP: b6.AsSlice()}
	}
	ip4 := func(p layers.IPProtocol, offset uint16) *layers.IPv4 {
		return &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: p, FragOffset: offset, SrcIP: a4.AsSlice(), DstIP: b4.AsSlice()}
	}
	tcp := &layers.TCP{SrcPort: 1000, DstPort: 80, DataOffset: 5}
	udp := &layers.UDP{SrcPort: 1000, DstPort: 53}
	tcpBytes := frame(t, tcp)
	// A hop-by-hop header, then a fragment header, then TCP's beginning or middle.
	chain := func(offset byte) gopacket.Payload {
		b := []byte{44, 0, 1, 4, 0, 0, 0, 0, 6, 0, 0, offset, 0, 0, 0, 9}
		return append(b, tcpBytes...)
	}
	cut := frame(t, eth6, ip6(layers.IPProtocolTCP), tcp)
	return []sample{
		{frame(t, eth6, ip6(layers.IPProtocolTCP), tcp), a6, b6, 6, 1000, 80, true, false, "TCP over IPv6"},
		{frame(t, eth6, ip6(layers.IPProtocolUDP), udp), a6, b6, 17, 1000, 53, true, false, "UDP over IPv6"},
		{frame(t, eth4, ip4(layers.IPProtocolTCP, 0), tcp), a4, b4, 6, 1000, 80, true, false, "TCP over IPv4"},
		{frame(t, eth4, ip4(layers.IPProtocolUDP, 100), udp), a4, b4, 17, 0, 0, false, false, "a later fragment"},
		{frame(t, eth6, ip6(layers.IPProtocolIPv6HopByHop), chain(1)), a6, b6, 6, 1000, 80, true, false, "extension headers"},
		{frame(t, eth6, ip6(layers.IPProtocolIPv6HopByHop), chain(8)), a6, b6, 6, 0, 0, false, false, "extension headers of a later fragment"},
		{frame(t, eth6, ip6(layers.IPProtocolICMPv6), gopacket.Payload{135, 0, 0, 0}), a6, b6, 58, 0, 0, false, true, "a solicitation"},
		{frame(t, eth6, ip6(layers.IPProtocolICMPv6), gopacket.Payload{128, 0, 0, 0}), a6, b6, 58, 0, 0, false, false, "an echo request"},
		{append(append([]byte{}, make([]byte, 12)...), 8, 6, 0, 1), netip.Addr{}, netip.Addr{}, 0, 0, 0, false, true, "ARP"},
		{cut[:40], netip.Addr{}, netip.Addr{}, 0, 0, 0, false, false, "a cut frame"},
		{cut[:10], netip.Addr{}, netip.Addr{}, 0, 0, 0, false, false, "next to nothing"},
	}
}

// fits is Rule's documentation, spelled out: the twin of the firewall's own.
func fits(r lab.Rule, d lab.Direction, s sample) bool {
	all := []bool{true}
	need := func(asked, ok bool) { all = append(all, !asked || ok) }
	need(r.Direction != lab.Both, r.Direction == d)
	need(r.From.IsValid(), s.src.IsValid() && r.From.Contains(s.src))
	need(r.To.IsValid(), s.dst.IsValid() && r.To.Contains(s.dst))
	need(r.Protocol != 0, s.src.IsValid() && r.Protocol == s.proto)
	need(r.FromPort != 0, s.hasPorts && r.FromPort == s.from)
	need(r.ToPort != 0, s.hasPorts && r.ToPort == s.to)
	need(r.Neighbor, s.neighbor)
	for _, ok := range all {
		if !ok {
			return false
		}
	}
	return true
}

// Rules at random against the twin: the first that fits decides, and counts.
func TestFirewallTwin(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(n int) int { return rnd.IntN(n) }
	prefixes := []netip.Prefix{{}, {}, netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2001:db8::1/128"), netip.MustParsePrefix("10.0.0.0/16"), netip.MustParsePrefix("::/0")}
	all := samples(t)
	decided := [2]int{}
	for range 20_000 {
		var rules []lab.Rule
		for range pick(4) {
			rules = append(rules, lab.Rule{
				Pass: pick(2) == 0, Direction: lab.Direction(pick(3)), From: prefixes[pick(6)], To: prefixes[pick(6)],
				Protocol: []uint8{0, 0, 6, 17, 58}[pick(5)], FromPort: []uint16{0, 0, 1000}[pick(3)], ToPort: []uint16{0, 0, 53, 80}[pick(4)], Neighbor: pick(6) == 0,
			})
		}
		w := lab.NewFirewall(rules...)
		s, d := all[pick(len(all))], lab.Direction(1+pick(2))
		want, counts := true, make([]uint64, len(rules))
		for i, r := range rules {
			if fits(r, d, s) {
				want, counts[i] = r.Pass, 1
				break
			}
		}
		got := w.Passes(d, lab.Packet{Data: s.data})
		c := w.Counters()
		if got != want || len(rules) > 0 && !reflect.DeepEqual(c.Rules, counts) || c.Passed+c.Dropped != 1 || (c.Passed == 1) != want {
			t.Fatalf("%s %v by %+v: %v, %+v", s.descriptor, d, rules, got, c)
		}
		decided[map[bool]int{true: 1}[got]]++
	}
	if decided[0] < 500 || decided[1] < 500 {
		t.Error(decided)
	}
}

func FuzzFirewall(f *testing.F) {
	for _, s := range []string{"", "0123456789ab\x86\xdd", "0123456789ab\x08\x00\x45"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w := lab.NewFirewall(lab.Rule{ToPort: 80}, lab.Rule{Protocol: 58, Neighbor: true})
		w.Passes(lab.In, lab.Packet{Data: data})
		if c := w.Counters(); c.Passed+c.Dropped != 1 {
			t.Errorf("%+v", c)
		}
	})
}

// Rules change while packets flow, and a function decides about what fields can't say.
func TestFirewallChanges(t *testing.T) {
	l := lab.New(t)
	big := func(p lab.Packet) bool { return len(p.Data) > 500 }
	wall := lab.NewFirewall(lab.Rule{Direction: lab.Out, Protocol: 17, Match: big})
	a := l.Host(lab.HostConfig{Interfaces: []lab.InterfaceConfig{{Addresses: lab.Addresses("10.0.0.1/24"), Firewall: wall}}})
	b := l.Host(lab.HostConfig{Addresses: lab.Addresses("10.0.0.2/24")})
	in, err := b.ListenPacket(t.Context(), "udp", ":9")
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.DialContext(t.Context(), "udp", "10.0.0.2:9")
	if err != nil {
		t.Fatal(err)
	}
	arrives := func(size int) bool {
		c.Write(make([]byte, size))
		in.SetReadDeadline(l.Now().Add(time.Second))
		_, _, err := in.ReadFrom(make([]byte, 2000))
		return err == nil
	}
	got := fmt.Sprint(arrives(100), arrives(1000))
	wall.SetRules()
	got += fmt.Sprint(" ", arrives(1000))
	wall.SetRules(lab.Rule{Direction: lab.In}, lab.Rule{Pass: true, To: netip.MustParsePrefix("10.0.0.2/32")}, lab.Rule{})
	got += fmt.Sprint(" ", arrives(100))
	wall.SetRules(lab.Rule{})
	got += fmt.Sprint(" ", arrives(100))
	if got != "true false true true false" {
		t.Error(got)
	}
	if n := len(wall.Rules()); n != 1 {
		t.Errorf("%d rules", n)
	}
	if s := fmt.Sprint(lab.In, lab.Out, lab.Both); s != "in out both" {
		t.Error(s)
	}
}

// Reports of groups, which the lab holds back, meet the firewall as everything else does.
func TestFirewallDropsReports(t *testing.T) {
	l := lab.New(t)
	l.Host(lab.HostConfig{Name: "open", Addresses: lab.Addresses("2001:db8::2/64")})
	wall := lab.NewFirewall(lab.Rule{})
	l.Host(lab.HostConfig{Name: "shut", Interfaces: []lab.InterfaceConfig{{Addresses: lab.Addresses("2001:db8::1/64", "10.0.0.1/24"), Firewall: wall}}})
	l.Advance(time.Minute)
	l.RequireNone(lab.Match("from shut"))
	if l.Count(lab.Match("from open and type 143")) == 0 || wall.Counters().Dropped == 0 {
		t.Error("nobody reports groups")
	}
}

// An interface that was detached is not taken for the one that has its name now.
func TestFirewallOfTheInterfaceThatIsThere(t *testing.T) {
	l := lab.New(t)
	h := l.Host(lab.HostConfig{Name: "h"})
	check(t, h.Interface("eth0").Detach())
	if err := h.SetFirewall("eth0", lab.NewFirewall()); err == nil {
		t.Error("the firewall of a detached interface was set")
	}
	if _, err := h.AddInterface(lab.InterfaceConfig{Stack: stack.InterfaceConfig{Name: "eth0"}}); err != nil {
		t.Fatal(err)
	}
	wall := lab.NewFirewall(lab.Rule{})
	check(t, h.SetFirewall("eth0", wall))
	c, err := h.ListenPacket(t.Context(), "udp", ":0")
	check(t, err)
	c.WriteTo([]byte("x"), &net.UDPAddr{IP: net.ParseIP("ff02::1"), Port: 9, Zone: "eth0"})
	l.Advance(time.Second)
	if n := wall.Counters(); n.Passed+n.Dropped == 0 {
		t.Error("nothing came by the firewall")
	}
}
