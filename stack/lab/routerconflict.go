package lab

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"

	"github.com/hextet/hextet/stack/internal/ndp"
)

// Conflict has a station on the segment that claims an address for itself, until stop is called: it answers
// whoever asks whether the address is taken (RFC 4862 section 5.4.4; RFC 5227 section 2.1.1 for IPv4), and
// nobody else.
func (s *Segment) Conflict(addr netip.Addr) (stop func(), err error) {
	if !addr.IsValid() || addr.IsMulticast() || addr.IsUnspecified() {
		return nil, fmt.Errorf("lab: segment %q: a conflict about %v, which is no address of a host", s.name, addr)
	}
	addr = addr.WithZone("").Unmap()
	st := s.station(fmt.Sprintf("conflict %v", addr))
	answer := st.answer6
	match := probes6
	if addr.Is4() {
		answer, match = st.answer4, probes4
	}
	return s.l.On(func(p Packet) bool { return p.Segment == s.name && match(p.Data, addr) }, func(p Packet) { answer(addr, p) }), nil
}

// station is a port that nobody is plugged in to: it only sends.
type station struct{ *port }

// station makes one, with a hardware address that comes from its name.
func (s *Segment) station(name string) station {
	h := &Host{l: s.l, name: s.name}
	h.turns = newTurns(s.l.sched, s.name+"/"+name, s.l.cfg.Seed)
	n := hashOf(h.turns.name)
	p := &port{
		segment: s, h: h, mtu: s.mtu, name: h.turns.name, closed: make(chan struct{}),
		hw: net.HardwareAddr{6, byte(n >> 32), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)},
	}
	return station{p}
}

// Inject puts a frame onto the segment, without a frame check sequence, as a station would that is none of the
// lab's hosts: whatever it says, nothing about it is checked but its length. The frame is copied.
func (s *Segment) Inject(frame []byte) error {
	if len(frame) < 14 || len(frame) > 14+s.mtu {
		return fmt.Errorf("lab: segment %q: a frame of %d bytes, not 14 to %d", s.name, len(frame), 14+s.mtu)
	}
	s.station("inject").write(bytes.Clone(frame))
	return nil
}

// probes6 reports whether a frame asks if addr is taken: a Neighbor Solicitation without a source.
func probes6(frame []byte, addr netip.Addr) bool {
	if !isICMP6(frame, ndp.TypeNeighborSolicitation) {
		return false
	}
	h := readHeader(frame)
	if !h.src.IsValid() || !h.src.IsUnspecified() {
		return false
	}
	target, err := ndp.ParseNeighborSolicitation(h.src, h.dst, int(h.hopLimit), h.payload)
	return err == nil && target == addr
}

func (st station) answer6(addr netip.Addr, _ Packet) {
	st.write(multicastFrame(ndp.AllNodes, st.hw, ndp.NeighborAdvertisement(addr, ndp.AllNodes, st.hw)))
}

// arpLen is the length of an ARP packet for IPv4 over Ethernet (RFC 826).
const arpLen = 28

var arpRequest = []byte{0, 1, 8, 0, 6, 4, 0, 1}

// probes4 reports whether a frame asks if addr is taken: RFC 5227 section 1.1 calls an ARP Probe "an ARP
// Request packet, broadcast on the local link, with an all-zero 'sender IP address'."
func probes4(frame []byte, addr netip.Addr) bool {
	if len(frame) < 14+arpLen || frame[12] != 0x08 || frame[13] != 0x06 {
		return false
	}
	arp := frame[14:]
	return bytes.Equal(arp[:8], arpRequest) && bytes.Equal(arp[14:18], make([]byte, 4)) && netip.AddrFrom4([4]byte(arp[24:])) == addr
}

func (st station) answer4(addr netip.Addr, probe Packet) {
	asker := probe.Data[6:12]
	arp := append([]byte{0, 1, 8, 0, 6, 4, 0, 2}, st.hw...)
	arp = append(append(arp, addr.AsSlice()...), asker...)
	st.write(etherFrame(asker, st.hw, etherARP, append(arp, 0, 0, 0, 0)))
}
