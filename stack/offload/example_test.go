package offload_test

import (
	"fmt"

	"github.com/hextet/hextet/stack/offload"
)

// A wire that loses a segment of three still passes the others on, here as two packets. The packet
// comes from a stack, or from a device.
func ExampleSegments_AppendRun() {
	p := superSegment("now is the time for all good men")
	s, err := p.Segments()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Len(), "segments,", s.Bytes(), "bytes on the wire")
	for _, run := range [][2]int{{0, 1}, {2, 4}} { // the second is lost
		b, info := s.AppendRun(nil, run[0], run[1])
		fmt.Printf("%q in segments of %d\n", b[60:], info.SegmentSize)
	}
	// Output:
	// 4 segments, 272 bytes on the wire
	// "now is t" in segments of 0
	// "for all good men" in segments of 8
}

// What is on the wire is complete, down to the checksum.
func ExampleSegments_Append() {
	p := superSegment("now is the time for all good men")
	s, err := p.Segments()
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range s.Len() {
		b := s.Append(nil, i)
		fmt.Printf("sequence %2d, checksum %x, %q\n", b[47], b[56:58], b[60:])
	}
	// Output:
	// sequence  0, checksum 4056, "now is t"
	// sequence  8, checksum 585e, "he time "
	// sequence 16, checksum 09a1, "for all "
	// sequence 24, checksum 5306, "good men"
}

// superSegment is an IPv6 packet with a TCP header and data, to be sent 8 bytes at a time.
func superSegment(data string) offload.Packet {
	b := make([]byte, 60, 60+len(data))
	b[0], b[5], b[6], b[52], b[53] = 0x60, byte(20+len(data)), 6, 5<<4, 0x10
	b[57] = byte(6 + 20 + len(data)) // the sum of a pseudo-header with addresses of zeros
	return offload.Packet{
		Info:   offload.Info{Type: offload.TCP6, SegmentSize: 8, Checksum: offload.Partial, ChecksumStart: 40, ChecksumOffset: 16},
		Pieces: [][]byte{b, []byte(data)},
	}
}
