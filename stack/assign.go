package stack

import (
	"context"
	"errors"
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
func (i *Interface) AddAddresses(as []Address) error {
	i.admin.Lock()
	defer i.admin.Unlock()
	if i.gone.Load() {
		return fmt.Errorf("stack: interface %q: %w", i.name, net.ErrClosed)
	}
	entries, err := i.record(as)
	if err == nil {
		err = i.assign(entries)
	}
	if err != nil {
		for _, e := range entries {
			i.s.book.remove(e)
		}
		return err
	}
	i.s.rib.addConnected(i, as)
	i.s.republishRoutes()
	i.startLifetimes(entries)
	return nil
}

// record checks addresses and enters them into the book. On an error it returns what it entered.
func (i *Interface) record(as []Address) (entries []*addressEntry, err error) {
	for _, a := range as {
		if err := a.check(); err != nil {
			return entries, err
		}
		e := i.s.book.insert(i.index, a)
		if e == nil {
			return entries, errAddress(a.Prefix, fmt.Sprintf("interface %q has it already", i.name), syscall.EEXIST)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// assign gives recorded addresses to gVisor and then to source selection, or takes them all back.
func (i *Interface) assign(entries []*addressEntry) error {
	for n, e := range entries {
		if err := engine.AddAddress(i.s.gv, i.index, e.Prefix, addressEvents{i, e}); err != nil {
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
type addressEvents struct {
	i *Interface
	e *addressEntry
}

func (v addressEvents) Changed(assigned bool) {
	v.i.s.book.update(v.e, func(a *AddressInfo) {
		a.State = Tentative
		if assigned {
			a.State = Assigned
		}
	})
}

func (v addressEvents) Removed(duplicate bool) {
	if duplicate && v.i.s.book.update(v.e, func(a *AddressInfo) { a.State = Duplicate }) {
		// A handler may ask the stack, which it must not do here.
		v.i.s.book.after(v.i.s.clock, v.e, 0, func() {
			v.i.s.log.Warn("duplicate address", "interface", v.i.name, "address", v.e.Prefix)
		})
	}
}

// startLifetimes arranges for what RFC 4862 section 5.5.4 says of an address whose preferred, then
// valid, lifetime ends.
func (i *Interface) startLifetimes(entries []*addressEntry) {
	for _, e := range entries {
		if e.Preferred > 0 {
			i.s.book.after(i.s.clock, e, e.Preferred, func() {
				i.s.book.update(e, func(a *AddressInfo) { a.Deprecated = true })
			})
		}
		if e.Valid > 0 {
			i.s.book.after(i.s.clock, e, e.Valid, func() { i.removeEntry(e) })
		}
	}
}

// SetSkipAsSource changes an address's flag. The next choice of a source sees it; no connection is
// touched, and no duplicate address detection is repeated.
func (i *Interface) SetSkipAsSource(addr netip.Addr, skip bool) error {
	e, err := i.entry(addr)
	if err != nil {
		return err
	}
	i.s.book.update(e, func(a *AddressInfo) { a.SkipAsSource = skip })
	return nil
}

// RemoveAddress takes an address away. Connections that use it fail.
func (i *Interface) RemoveAddress(addr netip.Addr) error {
	e, err := i.entry(addr)
	if err != nil {
		return err
	}
	i.removeEntry(e)
	return nil
}

// removeEntry removes e unless somebody did before.
func (i *Interface) removeEntry(e *addressEntry) {
	i.admin.Lock()
	defer i.admin.Unlock()
	if i.s.book.lookup(i.index, e.Prefix.Addr()) != e {
		return
	}
	if i.s.book.remove(e) != Duplicate { // the book first: nothing may choose it any more
		engine.RemoveAddress(i.s.gv, i.index, e.Prefix.Addr())
	}
	i.s.rib.removeConnected(i, e.Address)
	i.s.republishRoutes()
}

func (i *Interface) entry(addr netip.Addr) (*addressEntry, error) {
	if e := i.s.book.lookup(i.index, addr); e != nil {
		return e, nil
	}
	return nil, fmt.Errorf("stack: interface %q has no address %v: %w", i.name, addr, syscall.EADDRNOTAVAIL)
}

// Addresses returns the interface's addresses in the order in which they were added.
func (i *Interface) Addresses() []AddressInfo {
	infos, _ := i.s.book.list(i.index)
	return infos
}

// WaitAssigned waits until duplicate address detection has ended for every address of the interface.
// It returns an error that names the duplicates, if there are any, the context's, or why the interface
// is of no use any more: that of Err, or net.ErrClosed once it is detached.
func (i *Interface) WaitAssigned(ctx context.Context) error {
	for {
		infos, changed := i.s.book.list(i.index)
		if err := i.live(); err != nil {
			return err
		}
		var errs []error
		waiting := false
		for _, a := range infos {
			switch a.State {
			case Tentative:
				waiting = true
			case Duplicate:
				errs = append(errs, errAddress(a.Prefix, "another station on the link has it (RFC 4862 section 5.4)", syscall.EADDRINUSE))
			}
		}
		if !waiting {
			return errors.Join(errs...)
		}
		select {
		case <-changed:
		case <-i.down:
		case <-ctx.Done():
			return fmt.Errorf("stack: interface %q: waiting for addresses: %w", i.name, context.Cause(ctx))
		}
	}
}

// linkLocal forms the link-local address of an Ethernet station: fe80::/64 and the modified EUI-64
// interface identifier of RFC 4291 appendix A.
func linkLocal(hw net.HardwareAddr) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{
		0xfe, 0x80, 0, 0, 0, 0, 0, 0,
		hw[0] ^ 0x02, hw[1], hw[2], 0xff, 0xfe, hw[3], hw[4], hw[5],
	}), 64)
}
