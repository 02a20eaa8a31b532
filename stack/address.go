package stack

import (
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"github.com/hextet/hextet/srcselect"
)

// Address is an address to be assigned to an interface.
type Address struct {
	// Prefix is the address and its on-link prefix length. Hosts under it are reached without a
	// router.
	Prefix netip.Prefix

	// SkipAsSource keeps the stack from ever choosing the address as a source, for any protocol of
	// either family. It still receives and answers, and may be chosen explicitly: by a bind,
	// Dialer.LocalAddr, or a Route's Source. It is independent of Deprecated.
	SkipAsSource bool

	// Deprecated makes the address a last resort (RFC 4862 section 5.5.4, RFC 6724 section 5, rule 3).
	Deprecated bool

	// Temporary and HomeAddress are what rules 7 and 4 of RFC 6724 section 5 look at.
	Temporary, HomeAddress bool

	// Preferred is how long the address stays preferred before it becomes deprecated, and Valid how
	// long it stays assigned (RFC 4862 section 5.5.4), counted from AddAddress. Zero: for ever.
	Preferred, Valid time.Duration
}

// AddressState is how far an address is on its way to being used (RFC 4862 section 5.4).
type AddressState uint8

const (
	// Tentative: duplicate address detection has not ended. The address neither sends nor receives.
	Tentative AddressState = iota
	// Assigned: the address works.
	Assigned
	// Duplicate: another station has it. It stays listed, unused, until it is removed.
	Duplicate
)

func (s AddressState) String() string {
	switch s {
	case Tentative:
		return "tentative"
	case Assigned:
		return "assigned"
	case Duplicate:
		return "duplicate"
	}
	return fmt.Sprintf("AddressState(%d)", uint8(s))
}

// AddressInfo is an address as an interface has it.
type AddressInfo struct {
	Address
	State AddressState
}

// errAddress is the shape of every complaint about an address: errors.Is finds the errno.
func errAddress(p netip.Prefix, why string, errno syscall.Errno) error {
	return fmt.Errorf("stack: address %v: %s: %w", p, why, errno)
}

// check refuses what can't be an interface's address.
func (a Address) check() error {
	addr := a.Prefix.Addr()
	switch {
	case !a.Prefix.IsValid():
		return errAddress(a.Prefix, "the prefix is not valid", syscall.EINVAL)
	case addr.Is4In6():
		return errAddress(a.Prefix, "an IPv4-mapped address is never on the wire (RFC 4291 section 2.5.5.2); use its IPv4 form", syscall.EINVAL)
	case addr.IsUnspecified():
		return errAddress(a.Prefix, "the unspecified address can't be assigned (RFC 4291 section 2.5.2)", syscall.EINVAL)
	case addr.IsLoopback():
		return errAddress(a.Prefix, "a loopback address can't be assigned to a link (RFC 4291 section 2.5.3, RFC 1122 section 3.2.1.3)", syscall.EINVAL)
	case addr.IsMulticast():
		return errAddress(a.Prefix, "a multicast address can't be assigned (RFC 4291 section 2.7)", syscall.EINVAL)
	case isBroadcast(a.Prefix):
		return errAddress(a.Prefix, "it is the broadcast address of its prefix (RFC 1122 section 3.2.1.3)", syscall.EINVAL)
	case a.Preferred < 0 || a.Valid < 0:
		return errAddress(a.Prefix, "a lifetime is negative", syscall.EINVAL)
	case a.Valid > 0 && a.Preferred > a.Valid:
		return errAddress(a.Prefix, "the preferred lifetime is longer than the valid one (RFC 4862 section 5.5.3)", syscall.EINVAL)
	}
	return nil
}

// isBroadcast reports whether p's address has all host bits set, or is 255.255.255.255.
func isBroadcast(p netip.Prefix) bool {
	if !p.Addr().Is4() {
		return false
	}
	b := p.Addr().As4()
	v := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	if v == 1<<32-1 {
		return true
	}
	host := uint32(1)<<(32-p.Bits()) - 1
	return p.Bits() < 31 && v&host == host
}

// candidate is the address as source selection sees it.
func (a AddressInfo) candidate(iface int) srcselect.Address {
	return srcselect.Address{
		Prefix:       a.Prefix,
		Interface:    iface,
		SkipAsSource: a.SkipAsSource,
		Tentative:    a.State != Assigned,
		Deprecated:   a.Deprecated,
		Temporary:    a.Temporary,
		HomeAddress:  a.HomeAddress,
	}
}
