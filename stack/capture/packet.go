package capture

import (
	"bytes"
	"fmt"
	"time"
)

// A Packet is one packet as it was seen on a link.
type Packet struct {
	// Time of capture. Written with nanoseconds since 1970; earlier times are
	// written as 1970, the format has no sign. Zero means now when writing.
	Time time.Time
	// Interface is the name of the link, as given to Writer.Tap.
	Interface string
	// LinkType says how Data begins. Zero means Raw when writing.
	LinkType LinkType
	// Direction as seen from the stack.
	Direction Direction
	// Data is the packet, cut to the snapshot length.
	Data []byte
	// Length is the packet's size on the link, in bytes. When writing, anything
	// below len(Data), so zero too, means len(Data).
	Length int
	// Comment is UTF-8 text for people; empty means none. When writing, what
	// exceeds 65,535 bytes is cut off.
	Comment string
}

// Clone returns a copy of p that shares no memory with it.
func (p Packet) Clone() Packet {
	p.Data = bytes.Clone(p.Data)
	return p
}

// String is one line: time, interface, direction, Summary and comment.
func (p Packet) String() string {
	s := fmt.Sprintf("%s %s %s %s", p.Time.UTC().Format("15:04:05.000000000"), p.Interface, p.Direction, Summary(p))
	if p.Comment != "" {
		s += fmt.Sprintf(" # %q", p.Comment)
	}
	return s
}

// A Direction tells a packet that the stack received from one that it sent. Its
// values are those of bits 0 and 1 of epb_flags (draft-ietf-opsawg-pcapng
// section 4.3.1).
type Direction uint8

const (
	Unknown  Direction = 0 // information not available
	Inbound  Direction = 1 // read from the link by the stack
	Outbound Direction = 2 // written to the link by the stack
)

// String returns "in", "out" or "?".
func (d Direction) String() string {
	switch d {
	case Inbound:
		return "in"
	case Outbound:
		return "out"
	}
	return "?"
}

// A LinkType is a number of the tcpdump.org registry of link-layer header types.
type LinkType uint16

const (
	Ethernet LinkType = 1   // LINKTYPE_ETHERNET: an Ethernet frame without its FCS
	Raw      LinkType = 101 // LINKTYPE_RAW: an IPv4 or IPv6 packet, told apart by its first nibble
)
