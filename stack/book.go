package stack

import (
	"cmp"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hextet/hextet/srcselect"
)

// addressBook is the one record of which addresses the host has. The watchers are in step with it, and
// so is whoever chooses by selector. gVisor reports the state of addresses with its own locks held, so the
// book's lock is a leaf: nothing of gVisor's is called under it.
type addressBook struct {
	sel   *srcselect.Selector // see selector
	watch *watchers
	gen   *generation

	mu      sync.Mutex
	pages   map[int]*bookPage // by interface
	seq     uint64
	changed chan struct{} // closed at the next change; nil: nobody asked for it since the last one

	stale   []*addressEntry // of which the selector has an older copy
	lagging atomic.Bool     // there are any
}

// bookPage is what the book knows of one interface.
type bookPage struct {
	entries    map[netip.Addr]*addressEntry
	states     [Optimistic + 1]int // how many entries are in each
	settled    chan struct{}       // closed once none is tentative or optimistic; nil: nobody waits
	broadcasts map[netip.Addr]int  // IPv4 addresses under each broadcast address
	advertised []advertisement     // prefixes that routers advertise
}

// advertisement says which routers advertise a prefix.
type advertisement struct {
	prefix  netip.Prefix
	routers []netip.Addr // never changed
}

type addressEntry struct {
	AddressInfo
	i       *Interface
	seq     uint64 // order of insertion
	there   bool   // in the book
	pending bool   // part of an AddAddresses that has not ended; not yet in the selector
	stale   bool   // among the book's

	probing *probing // detection while the address is in use; nil: gVisor's does

	deprecated bool          // whatever the preferred lifetime says
	offLink    bool          // that a prefix is on the link is not for its addresses to say
	routers    []netip.Addr  // that advertise the prefix; never changed
	stop       []func() bool // timers

	life   uint64         // how often it got lifetimes
	expiry [2]func() bool // their timers: preferred, valid
}

func (b *addressBook) init(sel *srcselect.Selector, w *watchers, gen *generation) {
	b.sel, b.watch, b.gen = sel, w, gen
	b.pages = make(map[int]*bookPage)
}

// notify tells everyone who waits for a change. b.mu is held.
func (b *addressBook) notify() {
	b.gen.bump()
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

// next returns a channel that notify closes. b.mu is held.
func (b *addressBook) next() <-chan struct{} {
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return b.changed
}

// tell tells the watchers about an entry. b.mu is held.
func (b *addressBook) tell(e *addressEntry, removed bool) {
	b.watch.post(e.watchKey(), func() (Event, bool) { return e.event(removed), removed })
}

func (e *addressEntry) watchKey() watchKey {
	return watchKey{kind: addressKind, iface: e.i.index, addr: e.Prefix.Addr()}
}

func (e *addressEntry) event(removed bool) Event {
	return AddressEvent{Interface: e.i.name, Index: e.i.index, AddressInfo: e.AddressInfo, Removed: removed}
}

// page returns an interface's page, or an empty one that is not in the book.
func (b *addressBook) page(iface int) *bookPage {
	if p := b.pages[iface]; p != nil {
		return p
	}
	return &bookPage{}
}

// open begins the page of an interface, which removeAll ends.
func (b *addressBook) open(iface int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pages[iface] = &bookPage{entries: make(map[netip.Addr]*addressEntry), broadcasts: make(map[netip.Addr]int)}
}

// insert records e as pending, or reports that its interface has the address already.
func (b *addressBook) insert(e *addressEntry) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, addr := b.pages[e.i.index], e.Prefix.Addr()
	if p.entries[addr] != nil {
		return false
	}
	b.seq++
	e.seq, e.there, e.pending = b.seq, true, true
	e.routers = p.advertisers(addr)
	p.entries[addr] = e
	p.count(e.State, +1)
	if bc, ok := broadcastOf(e.Prefix); ok {
		p.broadcasts[bc]++
	}
	return true
}

