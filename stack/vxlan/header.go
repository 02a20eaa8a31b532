package vxlan

import "encoding/binary"

const (
	headerLen   = 8
	ethernetLen = 14
	maxVNI      = 1<<24 - 1
	flagVNI     = 0x08 // I
)

// RFC 7348 section 5:
//
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|R|R|R|R|I|R|R|R|            Reserved                           |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                VXLAN Network Identifier (VNI) |   Reserved    |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

// appendHeader appends the header of a segment to b.
func appendHeader(b []byte, vni uint32) []byte {
	return binary.BigEndian.AppendUint32(append(b, flagVNI, 0, 0, 0), vni<<8)
}

// parse splits a UDP payload into the VNI and the frame. It is not ok if the payload
// is too short for an Ethernet header, or has no VNI.
//
// RFC 7348 section 5: "the I flag MUST be set to 1 for a valid VXLAN Network ID
// (VNI). The other 7 bits (designated "R") are reserved fields and MUST be set to
// zero on transmission and ignored on receipt."
func parse(payload []byte) (vni uint32, frame []byte, ok bool) {
	if len(payload) < headerLen+ethernetLen || payload[0]&flagVNI == 0 {
		return 0, nil, false
	}
	return binary.BigEndian.Uint32(payload[4:]) >> 8, payload[headerLen:], true
}

// A station is the address of a network card.
type station [6]byte

func destinationOf(frame []byte) station { return station(frame[:6]) }
func sourceOf(frame []byte) station      { return station(frame[6:12]) }

// group says whether frames to s go to many: broadcast is the group of all.
func (s station) group() bool { return s[0]&1 != 0 }

// tagged says whether the frame has a VLAN tag, of 802.1Q or 802.1ad.
func tagged(frame []byte) bool {
	etherType := binary.BigEndian.Uint16(frame[12:])
	return etherType == 0x8100 || etherType == 0x88a8
}
