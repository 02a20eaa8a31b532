package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/icmp6/checksum"
)

// Numbers of the IANA registries of EtherTypes and protocols.
const (
	etherIPv4, etherARP, etherIPv6 = 0x0800, 0x0806, 0x86dd

	protoHopByHop, protoICMP, protoIGMP, protoTCP, protoUDP = 0, 1, 2, 6, 17
	protoRouting, protoFragment, protoICMP6, protoOptions   = 43, 44, 58, 60
)

// headers are what filters, checks and explanations look at. They share the frame's memory.
type headers struct {
	ether    uint16
	version  uint8 // 4 or 6; 0: no IP, or too broken for one
	src, dst netip.Addr
	final    netip.Addr // the last destination, behind a Routing header
	proto    uint8      // of the upper layer
	ip       []byte     // the packet, without what pads the frame
	header   int        // length of the IPv4 header
	upper    []byte     // what follows the IP headers
	piece    bool       // a fragment: upper is not whole
	later    bool       // a fragment without the upper layer's header

	ports            bool
	srcPort, dstPort uint16
	flags            uint8 // of TCP
	icmp             bool
	kind, code       uint8 // of ICMP
}

// parse reads a frame's headers as far as they can be read.
func parse(frame []byte) headers {
	var h headers
	if len(frame) < 14 {
		return h
	}
	h.ether = binary.BigEndian.Uint16(frame[12:])
	switch body := frame[14:]; h.ether {
	case etherIPv4:
		h.parse4(body)
	case etherIPv6:
		h.parse6(body)
	case etherARP:
		if len(body) >= 28 && body[4] == 6 && body[5] == 4 {
			h.src, _ = netip.AddrFromSlice(body[14:18])
			h.dst, _ = netip.AddrFromSlice(body[24:28])
		}
	}
	if h.version != 0 && !h.later {
		h.parseUpper()
	}
	return h
}

func (h *headers) parse4(b []byte) {
	if len(b) < 20 || b[0]>>4 != 4 {
		return
	}
	h.header = int(b[0]&15) * 4
	total := int(binary.BigEndian.Uint16(b[2:]))
	if h.header < 20 || total < h.header || total > len(b) {
		return
	}
	h.version, h.ip, h.proto = 4, b[:total], b[9]
	h.src, _ = netip.AddrFromSlice(b[12:16])
	h.dst, _ = netip.AddrFromSlice(b[16:20])
	h.final, h.upper = h.dst, b[h.header:total]
	where := binary.BigEndian.Uint16(b[6:])
	h.later = where&0x1fff != 0
	h.piece = h.later || where&0x2000 != 0
}

func (h *headers) parse6(b []byte) {
	if len(b) < 40 || b[0]>>4 != 6 || 40+int(binary.BigEndian.Uint16(b[4:])) > len(b) {
		return
	}
	h.version, h.ip, h.proto = 6, b[:40+int(binary.BigEndian.Uint16(b[4:]))], b[6]
	h.src, _ = netip.AddrFromSlice(b[8:24])
	h.dst, _ = netip.AddrFromSlice(b[24:40])
	h.upper = h.ip[40:]
	var err error
	if h.final, err = icmp6.FinalDestination(h.dst, h.proto, h.upper); err != nil {
		h.final = netip.Addr{} // nobody can tell
	}
	h.skipExtensions()
}

// skipExtensions goes to the upper layer. Headers that are cut off end it early.
func (h *headers) skipExtensions() {
	for !h.later {
		n := 8
		switch h.proto {
		case protoHopByHop, protoRouting, protoOptions:
			if len(h.upper) >= 2 {
				n = 8 * (int(h.upper[1]) + 1)
			}
		case protoFragment:
			if len(h.upper) >= n {
				where := binary.BigEndian.Uint16(h.upper[2:])
				h.later, h.piece = where&^7 != 0, h.piece || where&^6 != 0
			}
		default:
			return
		}
		if len(h.upper) < n {
			return
		}
		h.proto, h.upper = h.upper[0], h.upper[n:]
	}
}

func (h *headers) parseUpper() {
	b := h.upper
	switch {
	case h.proto == protoTCP && len(b) >= 20:
		h.flags = b[13]
		fallthrough
	case h.proto == protoUDP && len(b) >= 8:
		h.ports = true
		h.srcPort, h.dstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	case (h.version == 4 && h.proto == protoICMP || h.version == 6 && h.proto == protoICMP6) && len(b) >= 4:
		h.icmp, h.kind, h.code = true, b[0], b[1]
	}
}

// checksums returns what is wrong with the checksums of IPv4's header, ICMP, IGMP, ICMPv6, TCP and UDP. The upper
// layer of a fragment is not judged, nor that of a packet whose headers are broken.
func (h *headers) checksums() error {
	if h.version == 4 && checksum.Sum(h.ip[:h.header], 0) != 0xffff {
		return errors.New("the IPv4 header's checksum is wrong")
	}
	if h.version == 0 || h.piece || !h.final.IsValid() {
		return nil
	}
	pseudo, name := uint16(0), ""
	switch at, minimum := 0, 0; {
	case h.version == 4 && (h.proto == protoICMP || h.proto == protoIGMP):
		if len(h.upper) < 8 {
			return nil
		}
		name = map[uint8]string{protoICMP: "ICMP", protoIGMP: "IGMP"}[h.proto]
	default:
		switch {
		case h.proto == protoTCP:
			name, at, minimum = "TCP", 16, 20
		case h.proto == protoUDP:
			name, at, minimum = "UDP", 6, 8
		case h.version == 6 && h.proto == protoICMP6:
			name, at, minimum = "ICMPv6", 2, 4
		default:
			return nil
		}
		if len(h.upper) < minimum {
			return nil
		}
		if h.proto == protoUDP && h.upper[at] == 0 && h.upper[at+1] == 0 {
			if h.version == 4 { // RFC 768: "no checksum"
				return nil
			}
			return errors.New("the UDP checksum is 0, which IPv6 does not allow (RFC 8200 section 8.1)")
		}
		pseudo = checksum.PseudoHeader(h.src, h.final, h.proto, uint32(len(h.upper)))
	}
	if checksum.Sum(h.upper, pseudo) != 0xffff {
		return fmt.Errorf("the %s checksum is wrong", name)
	}
	return nil
}

// discovers reports whether the packet is of neighbour discovery or group management, whose sources follow
// rules of their own (RFC 4861, RFC 3810 section 5.1.14, RFC 3376 section 4.2.13).
func (h *headers) discovers() bool {
	switch {
	case h.version == 4:
		return h.proto == protoIGMP
	case h.icmp:
		return h.kind >= 130 && h.kind <= 137 || h.kind == 143
	}
	return false
}

// answers reports whether the packet's source is by its nature the destination of another one.
func (h *headers) answers() bool {
	const syn, rst, ack = 2, 4, 16
	switch {
	case h.icmp && h.version == 6:
		return h.kind == 129
	case h.icmp:
		return h.kind == 0
	case h.proto == protoTCP:
		return h.flags&rst != 0 || h.flags&(syn|ack) == syn|ack
	}
	return false
}
