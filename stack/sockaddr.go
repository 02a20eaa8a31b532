package stack

import (
	"fmt"
	"net/netip"
	"syscall"

	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/tcpip"
)

// engineAddr returns ap, which is not IPv4-mapped, as gVisor's sockets have it: the zone becomes the
// interface beside the address, and the unspecified address the empty one.
func (s *Stack) engineAddr(ap netip.AddrPort) (tcpip.FullAddress, error) {
	addr := ap.Addr()
	fa := tcpip.FullAddress{Port: ap.Port()}
	if zone := addr.Zone(); zone != "" {
		i, err := s.zoneInterface(addr)
		if err != nil {
			return fa, err
		}
		fa.NIC = i.id()
	}
	if !addr.IsUnspecified() {
		fa.Addr = convert.Addr(addr)
	}
	return fa, nil
}

// zoneInterface returns the interface that an address's zone names.
func (s *Stack) zoneInterface(addr netip.Addr) (*Interface, error) {
	i, err := s.byName(addr.Zone())
	if err != nil {
		return nil, fmt.Errorf("address %v: there is no interface %q: %w", addr, addr.Zone(), syscall.ENODEV)
	}
	return i, nil
}

// addrPort is the inverse of engineAddr. any stands for the empty address. An address that means
// nothing without its link (RFC 4007 section 6) gets the interface's name as its zone.
func (s *Stack) addrPort(fa tcpip.FullAddress, any netip.Addr) netip.AddrPort {
	addr := convert.NetAddr(fa.Addr).Unmap()
	if !addr.IsValid() {
		addr = any
	}
	if fa.NIC != 0 && needsZone(addr) {
		addr = addr.WithZone(s.zoneName(int(fa.NIC)))
	}
	return netip.AddrPortFrom(addr, fa.Port)
}

// zoneName returns an interface's name, or its index once it is gone.
func (s *Stack) zoneName(index int) string {
	if i := s.byIndex(index); i != nil {
		return i.name
	}
	return fmt.Sprint(index)
}

// needsZone reports whether addr's scope is smaller than the host's network. For IPv4 the address
// alone decides: its zones can't be written.
func needsZone(addr netip.Addr) bool {
	return addr.Is6() && (addr.IsLinkLocalUnicast() || addr.IsLinkLocalMulticast() || addr.IsInterfaceLocalMulticast())
}

// anyAddr is the unspecified address of a family.
func anyAddr(ipv4 bool) netip.Addr {
	if ipv4 {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// localInterface returns the interface on which the stack may speak from addr: the one that its zone
// or only, if that is not nil, names, else the oldest that has it.
func (s *Stack) localInterface(addr netip.Addr, only *Interface) (*Interface, error) {
	if addr.Zone() != "" {
		i, err := s.zoneInterface(addr)
		if err != nil {
			return nil, err
		}
		if only != nil && only != i {
			return nil, fmt.Errorf("local address %v is not on interface %q: %w", addr, only.name, syscall.EADDRNOTAVAIL)
		}
		only = i
	}
	bare := addr.WithZone("")
	if isOwnLoopback(bare) && (only == nil || only.index == loopbackIndex) {
		return s.loopback()
	}
	why := "is not assigned"
	for _, i := range s.Interfaces() {
		if only != nil && only != i {
			continue
		}
		if s.assigned(i.index, bare) {
			return i, nil
		}
		if s.book.lookup(i.index, bare) != nil {
			why = "is not assigned yet, or duplicate (RFC 4862 section 5.4)"
		}
	}
	if only != nil {
		why += fmt.Sprintf(" on interface %q", only.name)
	}
	return nil, fmt.Errorf("local address %v %s: %w", addr, why, syscall.EADDRNOTAVAIL)
}

// isLocalGroup reports whether packets to a bound address can be group traffic, so that it need not
// be an address of the host: multicast, or a broadcast.
func isLocalGroup(addr netip.Addr) bool {
	return addr.IsMulticast() || addr == netip.AddrFrom4([4]byte{255, 255, 255, 255})
}
