package offload

import "net"

// MaxLen is the largest number of bytes in a Packet, without the link-layer header in front of the
// IP header: the length fields of IP have 16 bits.
const MaxLen = 65535

// A Type says what a super-segment is cut into.
type Type uint8

const (
	None Type = iota // the packet is one packet on the wire
	TCP4             // TCP over IPv4
	TCP6             // TCP over IPv6
)

// A Checksum says what is known about the transport checksum of a packet. The header checksum of
// IPv4 is always there.
type Checksum uint8

const (
	// Complete: it is as it was on the wire, and the receiver verifies it. A super-segment can't be.
	Complete Checksum = iota
	// Partial: the field holds the sum of the pseudo-header, not complemented, and the sum of the
	// bytes from ChecksumStart on is to be added. Those who made the packet vouch for its content.
	Partial
	// Verified: whoever passes the packet on found it right. In a super-segment the field itself
	// means nothing.
	Verified
)

// Info is the work left to do on a packet. The zero Info leaves none.
type Info struct {
	Type        Type
	SegmentSize int // payload bytes of every segment but the last; 0 without a Type
	Network     int // where the IP header starts: 0, or the length of the link-layer header

	Checksum       Checksum
	ChecksumStart  int // Partial: where the transport header starts
	ChecksumOffset int // Partial: where its checksum is, from there
}

// A Packet is one packet and what is left to do on it. Its bytes are those of Pieces, one after the
// other, of which the first holds all headers. A packet is borrowed for the call that passes it: who
// gets it neither keeps nor changes its pieces.
type Packet struct {
	Info
	Pieces [][]byte
}

// Len returns the number of bytes of p.
func (p *Packet) Len() int {
	n := 0
	for _, b := range p.Pieces {
		n += len(b)
	}
	return n
}

// A Link carries packets between a stack and the world, super-segments among them. The first five
// methods are those of stack.Link. Packets that are read by one pair of methods may have been written
// by the other.
type Link interface {
	MTU() int
	HardwareAddr() net.HardwareAddr
	ReadPackets(bufs [][]byte, sizes []int) (n int, err error)
	WritePackets(bufs [][]byte) (n int, err error)
	Close() error

	// ReadOffload blocks until there is at least one packet, then calls deliver for each that is
	// there, from this goroutine and in order. Errors are those of ReadPackets, after what could be
	// delivered. It is called instead of ReadPackets, from one goroutine.
	ReadOffload(deliver func(Packet)) error

	// WriteOffload sends packets as WritePackets does. n counts segments on the wire: that many
	// were taken, from the front; a link that is full may take the front of a super-segment. No
	// segment is larger than the MTU plus the link-layer header. A packet whose Info contradicts
	// its bytes is an error.
	WriteOffload(pkts []Packet) (n int, err error)
}
