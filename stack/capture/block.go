package capture

import (
	"encoding/binary"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// Block types, option codes and constants of draft-ietf-opsawg-pcapng. The
// writer is our own because pcapgo.NgWriter of google/gopacket has no options
// on packets: it can write neither a comment nor a direction.
const (
	blockSection   = 0x0A0D0D0A // section 4.1
	blockInterface = 1          // section 4.2
	blockPacket    = 6          // section 4.3

	byteOrderMagic = 0x1A2B3C4D

	optEnd         = 0 // section 3.5
	optComment     = 1
	optApplication = 4 // shb_userappl
	optName        = 2 // if_name
	optTimeUnits   = 9 // if_tsresol
	optTimeOffset  = 14
	optFlags       = 2 // epb_flags

	nanoseconds = 9 // if_tsresol: 10^-9 s

	// Wireshark refuses packets above this size and takes it as the snapshot
	// length of files that name none.
	maxSnapLen = 262144
)

// appendSection appends the Section Header Block.
//
// "If the Section Length is -1 (0xFFFFFFFFFFFFFFFF), this means that the size
// of the section is not specified": it is not known while writing a stream.
func appendSection(b []byte, application string) []byte {
	b, start := openBlock(b, blockSection)
	b = binary.LittleEndian.AppendUint32(b, byteOrderMagic)
	b = binary.LittleEndian.AppendUint16(b, 1) // major version
	b = binary.LittleEndian.AppendUint16(b, 0) // minor version
	b = binary.LittleEndian.AppendUint64(b, 1<<64-1)
	b = appendText(b, optApplication, application)
	return closeBlock(b, start)
}

// appendInterface appends an Interface Description Block.
func appendInterface(b []byte, name string, t LinkType, snapLen int) []byte {
	b, start := openBlock(b, blockInterface)
	b = binary.LittleEndian.AppendUint16(b, uint16(t))
	b = binary.LittleEndian.AppendUint16(b, 0) // reserved
	b = binary.LittleEndian.AppendUint32(b, uint32(snapLen))
	b = appendText(b, optName, name)
	b = appendOption(b, optTimeUnits, []byte{nanoseconds})
	return closeBlock(b, start)
}

// appendPacket appends an Enhanced Packet Block for p, whose Data is already cut
// to the snapshot length.
//
// "Timestamps in Enhanced Packet Blocks are saved as two 32-bit words that
// represent the upper and lower 32 bits of a single 64-bit quantity", so it is
// not a little-endian 64-bit number.
func appendPacket(b []byte, id uint32, p Packet) []byte {
	ns := timestamp(p.Time)
	b, start := openBlock(b, blockPacket)
	b = binary.LittleEndian.AppendUint32(b, id)
	b = binary.LittleEndian.AppendUint32(b, uint32(ns>>32))
	b = binary.LittleEndian.AppendUint32(b, uint32(ns))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(p.Data)))
	b = binary.LittleEndian.AppendUint32(b, uint32(max(p.Length, len(p.Data))))
	b = pad(append(b, p.Data...), len(p.Data))
	if p.Direction != Unknown {
		b = appendOption(b, optFlags, binary.LittleEndian.AppendUint32(nil, uint32(p.Direction&3)))
	}
	b = appendText(b, optComment, p.Comment)
	return closeBlock(b, start)
}

// timestamp counts nanoseconds since 1970, at the ends of its range where t is
// beyond them (1970 and 2262).
func timestamp(t time.Time) uint64 {
	switch {
	case t.Before(time.Unix(0, 0)):
		return 0
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return uint64(t.UnixNano())
}

// openBlock begins a block whose length closeBlock will know.
func openBlock(b []byte, blockType uint32) (_ []byte, start int) {
	start = len(b)
	b = binary.LittleEndian.AppendUint32(b, blockType)
	return binary.LittleEndian.AppendUint32(b, 0), start
}

// closeBlock ends the options and sets both copies of the Block Total Length.
//
// "Code that writes pcapng files MUST put an opt_endofopt option at the end of
// an option list."
func closeBlock(b []byte, start int) []byte {
	b = binary.LittleEndian.AppendUint32(b, optEnd)
	total := uint32(len(b) - start + 4)
	binary.LittleEndian.PutUint32(b[start+4:], total)
	return binary.LittleEndian.AppendUint32(b, total)
}

func appendOption(b []byte, code uint16, value []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	return pad(append(b, value...), len(value))
}

// appendText appends a string option; none when s is empty.
func appendText(b []byte, code uint16, s string) []byte {
	if s == "" {
		return b
	}
	return appendOption(b, code, []byte(optionText(s)))
}

// optionText makes s fit an option: valid UTF-8 of at most 65,535 bytes, and no
// zero byte, since readers "MUST treat a zero-value octet as a string
// terminator".
func optionText(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) <= 0xFFFF {
		return s
	}
	n := 0xFFFF
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// pad fills up to 32 bits after n bytes. "The alignment octets [...] MUST be
// filled with zeroes."
func pad(b []byte, n int) []byte {
	return append(b, make([]byte, -n&3)...)
}
