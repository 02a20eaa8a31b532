package stack

import (
	"net"

	"github.com/hextet/hextet/stack/offload"
)

// A Link carries packets between a Stack and the world: one end of a Pipe, a TUN device, a tunnel.
//
// All methods may be called from several goroutines at once, except ReadPackets, which the stack
// calls from one. A link owns no buffer beyond a call: neither side keeps the slices of the other.
// (A Pipe between two stacks hands payload over by counted references, outside of these methods.)
type Link interface {
	// MTU is the size of the largest IP packet, in bytes. It does not change.
	MTU() int

	// HardwareAddr is the station's address on an Ethernet link, where packets are frames that
	// start with the destination address and carry no frame check sequence. nil means that packets
	// are bare IP packets. It does not change.
	HardwareAddr() net.HardwareAddr

	// ReadPackets blocks until there is at least one packet, then fills bufs[i][:sizes[i]] for
	// each i < n. The stack passes buffers of the MTU plus an Ethernet header. Any error ends the
	// interface; after Close it is one for which errors.Is(err, net.ErrClosed) holds.
	ReadPackets(bufs [][]byte, sizes []int) (n int, err error)

	// WritePackets sends bufs[:n] and reports how many it took. It must not block for longer than
	// a copy: a link queues, and drops what does not fit. The stack counts what was not taken. Its
	// locks are held, so a link must not call the stack here. Calls may still come after Close.
	WritePackets(bufs [][]byte) (n int, err error)

	// Close unblocks ReadPackets. Closing twice is no error.
	Close() error
}

// An OffloadLink takes TCP segments larger than the MTU, with the size to cut them to and an unfinished
// checksum, and may deliver such: see package offload, which also has what it takes to write one. A
// stack asks for the two methods when the link is attached, and from then on calls neither ReadPackets
// nor WritePackets. What the Link's methods promise holds for these: WriteOffload neither blocks nor
// calls the stack, and only one goroutine calls ReadOffload.
//
// On a link without them a stack cuts every segment itself, which costs a bulk transfer most of its
// speed.
type OffloadLink interface {
	Link
	ReadOffload(deliver func(offload.Packet)) error
	WriteOffload(pkts []offload.Packet) (n int, err error)
}

var _ offload.Link = OffloadLink(nil)
