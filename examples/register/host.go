package main

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"sync"

	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/srcselect"
)

// origin is where addresses come from and messages leave by.
type origin struct {
	source dnsreg.Source
	names  func() map[int]string // of interfaces, by index; not to be modified
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	close  func() error
}

// table is what is known of the host's addresses. Somebody keeps it up to date.
type table struct {
	dnsreg.AddressTable
	mu    sync.Mutex
	names map[int]string // of interfaces; replaced, never modified
	last  []srcselect.Address
}

// set replaces the addresses. Whoever watches hears of it only if they, or the names of their interfaces, are others:
// routers repeat their advertisements, and each one renews lifetimes.
func (t *table) set(names map[int]string, addrs []srcselect.Address) {
	slices.SortFunc(addrs, func(a, b srcselect.Address) int {
		return cmp.Or(cmp.Compare(a.Interface, b.Interface), a.Prefix.Addr().Compare(b.Prefix.Addr()), cmp.Compare(a.Prefix.Bits(), b.Prefix.Bits()))
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.names
	t.names = names
	if !slices.EqualFunc(addrs, t.last, func(a, b srcselect.Address) bool {
		return reflect.DeepEqual(a, b) && names[a.Interface] == old[a.Interface]
	}) {
		t.last = addrs
		t.Set(addrs...)
	}
}

func (t *table) interfaceNames() map[int]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.names
}

// skipping is a Source with addresses flagged by configuration: the flag of KB975808 where the system has none.
type skipping struct {
	dnsreg.Source
	prefixes []netip.Prefix
}

func (s skipping) Addresses() ([]srcselect.Address, <-chan struct{}) {
	addrs, changed := s.Source.Addresses()
	addrs = slices.Clone(addrs)
	for i := range addrs {
		if contains(s.prefixes, addrs[i].Prefix.Addr()) {
			addrs[i].SkipAsSource = true
		}
	}
	return addrs, changed
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	addr = addr.WithZone("")
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}
