package engine

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"github.com/hextet/hextet/stack/offload"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// Link is the part of a public link that the engine drives.
type Link interface {
	MTU() int
	HardwareAddr() net.HardwareAddr
	ReadPackets(bufs [][]byte, sizes []int) (n int, err error)
	WritePackets(bufs [][]byte) (n int, err error)
	Close() error
}

// LinkCounters count what crossed a link, and what did not and why.
type LinkCounters struct {
	RxPackets, RxBytes, TxPackets, TxBytes atomic.Uint64

	RxRunt     atomic.Uint64 // shorter than the link-layer or the smallest IP header
	RxOther    atomic.Uint64 // Ethernet frames to another station
	RxUnknown  atomic.Uint64 // neither IPv4, IPv6 nor ARP
	RxOffload  atomic.Uint64 // offload information that contradicts the packet
	TxDropped  atomic.Uint64 // refused by the link, or without a link-layer destination
	TxOversize atomic.Uint64 // larger than the link's MTU
}

// LinkEndpoint drives a Link: one goroutine reads it, sends go out on the caller's.
type LinkEndpoint struct {
	Counters LinkCounters

	// Datagram, if it is not nil, takes datagrams ahead of gVisor's IP layer, after checks of its own
	// whether they are for this host. It reports whether it took one. It is set before Start.
	Datagram func(d *Datagram) bool

	link   Link
	off    offload.Link // the same, or nil if it has no offload
	wire   Wire         // the same, or nil if it is none
	mtu    uint32
	addr   tcpip.LinkAddress // empty: bare IP packets
	onFail func(error)

	disp    atomic.Pointer[stack.NetworkDispatcher]
	closing atomic.Bool
	started bool
	done    chan struct{}
	closed  sync.Once
}

var _ stack.LinkEndpoint = (*LinkEndpoint)(nil)

// NewLinkEndpoint wraps l. onFail is called once, from the reading goroutine, if l fails before it
// is closed.
func NewLinkEndpoint(l Link, onFail func(error)) *LinkEndpoint {
	off, _ := l.(offload.Link)
	wire, _ := l.(Wire)
	return &LinkEndpoint{
		link:   l,
		off:    off,
		wire:   wire,
		mtu:    uint32(l.MTU()),
		addr:   tcpip.LinkAddress(l.HardwareAddr()),
		onFail: onFail,
		done:   make(chan struct{}),
	}
}

// Start begins to read the link. The endpoint must be part of a NIC by then.
func (e *LinkEndpoint) Start() {
	e.started = true
	go e.readLoop()
}

// Stop closes the link and waits for the reader. It must not be called with a lock of gVisor's held,
// which is why it is not Close: gVisor calls that one under its own.
func (e *LinkEndpoint) Stop() error {
	var err error
	e.closed.Do(func() {
		e.closing.Store(true)
		err = e.link.Close()
		if e.started {
			<-e.done
		}
	})
	return err
}

const (
	// readBatchBytes bounds the memory that a reader pins.
	readBatchBytes = 32 << 10
	readBatchMax   = 16

	// A link that returns neither packets nor an error this often in a row is broken.
	emptyReadsMax = 1000
)

func (e *LinkEndpoint) readLoop() {
	defer close(e.done)
	read := e.read
	if e.off != nil {
		read = e.readOffload
	}
	if err := read(); !e.closing.Load() {
		e.onFail(err)
	}
}

// read delivers packets until the link fails or is closed.
func (e *LinkEndpoint) read() error {
	size := int(e.mtu) + header.EthernetMinimumSize
	most := min(max(readBatchBytes/size, 1), readBatchMax)
	bufs, sizes := [][]byte{make([]byte, size)}, make([]int, most)
	for empty := 0; ; {
		n, err := e.link.ReadPackets(bufs, sizes[:len(bufs)])
		if n < 0 || n > len(bufs) {
			return errors.Join(fmt.Errorf("link returned %d packets for %d buffers", n, len(bufs)), err)
		}
		for i := range n {
			if sizes[i] < 0 || sizes[i] > size {
				return fmt.Errorf("link returned a packet of %d bytes in a buffer of %d", sizes[i], size)
			}
			e.deliver(bufs[i][:sizes[i]])
		}
		if n == len(bufs) && n < most { // there may be more to read; an idle link is to cost little
			bufs = append(bufs, make([]byte, size))
		}
		switch {
		case err != nil:
			return err
		case n > 0:
			empty = 0
		default:
			if empty++; empty > emptyReadsMax {
				return errors.New("link keeps returning no packets and no error")
			}
		}
	}
}

// MTU implements stack.LinkEndpoint: the largest IP packet.
func (e *LinkEndpoint) MTU() uint32 { return e.mtu }

// LinkAddress implements stack.LinkEndpoint.
func (e *LinkEndpoint) LinkAddress() tcpip.LinkAddress { return e.addr }

// Capabilities implements stack.LinkEndpoint.
func (e *LinkEndpoint) Capabilities() stack.LinkEndpointCapabilities {
	if e.ethernet() {
		return stack.CapabilityResolutionRequired
	}
	return 0
}

// Attach implements stack.LinkEndpoint.
func (e *LinkEndpoint) Attach(d stack.NetworkDispatcher) {
	if d == nil {
		e.disp.Store(nil)
		return
	}
	e.disp.Store(&d)
}

// IsAttached implements stack.LinkEndpoint.
func (e *LinkEndpoint) IsAttached() bool { return e.disp.Load() != nil }

// ARPHardwareType implements stack.LinkEndpoint.
func (e *LinkEndpoint) ARPHardwareType() header.ARPHardwareType {
	if e.ethernet() {
		return header.ARPHardwareEther
	}
	return header.ARPHardwareNone
}

func (e *LinkEndpoint) ethernet() bool { return len(e.addr) != 0 }

// The remaining methods have nothing to do here: a link's MTU and address are its own, and Stop
// closes it.

func (e *LinkEndpoint) SetMTU(uint32)                    {}
func (e *LinkEndpoint) SetLinkAddress(tcpip.LinkAddress) {}
func (e *LinkEndpoint) Wait()                            {}
func (e *LinkEndpoint) Close()                           {}
func (e *LinkEndpoint) SetOnCloseAction(func())          {}
