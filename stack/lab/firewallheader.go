package lab

import (
	"encoding/binary"
	"net/netip"
)

// wireHeader is what a firewall looks at in a frame. Without a source it is not IP, or not to be understood.
type wireHeader struct {
	src, dst         netip.Addr
	proto            uint8 // of the payload
	hopLimit         uint8
	payload          []byte // past all headers of IP; of a later fragment, its part
	hasPorts         bool
	srcPort, dstPort uint16
	neighbor         bool // ARP, or NDP
}

// readHeader reads an Ethernet frame.
func readHeader(frame []byte) wireHeader {
	if len(frame) < 14 {
		return wireHeader{}
	}
	switch b := frame[14:]; binary.BigEndian.Uint16(frame[12:]) {
	case etherARP:
		return wireHeader{neighbor: true}
	case etherIPv4:
		return readIPv4(b)
	case etherIPv6:
		return readIPv6(b)
	}
	return wireHeader{}
}

func readIPv4(b []byte) wireHeader {
	if len(b) < 20 || b[0]>>4 != 4 {
		return wireHeader{}
	}
	n, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if n < 20 || total < n || total > len(b) {
		return wireHeader{}
	}
	h := wireHeader{
		src: netip.AddrFrom4([4]byte(b[12:])), dst: netip.AddrFrom4([4]byte(b[16:])),
		proto: b[9], hopLimit: b[8], payload: b[n:total],
	}
	if binary.BigEndian.Uint16(b[6:])&0x1fff == 0 {
		h.ports()
	}
	return h
}

func readIPv6(b []byte) wireHeader {
	if len(b) < 40 || b[0]>>4 != 6 {
		return wireHeader{}
	}
	end := 40 + int(binary.BigEndian.Uint16(b[4:]))
	if end > len(b) {
		return wireHeader{}
	}
	h := wireHeader{
		src: netip.AddrFrom16([16]byte(b[8:])), dst: netip.AddrFrom16([16]byte(b[24:])),
		proto: b[6], hopLimit: b[7], payload: b[40:end],
	}
	first := true
	for first {
		var more bool
		if more, first = h.skipExtension(); !more {
			break
		}
	}
	if first {
		h.ports()
		h.neighbor = h.proto == protoICMP6 && len(h.payload) > 0 && h.payload[0] >= 133 && h.payload[0] <= 137
	}
	return h
}

// skipExtension goes past one extension header (RFC 8200 section 4), if there is a whole one. first is false
// behind the Fragment header of a later fragment.
func (h *wireHeader) skipExtension() (more, first bool) {
	if len(h.payload) < 8 {
		return false, true
	}
	n := 8 + 8*int(h.payload[1])
	first = true
	switch h.proto {
	case 0, 43, 60, 135: // Hop-by-Hop, Routing, Destination Options, Mobility
	case 44:
		n, first = 8, binary.BigEndian.Uint16(h.payload[2:])&^7 == 0
	case 51: // Authentication Header, which counts in words of 4 bytes (RFC 4302 section 2.2)
		n = 8 + 4*int(h.payload[1])
	default:
		return false, true
	}
	if n > len(h.payload) {
		return false, true
	}
	h.proto, h.payload = h.payload[0], h.payload[n:]
	return true, first
}

// ports reads the ports of a payload that begins with them.
func (h *wireHeader) ports() {
	switch h.proto {
	case 6, 17, 33, 132, 136: // TCP, UDP, DCCP, SCTP, UDP-Lite
		if len(h.payload) >= 4 {
			h.hasPorts = true
			h.srcPort, h.dstPort = binary.BigEndian.Uint16(h.payload), binary.BigEndian.Uint16(h.payload[2:])
		}
	}
}