// publish makes pending entries candidates, all in one step.
func (b *addressBook) publish(entries []*addressEntry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	candidates := make([]srcselect.Address, 0, len(entries))
	for _, e := range entries {
		if e.State != Duplicate {
			candidates = append(candidates, e.candidate())
		}
	}
	if err := b.sel.Add(candidates...); err != nil {
		return err
	}
	for _, e := range entries {
		e.pending = false
		b.tell(e, false)
	}
	b.notify()
	return nil
}

// update changes an entry and, if it is a candidate, notes that the selector's copy is older. It returns false
// if the entry is gone.
func (b *addressBook) update(e *addressEntry, change func(*addressEntry)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !e.there {
		return false
	}
	before := e.AddressInfo
	change(e)
	if before.State != e.State {
		b.pages[e.i.index].count(e.State, +1) // first, so that the page does not look settled in between
		b.pages[e.i.index].count(before.State, -1)
	}
	if e.pending || e.AddressInfo == before {
		return true
	}
	if before.State == e.State && before.Deprecated == e.Deprecated && before.SkipAsSource == e.SkipAsSource {
		b.tell(e, false)
		return true // no more than its lifetimes
	}
	if e.State == Duplicate {
		b.sel.Remove(e.i.index, e.Prefix.Addr())
	} else {
		b.choose(e)
	}
	b.tell(e, false)
	b.notify()
	return true
}

// remove deletes those of entries that are still there, stops their timers and returns them.
func (b *addressBook) remove(entries ...*addressEntry) []*addressEntry {
	return b.removeIf(func(*addressEntry) bool { return true }, entries...)
}

// removeIf is remove for those of which still holds.
func (b *addressBook) removeIf(still func(*addressEntry) bool, entries ...*addressEntry) []*addressEntry {
	b.mu.Lock()
	defer b.mu.Unlock()
	var removed []*addressEntry
	for _, e := range entries {
		if e.there && still(e) {
			b.drop(e)
			removed = append(removed, e)
		}
	}
	b.forget(removed)
	return removed
}

// drop takes an entry off its page. b.mu is held.
func (b *addressBook) drop(e *addressEntry) {
	p := b.pages[e.i.index]
	delete(p.entries, e.Prefix.Addr())
	e.there = false
	p.count(e.State, -1)
	if bc, ok := broadcastOf(e.Prefix); ok {
		if p.broadcasts[bc]--; p.broadcasts[bc] == 0 {
			delete(p.broadcasts, bc)
		}
	}
	e.stopTimers()
}

// forget tells the others that entries, which are of one interface, are gone. b.mu is held.
func (b *addressBook) forget(entries []*addressEntry) {
	var addrs []netip.Addr
	for _, e := range entries {
		if !e.pending {
			addrs = append(addrs, e.Prefix.Addr())
		}
	}
	if len(addrs) == 0 {
		return
	}
	b.catchUp() // here too, or what nobody chooses from would keep them for ever
	b.sel.RemoveAddresses(entries[0].i.index, addrs...)
	for _, e := range entries {
		if !e.pending {
			b.tell(e, true)
		}
	}
	b.notify()
}

// removeAll deletes an interface's entries and whatever else is known of it.
func (b *addressBook) removeAll(iface int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	removed := b.page(iface).sorted()
	for _, e := range removed {
		b.drop(e)
	}
	b.forget(removed)
	delete(b.pages, iface)
}

func compareSeq(x, y *addressEntry) int { return cmp.Compare(x.seq, y.seq) }

// after runs f once d has passed, unless e is removed before.
func (b *addressBook) after(clock Clock, e *addressEntry, d time.Duration, f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.there {
		e.stop = append(e.stop, clock.AfterFunc(d, f))
	}
}

func (e *addressEntry) stopTimers() {
	for _, stop := range e.stop {
		stop()
	}
	e.stop = nil
	e.stopExpiry()
}
