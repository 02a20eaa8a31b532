package stack

import (
	"encoding/binary"
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
	// long it stays assigned (RFC 4862 section 5.5.4), counted from AddAddress or SetLifetimes. Zero:
	// for ever.
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
	// Optimistic: it works, though duplicate address detection has not ended (RFC 4429).
	Optimistic
)

func (s AddressState) String() string {
	switch s {
	case Tentative:
		return "tentative"
	case Assigned:
		return "assigned"
	case Duplicate:
		return "duplicate"
	case Optimistic:
		return "optimistic"
	}
	return fmt.Sprintf("AddressState(%d)", uint8(s))
}

// works reports whether the address sends and receives.
func (s AddressState) works() bool { return s == Assigned || s == Optimistic }

// Origin says who configured an address.
type Origin uint8

const (
	// OriginManual: the program did, with AddAddress.
	OriginManual Origin = iota
	// OriginLinkLocal: the interface gave it to itself (RFC 4862 section 5.3).
	OriginLinkLocal
	// OriginAdvertised: it was formed from a prefix that a router advertised (RFC 4862 section 5.5).
	OriginAdvertised
)

func (o Origin) String() string {
	switch o {
	case OriginManual:
		return "manual"
	case OriginLinkLocal:
		return "link-local"
	case OriginAdvertised:
		return "advertised"
	}
	return fmt.Sprintf("Origin(%d)", uint8(o))
}

// AddressInfo is an address as an interface has it. Its Preferred and Valid are the lifetimes that it
// was last given.
type AddressInfo struct {
	Address
	State  AddressState
	Origin Origin

	// PreferredUntil and ValidUntil are when the lifetimes end, by Config.Clock. Zero: never, or, for
	// PreferredUntil, that it is Deprecated whatever the time.
	PreferredUntil, ValidUntil time.Time
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
	if p.Addr() == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return true
	}
	bc, ok := broadcastOf(p)
	return ok && p.Addr() == bc
}

// broadcastOf returns the broadcast address of an IPv4 prefix, which those of 31 and 32 bits lack (RFC
// 3021 section 2.1).
func broadcastOf(p netip.Prefix) (netip.Addr, bool) {
	if !p.Addr().Is4() || p.Bits() >= 31 {
		return netip.Addr{}, false
	}
	b := p.Addr().As4()
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])|(1<<(32-p.Bits())-1))
	return netip.AddrFrom4(b), true
}

// candidate is the address as source selection sees it.
func (e *addressEntry) candidate() srcselect.Address {
	return srcselect.Address{
		Prefix:       e.Prefix,
		Interface:    e.i.index,
		SkipAsSource: e.SkipAsSource,
		Tentative:    !e.State.works(),
		Optimistic:   e.State == Optimistic,
		Deprecated:   e.Deprecated,
		Temporary:    e.Temporary,
		HomeAddress:  e.HomeAddress,
		Routers:      e.routers,
	}
}
