package dnsreg

import (
	"slices"
	"sync"

	"github.com/hextet/hextet/srcselect"
)

// Source tells a Registrar which addresses the host has.
type Source interface {
	// Addresses returns a snapshot, which the Registrar does not modify, and a channel that is closed
	// once the snapshot is out of date. It may be called from several goroutines.
	Addresses() (addrs []srcselect.Address, changed <-chan struct{})
}

// AddressTable is a Source that holds what it is told. The zero value is empty.
// It may be used from several goroutines.
type AddressTable struct {
	mu      sync.Mutex
	addrs   []srcselect.Address
	changed chan struct{}
}

// Set replaces the addresses.
func (t *AddressTable) Set(addrs ...srcselect.Address) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.addrs = slices.Clone(addrs)
	if t.changed != nil {
		close(t.changed)
		t.changed = nil
	}
}

// Addresses implements Source.
func (t *AddressTable) Addresses() ([]srcselect.Address, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.changed == nil {
		t.changed = make(chan struct{})
	}
	return t.addrs, t.changed
}
