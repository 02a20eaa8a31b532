package vxlan

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"
)

// A Segment is what a Link is made of. The zero Segment is VNI 0 without peers: it
// learns from what comes.
type Segment struct {
	// VNI is the number of the segment, at most 1<<24 - 1.
	VNI uint32

	// Peers are the other tunnel end points, to all of which broadcasts, multicasts
	// and frames to unknown stations go. A port of zero is [Port]; one that is named
	// twice counts once. A link-local IPv6 address needs its zone, as the socket has
	// it: the name of the interface, not its index.
	Peers []netip.AddrPort

	// PeersOnly drops packets from other addresses than those of Peers; a group among
	// them is the address of nobody. False: they may come from anyone.
	PeersOnly bool

	// NoLearning leaves the table of stations to AddStation. False: the address of a
	// frame's sender is remembered with the peer that it came from, whose port is
	// that of the peer in Peers with the same address, or else Port: the source port
	// of VXLAN says nothing (RFC 7348 section 5).
	NoLearning bool

	// MaxStations is how many stations there may be, static ones apart. Further ones
	// are not learned, and what is for them goes to all peers. Zero: 4096.
	MaxStations int

	// Age is how long a learned station is remembered after its last frame. Zero:
	// five minutes.
	Age time.Duration

	// MTU is the size of the largest IP packet inside, in bytes. Zero: what a path
	// of 1500 bytes leaves, 1450 over IPv4 and 1430 over IPv6.
	MTU int

	// HardwareAddr is the stack's address on the segment, 6 bytes, unicast. Nil: a
	// random, locally administered one.
	HardwareAddr net.HardwareAddr
}

const (
	defaultStations = 4096
	defaultAge      = 5 * time.Minute
	minMTU          = 68 // RFC 791; for IPv6 it takes 1280
	maxMTU          = 65535 - 20 - 8 - headerLen - ethernetLen
)

// complete returns s, checked, with its defaults. local is the socket's address.
func (s Segment) complete(local netip.Addr) (Segment, error) {
	named := s.Peers
	s.Peers = nil
	for _, p := range named {
		p, err := peer(p)
		if err != nil {
			return s, err
		}
		if !slices.Contains(s.Peers, p) {
			s.Peers = append(s.Peers, p)
		}
	}
	s.MaxStations = cmp.Or(s.MaxStations, defaultStations)
	s.Age = cmp.Or(s.Age, defaultAge)
	s.MTU = cmp.Or(s.MTU, defaultMTU(s.Peers, local))
	if s.HardwareAddr == nil {
		s.HardwareAddr = randomAddr()
	}
	s.HardwareAddr = slices.Clone(s.HardwareAddr)
	switch hw := s.HardwareAddr; {
	case s.VNI > maxVNI:
		return s, fmt.Errorf("vxlan: VNI %d has more than 24 bits", s.VNI)
	case s.MTU < minMTU || s.MTU > maxMTU:
		return s, fmt.Errorf("vxlan: MTU %d is not within %d to %d", s.MTU, minMTU, maxMTU)
	case s.MaxStations < 0:
		return s, fmt.Errorf("vxlan: MaxStations %d is negative", s.MaxStations)
	case s.Age < 0:
		return s, fmt.Errorf("vxlan: Age %v is negative", s.Age)
	case len(hw) != 6 || hw[0]&1 != 0 || station(hw) == station{}:
		return s, fmt.Errorf("vxlan: hardware address %s is not a unicast address of 6 bytes", hw)
	}
	return s, nil
}

// peer returns p in the form in which peers are compared.
func peer(p netip.AddrPort) (netip.AddrPort, error) {
	addr := p.Addr().Unmap()
	switch {
	case !addr.IsValid() || addr.WithZone("").IsUnspecified():
		return p, fmt.Errorf("vxlan: peer %v has no address", p)
	case addr.Is6() && addr.IsLinkLocalUnicast() && addr.Zone() == "":
		// Packets come from an address with a zone, which would not be this one.
		return p, fmt.Errorf("vxlan: peer %v is link-local and has no zone", p)
	}
	return netip.AddrPortFrom(addr, cmp.Or(p.Port(), Port)), nil
}

// defaultMTU is what an outer path of 1500 bytes leaves: the peers tell the family,
// and without any the socket.
func defaultMTU(peers []netip.AddrPort, local netip.Addr) int {
	ipv4 := local.Is4()
	if len(peers) > 0 {
		ipv4 = !slices.ContainsFunc(peers, func(p netip.AddrPort) bool { return p.Addr().Is6() })
	}
	if ipv4 {
		return 1450
	}
	return 1430
}

// randomAddr makes a unicast address with the local bit set.
func randomAddr() net.HardwareAddr {
	hw := make(net.HardwareAddr, 6)
	rand.Read(hw)
	hw[0] = hw[0]&^1 | 2
	return hw
}
