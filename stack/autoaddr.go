package stack

import (
	"net/netip"
	"time"
)

// idgenRetries is IDGEN_RETRIES of RFC 7217 section 7, and TEMP_IDGEN_RETRIES of RFC 8981 section 3.8.
const idgenRetries = 3

// AddressFlags are what InterfaceConfig.OnAutoAddress may say of an address. They mean what they mean in
// Address.
type AddressFlags struct{ SkipAsSource, Deprecated, HomeAddress bool }

// there reports whether an address that was formed is still the interface's.
func (a *autoconf) there(e *addressEntry) bool {
	return e != nil && a.i.s.book.lookup(a.i.index, e.Prefix.Addr()) == e
}

// identifier returns the stable identifier under a prefix.
func (a *autoconf) identifier(prefix netip.Prefix, counter uint8) interfaceID {
	if len(a.cfg.StableSecret) == 0 {
		return eui64(a.i.hw)
	}
	return opaque(a.cfg.StableSecret, prefix, a.i.name, counter)
}

// addLinkLocal forms the link-local address (RFC 4862 section 5.3).
func (a *autoconf) addLinkLocal() (err error) {
	a.linkLocal, err = a.addAddress(AddressInfo{
		Address: Address{Prefix: a.identifier(linkLocalPrefix, a.llCounter).under(linkLocalPrefix)},
		Origin:  OriginLinkLocal,
	}, never, never, false)
	return err
}

// addStable forms the address of a prefix that does not change with time.
func (a *autoconf) addStable(p *learntPrefix, preferred, valid time.Duration) *addressEntry {
	e, err := a.addAddress(AddressInfo{
		Address: Address{Prefix: a.identifier(p.prefix, p.dadCounter).under(p.prefix)},
		Origin:  OriginAdvertised,
	}, preferred, valid, a.optimistic(p))
	if err != nil { // as when the program has added the same address
		a.i.s.log.Info("no automatic address", "interface", a.i.name, "prefix", p.prefix, "error", err)
		return nil
	}
	return e
}

// addAddress adds an address with the flags that the program wants it to have.
func (a *autoconf) addAddress(info AddressInfo, preferred, valid time.Duration, optimistic bool) (*addressEntry, error) {
	now := a.i.s.clock.Now()
	info.Preferred, info.PreferredUntil = ending(now, preferred)
	info.Valid, info.ValidUntil = ending(now, valid)
	info.Deprecated = preferred == 0
	var f AddressFlags
	if a.cfg.OnAutoAddress != nil {
		f = a.cfg.OnAutoAddress(info)
	}
	info.SkipAsSource, info.HomeAddress = f.SkipAsSource, f.HomeAddress
	info.Deprecated = info.Deprecated || f.Deprecated
	// RFC 5942 section 4: that an address is assigned says nothing about what is on the link.
	e := &addressEntry{AddressInfo: info, i: a.i, deprecated: f.Deprecated, offLink: info.Origin == OriginAdvertised}
	if optimistic {
		e.probing = newProbing()
	}
	if err := a.i.add([]*addressEntry{e}); err != nil {
		return nil, err
	}
	if optimistic {
		a.i.startProbing(e)
	}
	if preferred != never || valid != never {
		a.i.s.book.setLifetimes(a.i.s.clock, e, preferred, valid)
	}
	return e, nil
}

// duplicate is told that another station has an automatic address. RFC 4862 section 5.4.5: "If the
// address is a link-local address formed from an interface identifier based on the hardware address,
// which is supposed to be uniquely assigned (e.g., EUI-64 for an Ethernet interface), IP operation on
// the interface SHOULD be disabled." An opaque or random identifier is followed by another (RFC 7217
// section 6, RFC 8981 section 3.4). What can't be is left as a duplicate for the program to see.
func (a *autoconf) duplicate(e *addressEntry) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.i.live() != nil || !a.there(e) {
		return
	}
	hardware := len(a.cfg.StableSecret) == 0
	switch p := a.prefixOf(e); {
	case e == a.linkLocal && hardware:
		a.i.halt(errDuplicateLinkLocal)
	case e == a.linkLocal && a.llCounter < idgenRetries:
		a.i.removeEntries(e)
		a.llCounter++
		if err := a.addLinkLocal(); err != nil {
			a.i.s.log.Warn("no link-local address", "interface", a.i.name, "error", err)
		}
	case p == nil:
	case e.Temporary:
		a.duplicateTemporary(p, e)
	case !hardware && p.dadCounter < idgenRetries:
		now, info := a.i.s.clock.Now(), a.i.s.book.info(e)
		a.i.removeEntries(e)
		p.dadCounter++
		p.stable = a.addStable(p, remaining(now, info.PreferredUntil), remaining(now, info.ValidUntil))
	}
	a.setAlarm()
}

// prefixOf returns the prefix from which e was formed, or nil.
func (a *autoconf) prefixOf(e *addressEntry) *learntPrefix {
	for _, p := range a.prefixes {
		if p.stable == e {
			return p
		}
		for _, t := range p.temporary {
			if t.addressEntry == e {
				return p
			}
		}
	}
	return nil
}
