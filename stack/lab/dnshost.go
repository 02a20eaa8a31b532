package lab

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"github.com/hextet/hextet/stack"
)

// DNSConfig configures a DNS host. The zero DNSConfig is a host with one interface on the lab's first segment
// and no zone, which is of little use: it needs Addresses, and Zones.
type DNSConfig struct {
	// Name is what the host is called. Empty: "dns" and a number.
	Name string

	// Interfaces, Segment, Addresses, Routers and Stack are as HostConfig has them. All Addresses serve.
	Interfaces []InterfaceConfig
	Segment    *Segment
	Addresses  []stack.Address
	Routers    []netip.Addr
	Stack      stack.Config

	// Zones are the names of the zones that it serves.
	Zones []string

	// Records are in the zones from the beginning: lines of a master file, with absolute names, such as
	// "www.example.test. 60 AAAA 2001:db8::80".
	Records []string

	// Keys are the TSIG secrets by name with which updates are to be signed. nil: updates are taken
	// unsigned.
	Keys map[string][]byte

	// Fault decides what goes wrong with a request. nil: nothing does. A Fault.Delay is of the lab's time. A
	// Fault.Until is a wait that the lab does not know of: Delay and a segment's Latency keep the order.
	Fault func(dnsregtest.Request) dnsregtest.Fault
}

// A DNS is a host that serves DNS, by UDP and TCP, at port 53. Hosts that are added later ask it, if their
// stack.Config names nobody else.
type DNS struct {
	*Host
	server *dnsregtest.Server
}

// AddDNS adds a DNS host.
func (l *Lab) AddDNS(cfg DNSConfig) (*DNS, error) {
	if _, err := l.newName(&cfg.Name, "dns"); err != nil {
		return nil, fmt.Errorf("lab: dns %q: %w", cfg.Name, err)
	}
	l.freeName(cfg.Name) // AddHost takes it
	d := new(DNS)
	var err error
	d.server, err = dnsregtest.New(dnsregtest.Config{
		Zones: cfg.Zones, Keys: cfg.Keys, Fault: cfg.Fault, Now: l.Now, AfterFunc: l.AfterFunc,
		Go: func(f func()) { l.sched.begin(cfg.Name, f) },
	})
	if err == nil {
		err = d.server.Insert(cfg.Records...)
	}
	if err != nil {
		return nil, fmt.Errorf("lab: dns %q: %w", cfg.Name, err)
	}
	if cfg.Stack.Nameservers == nil {
		cfg.Stack.Nameservers = []netip.AddrPort{} // itself is none of its own
	}
	d.Host, err = l.AddHost(HostConfig{
		Name: cfg.Name, Interfaces: cfg.Interfaces, Segment: cfg.Segment, Addresses: cfg.Addresses, Routers: cfg.Routers, Stack: cfg.Stack,
	})
	if err != nil {
		return nil, err
	}
	if err := d.serve(); err != nil {
		d.Host.Close()
		l.remove(d.Host)
		return nil, fmt.Errorf("lab: dns %q: %w", cfg.Name, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closers = append(l.closers, d.server.Close)
	l.nameservers = append(l.nameservers, d.Nameservers()...)
	return d, nil
}

// DNS is AddDNS for tests, which an error ends. Outside of one it panics.
func (l *Lab) DNS(cfg DNSConfig) *DNS {
	if l.tb != nil {
		l.tb.Helper()
	}
	return must(l, cfg, l.AddDNS)
}

func (d *DNS) serve() error {
	pc, err := d.ListenPacket(d.l.ctx, "udp", ":53")
	if err != nil {
		return err
	}
	ln, err := d.Listen(d.l.ctx, "tcp", ":53")
	if err != nil {
		return err
	}
	d.server.ServePacket(pc)
	d.server.ServeListener(ln)
	return nil
}

// Server is what serves the zones: their records can be read and changed there. The lab closes it.
func (d *DNS) Server() *dnsregtest.Server { return d.server }

// Nameservers are where the host serves, port 53 of each address that it has now, link-local ones aside, IPv6
// first. Hosts ask those that it had when it was added.
func (d *DNS) Nameservers() []netip.AddrPort {
	var all []netip.AddrPort
	for _, i := range d.Interfaces() {
		for _, a := range i.Addresses() {
			if addr := a.Prefix.Addr(); !addr.IsLinkLocalUnicast() {
				all = append(all, netip.AddrPortFrom(addr, 53))
			}
		}
	}
	slices.SortStableFunc(all, func(a, b netip.AddrPort) int { return b.Addr().BitLen() - a.Addr().BitLen() })
	return all
}

// someNameservers are those that a host asks if nobody said whom.
func (l *Lab) someNameservers() []netip.AddrPort {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.nameservers)
}
