package stack

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/hextet/hextet/srcselect"
)

// lookup returns the entry of an address, or nil.
func (b *addressBook) lookup(iface int, addr netip.Addr) *addressEntry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.page(iface).entries[addr.WithZone("")]
}

// state returns how an address fares; what the interface does not have is as good as tentative.
func (b *addressBook) state(iface int, addr netip.Addr) AddressState {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.page(iface).entries[addr]; e != nil {
		return e.State
	}
	return Tentative
}

// info returns an entry as it is now.
func (b *addressBook) info(e *addressEntry) AddressInfo {
	b.mu.Lock()
	defer b.mu.Unlock()
	return e.AddressInfo
}

// settled returns a channel that is closed once detection has ended for all of an interface's addresses, nil
// if it has.
func (b *addressBook) settled(iface int) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(iface)
	if p.unsettled() == 0 {
		return nil
	}
	if p.settled == nil {
		p.settled = make(chan struct{})
	}
	return p.settled
}

func (p *bookPage) unsettled() int { return p.states[Tentative] + p.states[Optimistic] }

// count counts an entry in, or out, by its state.
func (p *bookPage) count(s AddressState, n int) {
	p.states[s] += n
	if p.settled != nil && p.unsettled() == 0 {
		close(p.settled)
		p.settled = nil
	}
}

// duplicates returns how many of an interface's addresses others have.
func (b *addressBook) duplicates(iface int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.page(iface).states[Duplicate]
}

// sorted returns a page's entries in the order in which they were added.
func (p *bookPage) sorted() []*addressEntry {
	return slices.SortedFunc(maps.Values(p.entries), compareSeq)
}

// list returns an interface's addresses in the order in which they were added. It sorts without the lock,
// for which gVisor waits.
func (b *addressBook) list(iface int) []AddressInfo {
	b.mu.Lock()
	es := slices.Collect(maps.Values(b.page(iface).entries))
	b.mu.Unlock()
	slices.SortFunc(es, compareSeq)
	b.mu.Lock()
	defer b.mu.Unlock()
	infos := make([]AddressInfo, 0, len(es))
	for _, e := range es {
		if e.there {
			infos = append(infos, e.AddressInfo)
		}
	}
	return infos
}

// snapshot returns the candidates and a channel that is closed when they are stale.
func (b *addressBook) snapshot() ([]srcselect.Address, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.catchUp()
	return b.sel.Addresses(), b.next()
}

// showAll tells a new watcher of every address.
func (b *addressBook) showAll(w *watcher) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []*addressEntry
	for _, p := range b.pages {
		all = append(all, p.sorted()...)
	}
	slices.SortFunc(all, compareSeq)
	for _, e := range all {
		if !e.pending {
			w.post(e.watchKey(), func() (Event, bool) { return e.event(false), false })
		}
	}
}

// advertise records which routers advertise a prefix on an interface, none to forget it. All its
// addresses under that prefix are theirs from then on, however they came to be: that is what rule 5.5
// looks at.
func (b *addressBook) advertise(iface int, prefix netip.Prefix, routers []netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.pages[iface]
	if p == nil {
		return
	}
	p.advertised = slices.DeleteFunc(p.advertised, func(a advertisement) bool { return a.prefix == prefix })
	if len(routers) > 0 {
		p.advertised = append(p.advertised, advertisement{prefix, routers})
	}
	var changed []*addressEntry
	for addr, e := range p.entries {
		if !prefix.Contains(addr) {
			continue
		}
		was := e.routers
		e.routers = p.advertisers(addr)
		if !slices.Equal(was, e.routers) && !e.pending && e.State != Duplicate {
			changed = append(changed, e)
		}
	}
	if len(changed) > 0 {
		b.choose(changed...)
		b.notify()
	}
}

// advertisers returns the routers that advertise the longest prefix of an address.
func (p *bookPage) advertisers(addr netip.Addr) (routers []netip.Addr) {
	longest := -1
	for _, a := range p.advertised {
		if a.prefix.Bits() > longest && a.prefix.Contains(addr) {
			longest, routers = a.prefix.Bits(), a.routers
		}
	}
	return routers
}
