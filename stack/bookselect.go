package stack

import "github.com/hextet/hextet/srcselect"

// An entry that changes is only noted. The selector gets it with all others before somebody next chooses, in
// one step: when detection ends for thousands of addresses, that is a fraction of the work of as many steps.

// maxStale bounds what is noted, and so what a choice may have to wait for.
const maxStale = 16384

// selector returns the selector, which has all changes that returned before the call. gVisor's locks may be
// held.
func (b *addressBook) selector() *srcselect.Selector {
	if b.lagging.Load() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.catchUp()
	}
	return b.sel
}

// choose makes the selector see entries as they are. b.mu is held.
func (b *addressBook) choose(entries ...*addressEntry) {
	for _, e := range entries {
		if !e.stale {
			e.stale = true
			b.stale = append(b.stale, e)
		}
	}
	b.lagging.Store(true) // before anybody is told
	if len(b.stale) >= maxStale {
		b.catchUp()
	}
}

// catchUp gives the selector what is noted. b.mu is held.
func (b *addressBook) catchUp() {
	var candidates []srcselect.Address
	for _, e := range b.stale {
		e.stale = false
		if e.there && e.State != Duplicate {
			candidates = append(candidates, e.candidate())
		}
	}
	if err := b.sel.Add(candidates...); err != nil {
		panic("stack: the selector refused an address that it had accepted: " + err.Error())
	}
	b.stale = nil
	b.lagging.Store(false)
}
