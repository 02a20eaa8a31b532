package tun

import (
	"encoding/binary"
	"fmt"

	"github.com/hextet/hextet/stack/offload"
)

// vnetLen is the length of struct virtio_net_hdr, which precedes each packet on a device with
// IFF_VNET_HDR, in the byte order of the machine:
//
//	u8 flags, gso_type; u16 hdr_len, gso_size, csum_start, csum_offset
const vnetLen = 10

// Values of its fields (OASIS Virtual I/O Device specification 1.2, section 5.1.6).
const (
	needsChecksum = 1 // in flags
	dataValid     = 2

	gsoNone = 0 // in gso_type
	gsoTCP4 = 1
	gsoTCP6 = 4
	gsoECN  = 0x80 // the segments' first has CWR
)

// parseVnet returns what the header in front of a packet says. network is where its IP header starts.
func parseVnet(h []byte, network int) (offload.Info, error) {
	info := offload.Info{Network: network}
	switch flags := h[0]; {
	case flags&needsChecksum != 0:
		info.Checksum = offload.Partial
		info.ChecksumStart = int(binary.NativeEndian.Uint16(h[6:]))
		info.ChecksumOffset = int(binary.NativeEndian.Uint16(h[8:]))
	case flags&dataValid != 0:
		info.Checksum = offload.Verified
	}
	switch gso := h[1] &^ gsoECN; gso {
	case gsoNone:
		return info, nil
	case gsoTCP4:
		info.Type = offload.TCP4
	case gsoTCP6:
		info.Type = offload.TCP6
	default:
		return info, fmt.Errorf("segments of type %#x, which was not asked for", gso)
	}
	info.SegmentSize = int(binary.NativeEndian.Uint16(h[4:]))
	return info, nil
}

// putVnet is its inverse, for a packet whose super-segment, if it is one, has headers of so many bytes
// and ends with cwr set.
func putVnet(h []byte, info offload.Info, headers int, cwr bool) {
	clear(h[:vnetLen])
	switch info.Checksum {
	case offload.Partial:
		h[0] = needsChecksum
		binary.NativeEndian.PutUint16(h[6:], uint16(info.ChecksumStart))
		binary.NativeEndian.PutUint16(h[8:], uint16(info.ChecksumOffset))
	case offload.Verified:
		h[0] = dataValid
	}
	switch info.Type {
	case offload.None:
		return
	case offload.TCP4:
		h[1] = gsoTCP4
	case offload.TCP6:
		h[1] = gsoTCP6
	}
	if cwr {
		h[1] |= gsoECN
	}
	binary.NativeEndian.PutUint16(h[2:], uint16(headers))
	binary.NativeEndian.PutUint16(h[4:], uint16(info.SegmentSize))
}
