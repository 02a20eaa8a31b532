package tun

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/hextet/hextet/stack/offload"
)

// native writes a virtio header field by field, in the byte order of the machine.
func native(flags, gso byte, fields ...uint16) []byte {
	b := []byte{flags, gso}
	for _, f := range fields {
		b = binary.NativeEndian.AppendUint16(b, f)
	}
	return b
}

// Every kind of header that the features asked for allow, field by field as the specification lists them.
var vnetCases = []struct {
	name    string
	header  []byte
	network int
	info    offload.Info
	headers int
	cwr     bool
}{
	{"plain", native(0, 0, 0, 0, 0, 0), 0, offload.Info{}, 0, false},
	{"validated", native(2, 0, 0, 0, 0, 0), 0, offload.Info{Checksum: offload.Verified}, 0, false},
	{"UDP without its sum", native(1, 0, 0, 0, 40, 6), 0, offload.Info{Checksum: offload.Partial, ChecksumStart: 40, ChecksumOffset: 6}, 0, false},
	{"TCP over IPv4", native(1, 1, 52, 1448, 20, 16), 0, offload.Info{Type: offload.TCP4, SegmentSize: 1448, Checksum: offload.Partial, ChecksumStart: 20, ChecksumOffset: 16}, 52, false},
	{"TCP over IPv6, CWR, TAP", native(1, 0x84, 86, 1428, 54, 16), 14, offload.Info{Type: offload.TCP6, SegmentSize: 1428, Network: 14, Checksum: offload.Partial, ChecksumStart: 54, ChecksumOffset: 16}, 86, true},
}

func TestVnetHeader(t *testing.T) {
	for _, tt := range vnetCases {
		if got, err := parseVnet(tt.header, tt.network); err != nil || got != tt.info {
			t.Errorf("%s: parsed %+v, %v, want %+v", tt.name, got, err, tt.info)
		}
		got := bytes.Repeat([]byte{0xee}, vnetLen)
		putVnet(got, tt.info, tt.headers, tt.cwr)
		if !bytes.Equal(got, tt.header) {
			t.Errorf("%s: % x, want % x", tt.name, got, tt.header)
		}
	}
	for _, gso := range []byte{3, 5, 0x83} { // UDP, UDP_L4
		if _, err := parseVnet(native(1, gso, 48, 1000, 40, 6), 0); err == nil || !strings.Contains(err.Error(), "not asked for") {
			t.Errorf("type %#x: %v", gso, err)
		}
	}
}
