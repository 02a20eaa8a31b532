package srcselect_test

import (
	"errors"
	"net/netip"

	"github.com/hextet/hextet/srcselect"
	"golang.org/x/sys/unix"
)

// A kernelCase is a question to the kernel and to a Selector.
type kernelCase struct {
	query srcselect.Query
	bound bool // the socket is bound to the outgoing interface; else the route leads there
}

// draw returns a random question.
func (h *kernelHost) draw() kernelCase {
	dev := h.devs[h.IntN(len(h.devs))]
	c := kernelCase{bound: h.IntN(4) > 0, query: srcselect.Query{Interface: dev.index}}
	v4 := h.IntN(4) == 0
	switch n := h.IntN(12); {
	case v4 && n == 0:
		c.query.Destination, c.bound = netip.MustParseAddr(kernelGroups4[h.IntN(len(kernelGroups4))]), true
	case v4:
		c.query.Destination, c.bound = h.host(kernelPrefixes4), true
	case n < 2:
		c.query.Destination, c.bound = netip.MustParseAddr(kernelGroups6[h.IntN(len(kernelGroups6))]), true
	case n < 4 && len(h.addresses) > 0:
		a := h.addresses[h.IntN(len(h.addresses))]
		c.query.Destination = a.Prefix.Addr()
	default:
		c.query.Destination = h.host(kernelPrefixes6)
	}
	if !c.bound {
		c.query.Interface = h.routeTo(c.query.Destination, dev)
	}
	if d := c.query.Destination; d.Is4() && !d.IsMulticast() && !h.onLink(d, c.query.Interface) {
		c.query.NextHop = h.gateways[c.query.Interface]
	}
	c.query.Prefer = []srcselect.Preferences{0, 0, srcselect.PreferTemporary, srcselect.PreferPublic}[h.IntN(4)]
	return c
}

// routeTo returns the interface by which a destination is reached when no socket
// option says so. A link-local one is sought on link.
func (h *kernelHost) routeTo(destination netip.Addr, link kernelDev) int {
	if destination.Is6() && destination.IsLinkLocalUnicast() {
		return link.index
	}
	for _, a := range h.addresses {
		if a.Prefix.Addr() == destination && !a.Tentative {
			return a.Interface
		}
	}
	return h.devs[0].index
}

// ask connects a socket and returns its address. The zero Addr says that the kernel
// has no source.
func (h *kernelHost) ask(c kernelCase) netip.Addr {
	h.Helper()
	family, address := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: 9, Addr: c.query.Destination.As16(), ZoneId: h.zone(c)})
	if c.query.Destination.Is4() {
		family, address = unix.AF_INET, &unix.SockaddrInet4{Port: 9, Addr: c.query.Destination.As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		h.Fatal(err)
	}
	defer unix.Close(fd)
	if c.bound {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BINDTOIFINDEX, c.query.Interface); err != nil {
			h.Fatal(err)
		}
	}
	if value := kernelPreference(c.query.Prefer); value != 0 && family == unix.AF_INET6 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_ADDR_PREFERENCES, value); err != nil {
			h.Fatal(err)
		}
	}
	if err := unix.Connect(fd, address); errors.Is(err, unix.EADDRNOTAVAIL) {
		return netip.Addr{}
	} else if err != nil {
		h.Fatalf("connect: %v, interface %d: %v", c.query, c.query.Interface, err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		h.Fatal(err)
	}
	switch sa := name.(type) {
	case *unix.SockaddrInet6:
		return netip.AddrFrom16(sa.Addr)
	case *unix.SockaddrInet4:
		return netip.AddrFrom4(sa.Addr)
	}
	h.Fatalf("getsockname: %T", name)
	return netip.Addr{}
}

func (h *kernelHost) zone(c kernelCase) uint32 {
	if d := c.query.Destination; d.IsLinkLocalUnicast() || d.IsLinkLocalMulticast() || d.IsInterfaceLocalMulticast() {
		return uint32(c.query.Interface)
	}
	return 0
}

// The values of IPV6_ADDR_PREFERENCES (RFC 5014), as Linux has them.
func kernelPreference(p srcselect.Preferences) int {
	const preferTemporary, preferPublic = 1, 2
	switch p {
	case srcselect.PreferTemporary:
		return preferTemporary
	case srcselect.PreferPublic:
		return preferPublic
	}
	return 0
}
