package srcselect

import (
	"math"
	"net/netip"
)

// An Address is an address of the host together with what the rules need to know
// about it. The same address may be on several interfaces; (Interface, address)
// identifies it.
type Address struct {
	// Prefix is the address and its on-link prefix length, 2001:db8::1/64 say. The
	// length is the cap of CommonPrefixLen in rule 8. An IPv4-mapped prefix is
	// stored as the IPv4 prefix that it stands for.
	Prefix netip.Prefix `json:"prefix,omitzero"`

	// Interface is the index of the interface that the address is assigned to,
	// 1 or more.
	Interface int `json:"interface,omitzero"`

	// SkipAsSource keeps the address out of every choice: it speaks only when a
	// query names it. It does not deprecate the address.
	SkipAsSource bool `json:"skipAsSource,omitzero"`

	// Tentative says that duplicate address detection (RFC 4862) is not done: the
	// address is not assigned yet, so it is no candidate and can't be named.
	Tentative bool `json:"tentative,omitzero"`

	// Optimistic says that the address may be used while duplicate address
	// detection runs (RFC 4429). It counts as deprecated. With Tentative also set,
	// the address counts as optimistic.
	Optimistic bool `json:"optimistic,omitzero"`

	// Deprecated says that the preferred lifetime is over (RFC 4862). It means
	// nothing for IPv4, the loopback address and IPv6 addresses with an embedded
	// IPv4 address (::/96 and 64:ff9b::/96), which always count as preferred
	// (RFC 6724 sections 3.2 to 3.4).
	Deprecated bool `json:"deprecated,omitzero"`

	// Temporary says that the address is a temporary one (RFC 8981) and not a
	// public one.
	Temporary bool `json:"temporary,omitzero"`

	// HomeAddress and CareOf are the mobility states of RFC 6724 section 3.5. Both
	// are set while a mobile node is at home. Neither means the same as CareOf
	// alone.
	HomeAddress bool `json:"homeAddress,omitzero"`
	CareOf      bool `json:"careOf,omitzero"`

	// Preferred is a positive preference, as FreeBSD's prefer_source: among
	// addresses that rules 1 to 7 tie, a preferred one is chosen whatever its
	// prefix. It means nothing unless Config.HonorPreferred is set, and is not the
	// opposite of Deprecated.
	Preferred bool `json:"preferred,omitzero"`

	// Routers holds the next hops that advertised the address or its prefix
	// (rule 5.5). Empty: not known. Zones are dropped. A Selector keeps a copy.
	Routers []netip.Addr `json:"routers,omitzero"`
}

// normalize returns a as a Selector stores it: unmapped, with its own copy of
// Routers; or an error that names the address and the rule it breaks.
func (a Address) normalize() (Address, error) {
	given := a.Prefix
	a.Prefix = unmapPrefix(given)
	addr := a.Prefix.Addr()
	switch {
	case !addr.IsValid():
		return a, invalidf("address without a prefix (interface %d)", a.Interface)
	case !a.Prefix.IsValid():
		return a, invalidf("address %v: prefix length is missing or out of range", given.Addr())
	case addr.IsUnspecified():
		return a, invalidf("address %v: the unspecified address can't be assigned", given)
	case addr.IsMulticast():
		return a, invalidf("address %v: a multicast address can't be assigned", given)
	case addr == broadcast4:
		return a, invalidf("address %v: the limited broadcast address can't be assigned", given)
	case a.Interface < 1 || a.Interface > math.MaxInt32:
		return a, invalidf("address %v: interface index %d: want 1 to %d", given, a.Interface, math.MaxInt32)
	}
	routers := make([]netip.Addr, 0, len(a.Routers))
	for _, r := range a.Routers {
		n := normalizeAddr(r)
		switch {
		case !n.IsValid() || n.IsUnspecified() || n.IsMulticast():
			return a, invalidf("address %v: router %v: not a unicast address", given, r)
		case n.Is4() != addr.Is4():
			return a, invalidf("address %v: router %v: not of the address's family", given, r)
		}
		routers = append(routers, n)
	}
	a.Routers = routers
	if len(routers) == 0 {
		a.Routers = nil
	}
	return a, nil
}

var broadcast4 = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// normalizeAddr drops the zone and unmaps.
func normalizeAddr(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// alwaysPreferred says whether a counts as preferred whatever its state: RFC 6724
// section 3.2 says so of IPv4 addresses, section 3.3 of IPv4-compatible,
// IPv4-mapped and IPv4-converted ones, section 3.4 of the loopback address.
func alwaysPreferred(a netip.Addr) bool {
	return a.Is4() || v4Compatible.Contains(a) || v4Converted.Contains(a)
}

var (
	v4Compatible = netip.MustParsePrefix("::/96") // and ::1
	v4Converted  = netip.MustParsePrefix("64:ff9b::/96")
)
