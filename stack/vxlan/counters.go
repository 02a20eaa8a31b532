package vxlan

import "sync/atomic"

// Counters say what became of frames and their bytes, Ethernet headers included. A
// frame to several peers counts once for each.
type Counters struct {
	PacketsRead, BytesRead       uint64 // queued to be read
	PacketsWritten, BytesWritten uint64 // that the socket took
	Flooded                      uint64 // frames to all peers, of whom there was at least one

	// Received, and dropped.
	ForeignPeer   uint64 // not from a peer, with Segment.PeersOnly
	ReadInvalid   uint64 // the source address is a group or zero
	OwnFrame      uint64 // the source address is the link's own: a loop, or a double
	ReadVLAN      uint64 // a VLAN tag inside (RFC 7348 section 6.1)
	ReadTooLarge  uint64 // larger than the MTU
	ReadQueueFull uint64 // nobody reads fast enough, or any more
	NotLearned    uint64 // not dropped: the table of stations was full

	// To be sent, and dropped.
	WriteInvalid  uint64 // shorter than an Ethernet header
	WriteVLAN     uint64 // a VLAN tag inside
	WriteTooLarge uint64 // larger than the MTU
	WriteNoPeer   uint64 // to all peers, and there was none
	WriteErrors   uint64 // the socket refused
}

type counters struct {
	packetsRead, bytesRead, packetsWritten, bytesWritten, flooded                         atomic.Uint64
	foreignPeer, readInvalid, ownFrame, readVLAN, readTooLarge, readQueueFull, notLearned atomic.Uint64
	writeInvalid, writeVLAN, writeTooLarge, writeNoPeer, writeErrors                      atomic.Uint64
}

// Counters returns a snapshot; each number is exact, their sums may be a frame apart
// while frames move.
func (l *Link) Counters() Counters {
	c := &l.counters
	return Counters{
		PacketsRead: c.packetsRead.Load(), BytesRead: c.bytesRead.Load(),
		PacketsWritten: c.packetsWritten.Load(), BytesWritten: c.bytesWritten.Load(),
		Flooded:     c.flooded.Load(),
		ForeignPeer: c.foreignPeer.Load(), ReadInvalid: c.readInvalid.Load(), OwnFrame: c.ownFrame.Load(),
		ReadVLAN: c.readVLAN.Load(), ReadTooLarge: c.readTooLarge.Load(), ReadQueueFull: c.readQueueFull.Load(),
		NotLearned:   c.notLearned.Load(),
		WriteInvalid: c.writeInvalid.Load(), WriteVLAN: c.writeVLAN.Load(), WriteTooLarge: c.writeTooLarge.Load(),
		WriteNoPeer: c.writeNoPeer.Load(), WriteErrors: c.writeErrors.Load(),
	}
}
