package dnsreg

import (
	"fmt"
	"net/netip"

	"github.com/hextet/hextet/srcselect"
)

// Reason says why an address is, or is not, registered.
type Reason uint8

const (
	Registered        Reason = iota // eligible
	SkipAsSource                    // the host never speaks from it by itself, so nobody should be sent to it
	Tentative                       // not yet known to be unique (RFC 4862 section 5.4)
	Optimistic                      // in use, but not yet known to be unique (RFC 4429)
	Deprecated                      // no longer for new communication (RFC 4862 section 5.5.4)
	Temporary                       // changes to hide the host (RFC 8981)
	LinkLocal                       // 169.254.0.0/16, fe80::/10: means something else on every link
	Loopback                        // 127.0.0.0/8, ::1
	Multicast                       // 224.0.0.0/4, ff00::/8
	Unspecified                     // 0.0.0.0, ::
	Broadcast                       // 255.255.255.255
	IPv4Mapped                      // ::ffff:0:0/96: an IPv4 address in a socket's clothes
	Invalid                         // the zero netip.Prefix
	Filtered                        // Policy.Filter said no
	ExcludedFamily                  // Policy.NoIPv4, NoIPv6
	OtherPrefix                     // in none of Policy.Prefixes
	ExcludedPrefix                  // in one of Policy.NotPrefixes
	OtherInterface                  // on none of Policy.Interfaces
	ExcludedInterface               // on one of Policy.NotInterfaces
	InterfaceOff                    // switched off by Registrar.SetInterface
	Private                         // Policy.NoPrivate: 10.0.0.0/8, fc00::/7 and so on
	HomeAddress                     // Policy.NoHomeAddress (RFC 6275)
	CareOf                          // Policy.NoCareOf (RFC 6275)
	Unnamed                         // eligible, but no name takes it: each HostName.Policy keeps it out
	OverLimit                       // eligible, but not added: its names have more than Config.MaxAddresses
	reasons           = iota
)

var reasonNames = [reasons]string{
	"registered", "skip-as-source", "tentative", "optimistic", "deprecated", "temporary", "link-local", "loopback",
	"multicast", "unspecified", "broadcast", "IPv4-mapped", "invalid", "filtered",
	"excluded family", "other prefix", "excluded prefix", "other interface", "excluded interface", "interface off",
	"private", "home address", "care-of address", "unnamed", "over the limit",
}

func (r Reason) String() string {
	if r < reasons {
		return reasonNames[r]
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// MarshalText implements encoding.TextMarshaler: it is String.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Eligible reports whether an address is one to register; why says which rule put it out.
// The skip-as-source flag comes first: no configuration brings such an address back.
func Eligible(a srcselect.Address) (ok bool, why Reason) {
	why = ineligible(a)
	return why == Registered, why
}

func ineligible(a srcselect.Address) Reason {
	addr := a.Prefix.Addr()
	switch {
	case a.SkipAsSource:
		return SkipAsSource
	case !a.Prefix.IsValid():
		return Invalid
	case a.Tentative:
		return Tentative
	case a.Optimistic:
		return Optimistic
	case addr.Is4In6():
		return IPv4Mapped
	case addr.IsUnspecified():
		return Unspecified
	case addr.IsLoopback():
		return Loopback
	case addr.IsLinkLocalUnicast():
		return LinkLocal
	case addr.IsMulticast():
		return Multicast
	case addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return Broadcast
	case a.Deprecated:
		return Deprecated
	case a.Temporary:
		return Temporary
	}
	return Registered
}
