package stack

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"github.com/hextet/hextet/stack/internal/engine"
)

// AddAddress assigns an address. See AddAddresses.
func (i *Interface) AddAddress(a Address) error { return i.AddAddresses([]Address{a}) }

// AddAddresses assigns addresses of either family: all of them, or none and an error that names the
// first that can't be and why. Hosts under their prefixes are reached directly from then on. Source
// selection sees them all at the same moment, those with duplicate address detection as tentative.
//
// An IPv6 address takes about 1.1 KiB, an IPv4 address 0.75 KiB, gVisor's part included. What it costs to
// send and to receive does not grow with their number, but with that of the prefixes: gVisor walks these, at
// some 35 ns each, and adds them in quadratic time (2 s for 10,000), save neighbours that fill a shorter one.
func (i *Interface) AddAddresses(as []Address) error {
	entries, now := make([]*addressEntry, len(as)), i.s.clock.Now()
	for n, a := range as {
		if err := a.check(); err != nil {
			return err
		}
		info := AddressInfo{Address: a}
		_, info.PreferredUntil = ending(now, forever(a.Preferred))
		_, info.ValidUntil = ending(now, forever(a.Valid))
		entries[n] = &addressEntry{AddressInfo: info, i: i, deprecated: a.Deprecated}
	}
	if err := i.add(entries); err != nil {
		return err
	}
	for n, a := range as {
		if a.Preferred > 0 || a.Valid > 0 {
			i.s.book.setLifetimes(i.s.clock, entries[n], forever(a.Preferred), forever(a.Valid))
		}
	}
	return nil
}

// add assigns the addresses of new entries.
func (i *Interface) add(entries []*addressEntry) error {
	i.admin.Lock()
	defer i.admin.Unlock()
	if i.gone.Load() {
		return fmt.Errorf("stack: interface %q: %w", i.name, net.ErrClosed)
	}
	recorded, err := i.record(entries)
	if err == nil {
		err = i.assign(entries)
	}
	if err != nil {
		i.s.book.remove(recorded...)
		return err
	}
	if i.s.rib.addConnected(i, onLink(entries)...) {
		i.s.republishRoutes()
	}
	return nil
}

// onLink returns the prefixes that entries say are on the link, one for each.
func onLink(entries []*addressEntry) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, e := range entries {
		if !e.offLink {
			prefixes = append(prefixes, e.Prefix.Masked())
		}
	}
	return prefixes
}

// record enters addresses into the book. On an error it returns what it entered.
func (i *Interface) record(entries []*addressEntry) ([]*addressEntry, error) {
	for n, e := range entries {
		if !i.s.book.insert(e) {
			return entries[:n], errAddress(e.Prefix, fmt.Sprintf("interface %q has it already", i.name), syscall.EEXIST)
		}
	}
	return entries, nil
}

// assign gives recorded addresses to gVisor and then to source selection, or takes them all back.
func (i *Interface) assign(entries []*addressEntry) error {
	for n, e := range entries {
		add := engine.AddAddress
		if e.probing != nil {
			add = engine.AddOptimistic
		}
		if err := add(i.s.gv, i.index, e.Prefix, addressEvents{e}); err != nil {
			i.unassign(entries[:n])
			return fmt.Errorf("stack: address %v: %w", e.Prefix, err)
		}
	}
	if err := i.s.book.publish(entries); err != nil {
		i.unassign(entries)
		return fmt.Errorf("stack: %w", err)
	}
	return nil
}

func (i *Interface) unassign(entries []*addressEntry) {
	for _, e := range entries {
		engine.RemoveAddress(i.s.gv, i.index, e.Prefix.Addr())
	}
}

// addressEvents follows one address. gVisor calls it with locks held: only the book may be touched.
type addressEvents struct{ e *addressEntry }

func (v addressEvents) Changed(assigned bool) {
	v.e.i.s.book.update(v.e, func(e *addressEntry) {
		switch {
		case !assigned:
			e.State = Tentative
		case e.probing != nil:
			e.State = Optimistic
		default:
			e.State = Assigned
		}
	})
}

func (v addressEvents) Removed(duplicate bool) {
	s := v.e.i.s
	if duplicate && s.book.update(v.e, func(e *addressEntry) { e.State = Duplicate }) {
		// What comes of it asks the stack, which must not be done here.
		s.book.after(s.clock, v.e, 0, func() { v.e.i.duplicate(v.e) })
	}
}

// duplicate is told that another station has an address.
func (i *Interface) duplicate(e *addressEntry) {
	i.s.log.Warn("duplicate address", "interface", i.name, "address", e.Prefix)
	if e.Origin != OriginManual {
		i.auto.duplicate(e)
	}
}

// SetSkipAsSource changes an address's flag. The next choice of a source sees it; no connection is
// touched, and no duplicate address detection is repeated.
func (i *Interface) SetSkipAsSource(addr netip.Addr, skip bool) error {
	e, err := i.entry(addr)
	if err != nil {
		return err
	}
	if !i.s.book.update(e, func(e *addressEntry) { e.SkipAsSource = skip }) {
		return i.errNoAddress(addr) // any more
	}
	return nil
}

// RemoveAddress takes an address away. Connections that use it fail.
func (i *Interface) RemoveAddress(addr netip.Addr) error {
	return i.RemoveAddresses([]netip.Addr{addr})
}

// RemoveAddresses takes addresses away: all of them, or none and an error that names the first that the
// interface does not have. Source selection sees them all go at the same moment.
func (i *Interface) RemoveAddresses(addrs []netip.Addr) error {
	entries := make([]*addressEntry, len(addrs))
	for n, addr := range addrs {
		e, err := i.entry(addr)
		if err != nil {
			return err
		}
		entries[n] = e
	}
	i.removeEntries(entries...)
	return nil
}

// removeEntries removes those of entries that nobody removed before.
func (i *Interface) removeEntries(entries ...*addressEntry) {
	i.admin.Lock()
	defer i.admin.Unlock()
	i.withdraw(i.s.book.remove(entries...))
}

// withdraw takes from gVisor what was taken from the book, which is first: nothing may choose it any more.
func (i *Interface) withdraw(removed []*addressEntry) {
	i.s.dropFlows()
	for _, e := range removed {
		if e.State != Duplicate {
			engine.RemoveAddress(i.s.gv, i.index, e.Prefix.Addr())
		}
	}
	if i.s.rib.removeConnected(i, onLink(removed)...) {
		i.s.republishRoutes()
	}
}

func (i *Interface) entry(addr netip.Addr) (*addressEntry, error) {
	if e := i.s.book.lookup(i.index, addr); e != nil {
		return e, nil
	}
	return nil, i.errNoAddress(addr)
}

func (i *Interface) errNoAddress(addr netip.Addr) error {
	return fmt.Errorf("stack: interface %q has no address %v: %w", i.name, addr, syscall.EADDRNOTAVAIL)
}

// Addresses returns the interface's addresses in the order in which they were added.
func (i *Interface) Addresses() []AddressInfo { return i.s.book.list(i.index) }
