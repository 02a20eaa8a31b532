// Package offload lets a stack hand a link one large TCP segment instead of forty small ones, and take
// one back, while everybody who looks in between still sees packets of the link's MTU with full
// checksums.
//
// A Packet is what crosses such a link: one IP packet or Ethernet frame, and the work that is left to
// do on it, as network cards and virtio have it. It may be a super-segment, which stands for a run of
// TCP segments of SegmentSize bytes each, and its transport checksum may be unfinished. Segments says
// what it stands for on the wire, without looking at the payload:
//
//	s, err := p.Segments() // checks p, too
//	...
//	for i := range s.Len() {
//		packet = s.Append(packet[:0], i) // the i-th packet on the wire, checksums complete
//	}
//
// # Runs
//
// What makes TCP in memory fast is that a receiver gets few packets, not that a sender builds few. A
// link that emulates a wire can therefore decide the fate of every single segment, record it or count
// it, and still pass on the segments that survive next to each other as one packet: AppendRun.
//
// # Writing a link
//
// Link is stack.Link with two more methods. A link that passes packets on to another one (a tap, an
// impairment) has them only if the other one has; a link that reaches a device without segmentation of
// its own may have them and cut in software, which is still cheaper than having the stack cut.
// Encapsulating links put their header in front as a piece of its own: no headroom is needed.
//
// # Trust
//
// Checksum says who vouches for the transport checksum. A super-segment has no checksum that could be
// verified as it stands, so whoever makes one has verified what it was made of (Verified), or made it
// himself (Partial). A link that damages packets on purpose damages what Append returned.
//
// The layouts are RFC 9293's, RFC 8200's and RFC 791's; the fields are those of struct virtio_net_hdr
// (OASIS Virtual I/O Device specification 1.2, section 5.1.6).
package offload
