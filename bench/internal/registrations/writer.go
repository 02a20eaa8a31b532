package registrations

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/srcselect"
)

// ttl of all records, in seconds: what dnsreg registers by default.
const ttl = 1200

// A writer puts addresses into DNS, one in the place of the other.
type writer interface {
	// write registers the next n addresses.
	write(n int) error
	// last returns the names that it writes to, and the address that each has now.
	last() map[string]string
	close() error
}

// address returns the i-th address that something registers, which is another than the one before.
func address(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

// A host is a registrar whose host has another address each time.
type host struct {
	name  string
	table dnsreg.AddressTable
	r     *dnsreg.Registrar
	n     int
}

func newHost(name, server string, change func(*dnsreg.Config)) (*host, error) {
	h := &host{name: name}
	cfg := dnsreg.Config{
		Name: name, Source: &h.table, Servers: []string{server}, NoPTR: true,
		Auth: dnsreg.TSIG(keyName, "", secret),
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	h.r, err = dnsreg.New(cfg)
	return h, err
}

func (h *host) write(ctx context.Context, n int) error {
	for range n {
		h.n++
		h.table.Set(srcselect.Address{Prefix: netip.PrefixFrom(address(h.n), 8), Interface: 1})
		if err := h.r.Sync(ctx); err != nil {
			return err
		}
	}
	return nil
}

// ours is one host, or several that write at the same time.
type ours struct {
	ctx   context.Context
	hosts []*host
}

func newOurs(ctx context.Context, server string, hosts int, change func(*dnsreg.Config)) (*ours, error) {
	o := &ours{ctx: ctx}
	for i := range hosts {
		h, err := newHost(fmt.Sprintf("ours%d-%d.%s", hosts, i, zone), server, change)
		if err != nil {
			return nil, err
		}
		o.hosts = append(o.hosts, h)
	}
	return o, nil
}

func (o *ours) write(n int) error {
	results := make(chan error)
	for i, h := range o.hosts {
		share := n / len(o.hosts)
		if i < n%len(o.hosts) {
			share++
		}
		go func() { results <- h.write(o.ctx, share) }()
	}
	var first error
	for range o.hosts {
		if err := <-results; first == nil {
			first = err
		}
	}
	return first
}

func (o *ours) last() map[string]string {
	all := make(map[string]string)
	for _, h := range o.hosts {
		if h.n > 0 {
			all[h.name] = address(h.n).String()
		}
	}
	return all
}

func (o *ours) close() error { return nil }
