package offload

import (
	"encoding/binary"

	"github.com/hextet/hextet/icmp6/checksum"
)

// TCP flags (RFC 9293 section 3.1).
const (
	flagFIN, flagSYN, flagRST, flagPSH, flagURG, flagCWR = 0x01, 0x02, 0x04, 0x08, 0x20, 0x80
)

// Segments are the packets on the wire that a Packet stands for. They borrow its pieces.
type Segments struct {
	p         Packet
	size      int // of p
	transport int // of a super-segment: where its TCP header starts
	payload   int // and where its payload does; otherwise both are 0
	n         int
}

// Segments checks p and returns what it stands for. Any error is an ErrMalformed.
func (p Packet) Segments() (Segments, error) {
	var head []byte
	if len(p.Pieces) > 0 {
		head = p.Pieces[0]
	}
	s := Segments{p: p, size: p.Len(), n: 1}
	var err error
	s.transport, s.payload, err = check(p.Info, head, s.size)
	if err != nil {
		return Segments{}, err
	}
	if data := s.size - s.payload; p.Type != None && data > 0 {
		s.n = (data-1)/p.SegmentSize + 1
	}
	return s, nil
}

// Len returns the number of packets on the wire: 1, unless the packet is a super-segment.
func (s *Segments) Len() int { return s.n }

// Headers returns the number of bytes of the headers of a super-segment, through TCP's, and 0 otherwise.
func (s *Segments) Headers() int { return s.payload }

// Bytes returns the number of bytes on the wire of all segments, link-layer headers included.
func (s *Segments) Bytes() int { return s.size + (s.n-1)*s.payload }

// BytesOf returns the number of bytes on the wire of the first n segments.
func (s *Segments) BytesOf(n int) int {
	if n == s.n {
		return s.Bytes()
	}
	return n * (s.payload + s.p.SegmentSize) // all full; n is 0 where there is but one
}

// Largest returns the number of bytes of the largest segment.
func (s *Segments) Largest() int {
	if s.n == 1 {
		return s.size
	}
	return s.payload + s.p.SegmentSize
}

// Append appends the i-th packet on the wire to b, its checksums complete. It panics unless i is
// less than Len.
func (s *Segments) Append(b []byte, i int) []byte {
	start := len(b)
	b, info := s.AppendRun(b, i, i+1)
	Finish(b[start:], info)
	return b
}

// AppendRun appends one packet to b that stands for the segments from first on and before end, and
// returns what is left to do on it. It panics unless first < end <= Len.
func (s *Segments) AppendRun(b []byte, first, end int) ([]byte, Info) {
	if first < 0 || first >= end || end > s.n {
		panic("offload: no such run of segments")
	}
	info := s.p.Info
	if info.Type == None {
		return s.appendAll(b), info
	}
	if first == 0 && end == s.n && info.Checksum == Partial {
		b = s.appendAll(b)
	} else {
		start := len(b)
		from := first * info.SegmentSize
		b = append(b, s.p.Pieces[0][:s.payload]...)
		b = s.appendPayload(b, from, min(end*info.SegmentSize, s.size-s.payload))
		s.rewrite(b[start:], first, from, end == s.n)
		info.Checksum, info.ChecksumStart, info.ChecksumOffset = Partial, s.transport, tcpChecksum
	}
	if end-first == 1 {
		info.Type, info.SegmentSize = None, 0
	}
	return b, info
}

func (s *Segments) appendAll(b []byte) []byte {
	for _, piece := range s.p.Pieces {
		b = append(b, piece...)
	}
	return b
}

// appendPayload appends the payload's bytes from from on and before to.
func (s *Segments) appendPayload(b []byte, from, to int) []byte {
	from, to = from+s.payload, to+s.payload
	for _, piece := range s.p.Pieces {
		if from < len(piece) && to > 0 {
			b = append(b, piece[max(from, 0):min(to, len(piece))]...)
		}
		from, to = from-len(piece), to-len(piece)
	}
	return b
}

