package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

const (
	name = "server.example.test"
	many = 50 // addresses of each family
)

var (
	passed4, passed6   = netip.MustParseAddr("10.0.0.25"), netip.MustParseAddr("2001:db8:0:1::1:25") // by the firewall
	skipped4, skipped6 = netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8:0:1::1:1")   // two of the others
	dns4, dns6         = netip.MustParseAddr("10.0.0.53"), netip.MustParseAddr("2001:db8:0:1::53")
	client4, client6   = netip.MustParseAddr("198.51.100.201"), netip.MustParseAddr("2001:db8:0:2::c1")

	inner = []netip.Addr{netip.MustParseAddr("10.0.0.254"), netip.MustParseAddr("2001:db8:0:1::fe")} // of the firewall
	outer = []netip.Addr{netip.MustParseAddr("198.51.100.254"), netip.MustParseAddr("2001:db8:0:2::fe")}

	zones = []string{"example.test", "0.0.10.in-addr.arpa", "1.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"}
	key   = []byte("a secret of the quickstart's own")
)

// network is a server and its DNS behind a firewall, and a client before it.
type network struct {
	*lab.Lab
	*account
	server, client *lab.Host
	dns            *lab.DNS
	wall           *lab.Firewall
	registrar      *dnsreg.Registrar

	all       dnsreg.Counters // to register every address
	unflagged lab.Packet      // the last one before addresses were flagged
}

func build(l *lab.Lab, a *account) (n *network, err error) {
	n = &network{Lab: l, account: a, wall: lab.OnlyAddresses(passed4, passed6, dns4, dns6)}
	inside, outside := l.Segment(lab.SegmentConfig{Name: "inside"}), l.Segment(lab.SegmentConfig{Name: "outside"})
	l.Router(lab.RouterConfig{Name: "firewall", Interfaces: []lab.InterfaceConfig{
		{Segment: inside, Addresses: on(inner...)},
		{Segment: outside, Addresses: on(outer...), Firewall: n.wall},
	}})
	n.dns = l.DNS(lab.DNSConfig{Segment: inside, Addresses: on(dns4, dns6), Routers: inner, Zones: zones, Keys: map[string][]byte{"quickstart": key}})
	n.server = l.Host(lab.HostConfig{Name: "server", Segment: inside, Addresses: on(addresses()...), Routers: inner})
	n.client = l.Host(lab.HostConfig{Name: "client", Segment: outside, Addresses: on(client4, client6), Routers: outer})
	if err := errors.Join(n.accept(n.server, ":80"), n.accept(n.client, ":9000")); err != nil {
		return nil, err
	}
	n.registrar, err = dnsreg.New(dnsreg.Config{
		Name:    name,
		Source:  n.server,
		Servers: []string{netip.AddrPortFrom(dns4, 53).String()},
		Auth:    dnsreg.TSIG("quickstart", "hmac-sha256", key),
		Dial:    n.server.DialContext,
		Clock:   l.Clock(),
	})
	return n, err
}

// addresses are the server's.
func addresses() (all []netip.Addr) {
	for i := 1; i <= many; i++ {
		all = append(all, netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), netip.MustParseAddr(fmt.Sprintf("2001:db8:0:1::1:%d", i)))
	}
	return all
}

// blocked is the firewall's rule about them.
func blocked(a netip.Addr) bool { return a != passed4 && a != passed6 }

// on puts addresses on an interface, with prefixes of 24 and 64 bits.
func on(addrs ...netip.Addr) (all []stack.Address) {
	for _, a := range addrs {
		bits := 24
		if a.Is6() {
			bits = 64
		}
		all = append(all, stack.Address{Prefix: netip.PrefixFrom(a, bits)})
	}
	return all
}

// accept lets a host take connections.
func (n *network) accept(h *lab.Host, port string) error {
	l, err := h.Listen(n.Context(), "tcp", port)
	if err != nil {
		return err
	}
	n.Go(h.Name(), func(context.Context) error {
		for {
			c, err := l.Accept()
			if err != nil {
				return err
			}
			c.Close()
		}
	})
	return nil
}
