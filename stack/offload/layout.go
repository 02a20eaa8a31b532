package offload

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/hextet/hextet/icmp6/checksum"
)

// ErrMalformed is what a packet's error is when its Info contradicts its bytes.
var ErrMalformed = errors.New("offload: malformed packet")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// Protocol numbers, and the sizes and offsets of header fields in bytes.
const (
	hopByHop, tcp, routing, destination = 0, 6, 43, 60

	ip4Min, ip6Len, tcpMin = 20, 40, 20

	tcpSequence, tcpOffset, tcpFlags, tcpChecksum, tcpUrgent = 4, 12, 13, 16, 18

	maxLinkHeader = 18 // Ethernet with a VLAN tag
)

// check verifies that info fits a packet of size bytes whose headers are in head, and returns where
// the TCP header of a super-segment starts and where its payload does.
func check(info Info, head []byte, size int) (transport, payload int, err error) {
	switch {
	case info.Network < 0 || info.Network > maxLinkHeader:
		return 0, 0, malformed("an IP header at byte %d", info.Network)
	case info.Checksum > Verified:
		return 0, 0, malformed("checksum state %d", info.Checksum)
	case size > info.Network+MaxLen:
		return 0, 0, malformed("%d bytes", size)
	}
	if info.Type == None {
		return 0, 0, checkSingle(info, head, size)
	}
	switch {
	case info.Checksum == Complete:
		return 0, 0, malformed("a super-segment for whose checksum nobody vouches")
	case info.SegmentSize < 1 || info.SegmentSize > MaxLen:
		return 0, 0, malformed("segments of %d bytes", info.SegmentSize)
	case len(head) < info.Network:
		return 0, 0, malformed("%d bytes of headers", len(head))
	}
	transport, err = tcpStart(info, head[info.Network:], size-info.Network)
	if err != nil {
		return 0, 0, err
	}
	transport += info.Network
	if info.Checksum == Partial && (info.ChecksumStart != transport || info.ChecksumOffset != tcpChecksum) {
		return 0, 0, malformed("a checksum at %d+%d, but the TCP header is at %d", info.ChecksumStart, info.ChecksumOffset, transport)
	}
	payload, err = tcpEnd(head, transport)
	return transport, payload, err
}

// checkSingle verifies that the checksum field is where it can be filled in.
func checkSingle(info Info, head []byte, size int) error {
	switch {
	case info.SegmentSize != 0:
		return malformed("segments of %d bytes, but of no type", info.SegmentSize)
	case info.Checksum != Partial:
		return nil
	case info.ChecksumStart < info.Network+ip4Min || info.ChecksumStart > size || info.ChecksumOffset < 0 || info.ChecksumOffset > size,
		info.ChecksumStart+info.ChecksumOffset+2 > min(len(head), size):
		return malformed("a checksum at %d+%d in %d bytes, of which %d are headers", info.ChecksumStart, info.ChecksumOffset, size, len(head))
	}
	return nil
}

// tcpStart returns where the TCP header starts in an IP packet of size bytes.
func tcpStart(info Info, ip []byte, size int) (int, error) {
	if info.Type == TCP4 {
		return tcpStart4(ip, size)
	}
	if info.Type == TCP6 {
		return tcpStart6(ip, size, info.Checksum)
	}
	return 0, malformed("segments of type %d", info.Type)
}

func tcpStart4(ip []byte, size int) (int, error) {
	if len(ip) < ip4Min || ip[0]>>4 != 4 {
		return 0, malformed("no IPv4 header")
	}
	n := int(ip[0]&0xf) * 4
	total := int(binary.BigEndian.Uint16(ip[2:]))
	switch {
	case n < ip4Min || n > len(ip):
		return 0, malformed("an IPv4 header of %d bytes", n)
	case total != size:
		return 0, malformed("an IPv4 total length of %d bytes in %d", total, size)
	case ip[9] != tcp:
		return 0, malformed("protocol %d, which is not TCP", ip[9])
	case binary.BigEndian.Uint16(ip[6:])&0x3fff != 0: // all but "don't fragment"
		return 0, malformed("a fragment")
	case checksum.Sum(ip[:n], 0) != 0xffff:
		return 0, malformed("a wrong IPv4 header checksum")
	}
	return n, nil
}

func tcpStart6(ip []byte, size int, sum Checksum) (int, error) {
	if len(ip) < ip6Len || ip[0]>>4 != 6 {
		return 0, malformed("no IPv6 header")
	}
	if n := int(binary.BigEndian.Uint16(ip[4:])); n != size-ip6Len {
		return 0, malformed("an IPv6 payload length of %d bytes in %d", n, size)
	}
	next, n := int(ip[6]), ip6Len
	for next != tcp {
		switch {
		case next != hopByHop && next != destination && next != routing:
			return 0, malformed("next header %d, which is not TCP", next)
		case next == routing && sum == Verified:
			return 0, malformed("a routing header, behind which the pseudo-header is not known")
		case n+8 > len(ip):
			return 0, malformed("extension headers of more than %d bytes", len(ip))
		}
		next, n = int(ip[n]), n+8*(1+int(ip[n+1]))
	}
	return n, nil
}

// tcpEnd returns where the TCP header ends that starts at transport.
func tcpEnd(head []byte, transport int) (int, error) {
	if transport+tcpMin > len(head) {
		return 0, malformed("no TCP header at %d in %d bytes", transport, len(head))
	}
	h := head[transport:]
	n := int(h[tcpOffset]>>4) * 4
	switch {
	case n < tcpMin || n > len(h):
		return 0, malformed("a TCP header of %d bytes", n)
	case h[tcpFlags]&(flagSYN|flagRST) != 0:
		return 0, malformed("TCP flags %#02x on a super-segment", h[tcpFlags])
	}
	return transport + n, nil
}
