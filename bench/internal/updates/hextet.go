package updates

import (
	"context"
	"net/netip"
	"sync"

	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/srcselect"
)

// ours are Registrars of one process, each of a name with one address.
type ours struct {
	ctx   context.Context
	names []string
	hosts []*host
}

// A host has a table of addresses that a Registrar follows.
type host struct {
	table     dnsreg.AddressTable
	registrar *dnsreg.Registrar
	at        int // its address is the at-th
	err       error
}

// newHost makes one with a Registrar of the server's; change, if there is one, alters its configuration.
func newHost(s *server, name string, change func(*dnsreg.Config)) (*host, error) {
	h := new(host)
	cfg := dnsreg.Config{Name: name, Source: &h.table, Servers: []string{s.address}, Auth: dnsreg.TSIG(keyName, "", secret)}
	if change != nil {
		change(&cfg)
	}
	var err error
	h.registrar, err = dnsreg.New(cfg)
	return h, err
}

func newOurs(ctx context.Context, s *server, names []string) (*ours, error) {
	o := &ours{ctx: ctx, names: names}
	for _, name := range names {
		h, err := newHost(s, name, func(c *dnsreg.Config) { c.NoPTR = true })
		if err != nil {
			return nil, err
		}
		o.hosts = append(o.hosts, h)
	}
	return o, nil
}

// change gives every host n other addresses, one after the other, each of which is at the server before the next.
func (o *ours) change(n int) {
	var all sync.WaitGroup
	for _, h := range o.hosts[1:] {
		all.Go(func() { h.change(o.ctx, n) })
	}
	o.hosts[0].change(o.ctx, n)
	all.Wait()
}

func (h *host) change(ctx context.Context, n int) {
	for range n {
		if h.err != nil {
			return
		}
		h.at++
		h.table.Set(speaks(numbered(h.at)))
		h.err = h.registrar.Sync(ctx)
	}
}

func (o *ours) now() (at []int, err error) {
	for _, h := range o.hosts {
		if h.err != nil {
			return nil, h.err
		}
		at = append(at, h.at)
	}
	return at, nil
}

func (o *ours) all() []string { return o.names }

func (*ours) close() error { return nil }

// speaks is an address that is to be registered.
func speaks(addr netip.Addr) srcselect.Address {
	return srcselect.Address{Prefix: netip.PrefixFrom(addr, addr.BitLen()), Interface: 1}
}

// numbered is one of the addresses that hosts have one after the other. The turns of all rounds are fewer.
func numbered(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}
