package lab

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"github.com/hextet/hextet/icmp6/checksum"
	"github.com/hextet/hextet/stack/internal/ndp"
	"golang.org/x/net/ipv4"
)

// PacketTooBig tells the sender of a packet that the path carries no more than mtu bytes (RFC 4443 section
// 3.2); of an IPv4 packet, that it would have to be fragmented (RFC 1191 section 4).
func (h *Host) PacketTooBig(about Packet, mtu int) error {
	if mtu < 0 || int64(mtu) > maxUint32 {
		return fmt.Errorf("lab: host %q: the MTU %d is not between 0 and 4294967295", h.name, mtu)
	}
	if isIPv4(about) {
		if mtu > 0xffff {
			return fmt.Errorf("lab: host %q: the MTU %d of an IPv4 path is more than 65535", h.name, mtu)
		}
		return h.ICMPError(about, 3, 4, uint32(mtu))
	}
	return h.ICMPError(about, 2, 0, uint32(mtu))
}

// Unreachable tells the sender of a packet that it can't be delivered. code is that of RFC 4443 section 3.1
// (0 no route, 1 prohibited, 2 beyond the scope of the source, 3 address, 4 port, 5 policy, 6 reject route),
// of an IPv4 packet that of RFC 792 (0 net, 1 host, 2 protocol, 3 port).
func (h *Host) Unreachable(about Packet, code uint8) error {
	if isIPv4(about) {
		return h.ICMPError(about, 3, code, 0)
	}
	return h.ICMPError(about, 1, code, 0)
}

// TimeExceeded tells the sender of a packet that its hop limit ran out on the way (code 0), or the time in
// which its fragments had to come (code 1): RFC 4443 section 3.3, RFC 792.
func (h *Host) TimeExceeded(about Packet, code uint8) error {
	if isIPv4(about) {
		return h.ICMPError(about, 11, code, 0)
	}
	return h.ICMPError(about, 3, code, 0)
}

// ParameterProblem tells the sender of a packet what is wrong with its headers: pointer is the offset of the
// byte in its IP packet, and code that of RFC 4443 section 3.4 (0 erroneous field, 1 unknown next header, 2
// unknown option), of an IPv4 packet that of RFC 792, where pointer is at most 255.
func (h *Host) ParameterProblem(about Packet, code uint8, pointer int) error {
	limit, typ, shift := int64(maxUint32), uint8(4), 0
	if isIPv4(about) {
		limit, typ, shift = 0xff, 12, 24
	}
	if pointer < 0 || int64(pointer) > limit {
		return fmt.Errorf("lab: host %q: the pointer %d is not between 0 and %d", h.name, pointer, limit)
	}
	return h.ICMPError(about, typ, code, uint32(pointer)<<shift)
}

// ICMPError sends an ICMP error about a packet to its sender: ICMPv6 about IPv6, with as much of the packet
// as 1280 bytes hold (RFC 4443 section 2.4), ICMP about IPv4, with as much as 576 bytes hold (RFC 1812 section
// 4.3.2.3). word is what follows the checksum. The stack chooses route and source.
//
// It sends whatever it is asked for: errors about errors, and about packets that the host has never seen.
func (h *Host) ICMPError(about Packet, typ, code uint8, word uint32) error {
	head := readHeader(about.Data)
	if !head.src.IsValid() {
		return fmt.Errorf("lab: host %q: an ICMP error about what is no IP packet", h.name)
	}
	var err error
	if msg := errorBody(about, head, typ, code, word); head.src.Is4() {
		err = h.sendICMP4(msg, head.src)
	} else {
		err = h.sendICMP6(msg, h.zoned(head.src, about.Segment))
	}
	if err != nil {
		return fmt.Errorf("lab: host %q: ICMP error: %w", h.name, err)
	}
	return nil
}

// errorBody is the message, whose checksum ICMPv6 gets when its source is known.
func errorBody(about Packet, head wireHeader, typ, code uint8, word uint32) []byte {
	limit := 1280 - 40
	if head.src.Is4() {
		limit = 576 - 20
	}
	ip := about.Data[14:]
	msg := binary.BigEndian.AppendUint32([]byte{typ, code, 0, 0}, word)
	msg = append(msg, ip[:min(len(ip), limit-len(msg))]...)
	if head.src.Is4() {
		binary.BigEndian.PutUint16(msg[2:], ^checksum.Sum(msg, 0))
	}
	return msg
}

func (h *Host) sendICMP6(msg []byte, to netip.Addr) error {
	c, err := h.ListenRaw(protoICMP6, netip.Addr{})
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.WriteMsg(msg, nil, to)
	return err
}

func (h *Host) sendICMP4(msg []byte, to netip.Addr) error {
	c, err := h.ListenRaw4(protoICMP, netip.Addr{})
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.WriteTo(msg, (*ipv4.ControlMessage)(nil), &net.IPAddr{IP: to.AsSlice()})
	return err
}

// zoned gives a link-local address the interface on the segment as its zone.
func (h *Host) zoned(a netip.Addr, segment string) netip.Addr {
	if p := h.portOn(segment); p != nil && a.IsLinkLocalUnicast() {
		return a.WithZone(p.name[len(h.name)+1:])
	}
	return a
}

// portOn is the host's first port on a segment; nil if it has none.
func (h *Host) portOn(segment string) *port {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, i := range h.ifaces {
		if s := i.p.on(); s != nil && s.name == segment {
			return i.p
		}
	}
	return nil
}

func isIPv4(p Packet) bool { return readHeader(p.Data).src.Is4() }

// Redirect tells the sender of a packet, which is on the same segment, to send what is for the packet's
// destination to target from now on: the destination itself, if it is on the segment, or a better router's
// link-local address (RFC 4861 section 4.5); of an IPv4 packet, the better router's address (RFC 792).
func (h *Host) Redirect(about Packet, target netip.Addr) error {
	head := readHeader(about.Data)
	p := h.portOn(about.Segment)
	switch {
	case !head.src.IsValid():
		return fmt.Errorf("lab: host %q: a redirect about what is no IP packet", h.name)
	case p == nil:
		return fmt.Errorf("lab: host %q: a redirect on segment %q, where it has no interface", h.name, about.Segment)
	case target.Is4() != head.src.Is4() || !target.IsValid():
		return fmt.Errorf("lab: host %q: a redirect of %v to %v", h.name, head.dst, target)
	case head.src.Is4():
		return h.ICMPError(about, 5, 1, binary.BigEndian.Uint32(target.AsSlice()))
	}
	target = target.WithZone("")
	pkt := ndp.Redirect(linkLocalOf(h, p), head.src, target, head.dst, h.neighborAt(p, target), about.Data[14:])
	p.write(etherFrame(about.Data[6:12], p.hw, etherIPv6, pkt))
	return nil
}

// neighborAt is what the host knows of a neighbour at one of its ports; nil if it knows nothing.
func (h *Host) neighborAt(p *port, addr netip.Addr) net.HardwareAddr {
	for _, n := range h.Neighbors() {
		if n.Addr == addr && h.name+"/"+n.Interface == p.name {
			return n.HardwareAddr
		}
	}
	return nil
}
