package stack

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/hextet/hextet/srcselect"
)

// addressBook is the one record of which addresses the host has, and keeps the selector in step with
// it. gVisor reports the state of addresses with its own locks held, so the book's lock is a leaf:
// nothing of gVisor's is called under it.
type addressBook struct {
	sel *srcselect.Selector
	gen *generation

	mu      sync.Mutex
	entries map[addressKey]*addressEntry
	seq     uint64
	changed chan struct{} // closed and replaced at every change
}

type addressKey struct {
	iface int
	addr  netip.Addr
}

type addressEntry struct {
	AddressInfo
	iface   int
	seq     uint64        // order of insertion
	pending bool          // part of an AddAddresses that has not ended; not yet in the selector
	stop    []func() bool // lifetime timers
}

func (b *addressBook) init(sel *srcselect.Selector) {
	b.sel = sel
	b.entries = make(map[addressKey]*addressEntry)
	b.changed = make(chan struct{})
}

// notify tells everyone who waits for a change. b.mu is held.
func (b *addressBook) notify() {
	b.gen.bump()
	close(b.changed)
	b.changed = make(chan struct{})
}

// insert records a as pending, or returns nil if the interface has the address already.
func (b *addressBook) insert(iface int, a Address) *addressEntry {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := addressKey{iface, a.Prefix.Addr()}
	if b.entries[k] != nil {
		return nil
	}
	b.seq++
	e := &addressEntry{AddressInfo: AddressInfo{Address: a}, iface: iface, seq: b.seq, pending: true}
	b.entries[k] = e
	return e
}

// publish makes pending entries candidates, all in one step.
func (b *addressBook) publish(entries []*addressEntry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	candidates := make([]srcselect.Address, 0, len(entries))
	for _, e := range entries {
		if e.State != Duplicate {
			candidates = append(candidates, e.candidate(e.iface))
		}
	}
	if err := b.sel.Add(candidates...); err != nil {
		return err
	}
	for _, e := range entries {
		e.pending = false
	}
	b.notify()
	return nil
}

// update changes an entry and, if it is a candidate, the selector's copy. It returns false if the
// entry is gone.
func (b *addressBook) update(e *addressEntry, change func(*AddressInfo)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.entries[addressKey{e.iface, e.Prefix.Addr()}] != e {
		return false
	}
	before := e.AddressInfo
	change(&e.AddressInfo)
	if e.pending || e.AddressInfo == before {
		return true
	}
	if e.State == Duplicate {
		b.sel.Remove(e.iface, e.Prefix.Addr())
	} else if err := b.sel.Add(e.candidate(e.iface)); err != nil {
		panic("stack: the selector refused an address that it had accepted: " + err.Error())
	}
	b.notify()
	return true
}

// remove deletes an entry, stops its timers and returns its last state.
func (b *addressBook) remove(e *addressEntry) AddressState {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := addressKey{e.iface, e.Prefix.Addr()}
	if b.entries[k] == e {
		b.removeLocked(k, e)
	}
	return e.State
}

func (b *addressBook) removeLocked(k addressKey, e *addressEntry) {
	delete(b.entries, k)
	for _, stop := range e.stop {
		stop()
	}
	if !e.pending {
		b.sel.Remove(e.iface, e.Prefix.Addr())
		b.notify()
	}
}

// lookup returns the entry of an address, or nil.
func (b *addressBook) lookup(iface int, addr netip.Addr) *addressEntry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.entries[addressKey{iface, addr.WithZone("")}]
}

// state returns how an address fares; what the interface does not have is as good as tentative.
func (b *addressBook) state(iface int, addr netip.Addr) AddressState {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.entries[addressKey{iface, addr}]; e != nil {
		return e.State
	}
	return Tentative
}

// after runs f once d has passed, unless e is removed before.
func (b *addressBook) after(clock Clock, e *addressEntry, d time.Duration, f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.entries[addressKey{e.iface, e.Prefix.Addr()}] == e {
		e.stop = append(e.stop, clock.AfterFunc(d, f))
	}
}

// removeAll deletes an interface's entries.
func (b *addressBook) removeAll(iface int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for k, e := range b.entries {
		if k.iface == iface {
			b.removeLocked(k, e)
		}
	}
}

// list returns an interface's entries in the order in which they were added, and a channel that is
// closed when the list is stale.
func (b *addressBook) list(iface int) ([]AddressInfo, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var es []*addressEntry
	for k, e := range b.entries {
		if k.iface == iface {
			es = append(es, e)
		}
	}
	slices.SortFunc(es, func(x, y *addressEntry) int { return int(x.seq) - int(y.seq) })
	infos := make([]AddressInfo, len(es))
	for i, e := range es {
		infos[i] = e.AddressInfo
	}
	return infos, b.changed
}

// snapshot returns the candidates and a channel that is closed when they are stale.
func (b *addressBook) snapshot() ([]srcselect.Address, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sel.Addresses(), b.changed
}
