package srcselect

import (
	"fmt"
	"net/netip"
)

// A Scope is the reach of an address as RFC 6724 section 3.1 compares them, with
// the values of the scope field of an IPv6 multicast address (RFC 4291 section
// 2.7). Smaller is narrower. Values without a name are legal.
type Scope uint8

// The scopes with a name. Unicast addresses have only link-local, site-local and
// global scope.
const (
	ScopeInterfaceLocal    Scope = 0x1
	ScopeLinkLocal         Scope = 0x2
	ScopeAdminLocal        Scope = 0x4
	ScopeSiteLocal         Scope = 0x5
	ScopeOrganizationLocal Scope = 0x8
	ScopeGlobal            Scope = 0xe
)

// String returns the scope's name, "link-local" say, or "scope 0x3".
func (s Scope) String() string {
	switch s {
	case ScopeInterfaceLocal:
		return "interface-local"
	case ScopeLinkLocal:
		return "link-local"
	case ScopeAdminLocal:
		return "admin-local"
	case ScopeSiteLocal:
		return "site-local"
	case ScopeOrganizationLocal:
		return "organization-local"
	case ScopeGlobal:
		return "global"
	}
	return fmt.Sprintf("scope %#x", uint8(s))
}

// ScopeOf returns the scope of a by RFC 6724 sections 3.1 to 3.4:
//
//   - IPv6 multicast: the address's own scope field.
//   - fe80::/10 and ::1: link-local. fec0::/10: site-local.
//   - Every other IPv6 unicast address, unique local ones included: global.
//   - IPv4 169.254.0.0/16 and 127.0.0.0/8: link-local. Every other IPv4 address,
//     private, shared and multicast ones included: global.
//
// An IPv4-mapped address has the scope of the IPv4 address inside. A zone changes
// nothing. The scope of the zero Addr is 0.
func ScopeOf(a netip.Addr) Scope {
	if !a.IsValid() {
		return 0
	}
	return word128(a).scope()
}

func (a uint128) scope() Scope {
	switch {
	case a.isIPv4():
		if net := uint32(a.lo) >> 16; net == 169<<8|254 || net>>8 == 127 {
			return ScopeLinkLocal
		}
	case a.hi>>56 == 0xff:
		return Scope(a.hi >> 48 & 0xf)
	case a.hi>>54 == 0xfe80>>6, a == uint128{0, 1}:
		return ScopeLinkLocal
	case a.hi>>54 == 0xfec0>>6:
		return ScopeSiteLocal
	}
	return ScopeGlobal
}