// rewrite makes the headers of the whole, which b starts with, those of b: the segments from first
// on, whose payload was from bytes behind the whole's.
func (s *Segments) rewrite(b []byte, first, from int, last bool) {
	ip := b[s.p.Network:]
	if s.p.Type == TCP4 {
		n := s.transport - s.p.Network
		binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
		binary.BigEndian.PutUint16(ip[4:], binary.BigEndian.Uint16(ip[4:])+uint16(first))
		binary.BigEndian.PutUint16(ip[10:], 0)
		binary.BigEndian.PutUint16(ip[10:], ^checksum.Sum(ip[:n], 0))
	} else {
		binary.BigEndian.PutUint16(ip[4:], uint16(len(ip)-ip6Len))
	}
	h := b[s.transport:]
	binary.BigEndian.PutUint16(h[tcpChecksum:], s.pseudo(ip, len(h)))
	binary.BigEndian.PutUint32(h[tcpSequence:], binary.BigEndian.Uint32(h[tcpSequence:])+uint32(from))
	h[tcpFlags] = flags(h[tcpFlags], first == 0, last)
	if h[tcpFlags]&flagURG != 0 {
		moveUrgent(h, from)
	}
}

// pseudo returns the sum of the pseudo-header for a TCP header and payload of length bytes. What the
// sender left in the field is worth more than the addresses: behind a routing header the destination
// is another one.
func (s *Segments) pseudo(ip []byte, length int) uint16 {
	if s.p.Checksum == Partial {
		field := binary.BigEndian.Uint16(s.p.Pieces[0][s.transport+tcpChecksum:])
		was := s.size - s.transport
		return checksum.Combine(checksum.Combine(field, ^uint16(was)), uint16(length))
	}
	addrs := ip[8:40]
	if s.p.Type == TCP4 {
		addrs = ip[12:20]
	}
	return checksum.Sum(addrs, checksum.Combine(tcp, uint16(length)))
}

// flags returns the flags of a segment of a whole whose flags are f.
//
// RFC 1122 section 4.2.2.2: "MUST set the PSH bit in the last buffered segment (i.e., when there is no
// more queued data to be sent)." RFC 9293 section 3.1: "FIN: No more data from sender." Neither holds
// before the last.
//
// RFC 3168 section 6.1.2: "the TCP sender sets the CWR flag in the TCP header of the first new data
// packet sent after the window reduction."
func flags(f byte, first, last bool) byte {
	if !last {
		f &^= flagFIN | flagPSH
	}
	if !first {
		f &^= flagCWR
	}
	return f
}

// moveUrgent counts the urgent pointer from a sequence number that is from bytes further on.
//
// RFC 9293 section 3.1: "The urgent pointer points to the sequence number of the octet following the
// urgent data."
func moveUrgent(h []byte, from int) {
	up := int(binary.BigEndian.Uint16(h[tcpUrgent:]))
	if up <= from {
		h[tcpFlags] &^= flagURG
		up = from
	}
	binary.BigEndian.PutUint16(h[tcpUrgent:], uint16(up-from))
}

// Finish completes the checksum of a packet of one segment if it is Partial, in place. A UDP checksum
// of 0 becomes 0xffff.
//
// RFC 768: "If the computed checksum is zero, it is transmitted as all ones (the equivalent in one's
// complement arithmetic). An all zero transmitted checksum value means that the transmitter generated
// no checksum".
func Finish(packet []byte, info Info) {
	if info.Checksum != Partial {
		return
	}
	b := packet[info.ChecksumStart:]
	sum := ^checksum.Sum(b, 0)
	if sum == 0 && info.ChecksumOffset == udpChecksum {
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(b[info.ChecksumOffset:], sum)
}

// Where the checksum of UDP is. TCP's is elsewhere, and nothing else leaves its checksum to others.
const udpChecksum = 6
