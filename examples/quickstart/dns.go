package main

import (
	"context"
	"net/netip"
	"strings"

	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

// startDNS runs the zones' server inside the dns host.
func (n *network) startDNS() (err error) {
	if n.zone, err = dnsregtest.New(dnsregtest.Config{Zones: zones, Keys: map[string][]byte{"quickstart": key}}); err != nil {
		return err
	}
	pc, err := n.dns.ListenPacket(context.Background(), "udp", ":53")
	if err != nil {
		return err
	}
	n.zone.ServePacket(pc)
	l, err := n.dns.Listen(context.Background(), "tcp", ":53")
	if err != nil {
		return err
	}
	n.zone.ServeListener(l)
	return nil
}

// registered counts the records of the server in the zones.
type registered struct{ a, aaaa, ptr int }

func (n *network) registered() (r registered) {
	for _, z := range zones {
		for _, rec := range n.zone.Zone(z) {
			switch {
			case rec.Type == "A" && strings.HasPrefix(rec.Name, name):
				r.a++
			case rec.Type == "AAAA" && strings.HasPrefix(rec.Name, name):
				r.aaaa++
			case rec.Type == "PTR" && strings.HasPrefix(rec.Data, name):
				r.ptr++
			}
		}
	}
	return r
}

// register brings DNS up to date and returns what that took.
func (n *network) register(ctx context.Context) (dnsreg.Counters, error) {
	before := n.registrar.Status().Counters
	if err := n.registrar.Sync(ctx); err != nil {
		return dnsreg.Counters{}, err
	}
	after := n.registrar.Status().Counters
	return dnsreg.Counters{
		Updates:     after.Updates - before.Updates,
		UpdateBytes: after.UpdateBytes - before.UpdateBytes,
	}, nil
}

// resolve asks for the server's addresses through the client's own stack.
func (n *network) resolve(ctx context.Context) ([]netip.Addr, error) {
	addrs, err := n.client.Resolver().LookupNetIP(ctx, "ip", name+".")
	for i, a := range addrs {
		addrs[i] = a.Unmap()
	}
	return addrs, err
}
