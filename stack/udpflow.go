package stack

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hextet/hextet/icmp6/checksum"
	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gvisor "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// maxUDPFlows is how many destinations a socket remembers the way to.
const maxUDPFlows = 256

// udpFlowKey is what the caller says about the way of a datagram.
type udpFlowKey struct {
	dst    netip.Addr // with the zone that was given
	source netip.Addr // zero: chosen
	iface  int        // 0: chosen
}

// udpFlow is the answer: the route and the source, good while the stack's generation and the socket's
// options stay what they were.
type udpFlow struct {
	key udpFlowKey
	opt *udpOptions
	gen uint64

	route     *gvisor.Route
	iface     int
	src       netip.Addr
	multicast bool
	sum       uint16 // of the pseudo-header, but for the length

	refs atomic.Int64 // of the cache, and of each send that is under way
}

// acquire takes a reference, unless the last one is gone.
func (f *udpFlow) acquire() bool {
	for {
		n := f.refs.Load()
		if n == 0 {
			return false
		}
		if f.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (f *udpFlow) release() {
	if f.refs.Add(-1) == 0 {
		f.route.Release()
	}
}

// udpFlows is a socket's cache of flows.
type udpFlows struct {
	last atomic.Pointer[udpFlow] // the flow of the latest datagram, found without a lock

	mu     sync.Mutex
	closed bool
	gen    uint64
	opt    *udpOptions
	flows  map[udpFlowKey]*udpFlow // all of gen and opt
}

// flow returns the way of a datagram; the caller releases it.
func (c *UDPConn) flow(k udpFlowKey, o *udpOptions) (*udpFlow, error) {
	gen := c.s.gen.now() // first: what changes while a flow is looked up outdates it
	if f := c.flows.last.Load(); f != nil && f.gen == gen && f.opt == o && f.key == k && f.acquire() {
		return f, nil
	}
	c.flows.mu.Lock()
	defer c.flows.mu.Unlock()
	c.flows.keep(gen, o)
	f := c.flows.flows[k]
	if f == nil {
		var err error
		if f, err = c.newFlow(k, o, gen); err != nil {
			return nil, err
		}
		c.flows.insert(f)
	}
	f.refs.Add(1)
	c.flows.last.Store(f)
	if c.flows.closed {
		c.flows.drop()
	}
	return f, nil
}

// newFlow looks a flow up. Its one reference is the cache's.
func (c *UDPConn) newFlow(k udpFlowKey, o *udpOptions, gen uint64) (*udpFlow, error) {
	if c.remote.IsValid() && k.iface == c.peer.iface {
		if err := c.s.errDown(k.iface, c.peerName); err != nil {
			return nil, err
		}
	}
	iface, err := c.outgoing(k, o)
	if err != nil {
		return nil, err
	}
	dst, source := k.dst.WithZone(""), k.source
	if !source.IsValid() && !c.local.IsMulticast() && c.local != broadcast4 {
		source = c.local
	}
	if source.IsValid() {
		if err := c.checkSource(source, dst, iface); err != nil {
			return nil, err
		}
	}
	r, gverr := c.s.gv.FindRoute(tcpip.NICID(iface), convert.Addr(source), convert.Addr(dst), convert.Protocol(dst), o.loop)
	if gverr != nil {
		return nil, c.unroutable(dst, source, iface, convert.Error(gverr))
	}
	f := &udpFlow{
		key: k, opt: o, gen: gen,
		route:     r,
		iface:     int(r.OutgoingNIC()),
		src:       convert.NetAddr(r.LocalAddress()),
		multicast: dst.IsMulticast(),
	}
	f.sum = checksum.PseudoHeader(f.src, dst, uint8(header.UDPProtocolNumber), 0)
	f.refs.Store(1)
	return f, nil
}

var broadcast4 = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// outgoing returns the interface that the destination's zone, the caller and the socket agree on; 0 if
// nothing says one.
func (c *UDPConn) outgoing(k udpFlowKey, o *udpOptions) (int, error) {
	nic := c.iface
	agree := func(other int, what string) error {
		if nic != 0 && nic != other {
			return fmt.Errorf("%s names interface %q, but the socket is bound to %q: %w", what, c.s.zoneName(other), c.s.zoneName(nic), syscall.EINVAL)
		}
		nic = other
		return nil
	}
	if k.dst.Zone() != "" {
		i, err := c.s.zoneInterface(k.dst)
		if err == nil {
			err = agree(i.index, fmt.Sprintf("destination %v", k.dst))
		}
		if err != nil {
			return 0, err
		}
	}
	if k.iface != 0 {
		if c.s.byIndex(k.iface) == nil {
			return 0, fmt.Errorf("there is no interface with index %d: %w", k.iface, syscall.ENODEV)
		}
		if err := agree(k.iface, "the control message"); err != nil {
			return 0, err
		}
	}
	switch {
	case nic != 0:
	case k.dst.IsMulticast():
		nic = o.multicastIf
	case k.dst == broadcast4:
		// No route leads there: as multicast does, it leaves by the oldest interface.
		if nic = o.multicastIf; nic == 0 {
			for _, i := range c.s.Interfaces() {
				return i.index, nil
			}
		}
	case k.dst.Is6() && k.dst.IsLinkLocalUnicast():
		return 0, errZone(k.dst)
	}
	return nic, nil
}

// checkSource refuses a source that is not the host's, or not the interface's.
func (c *UDPConn) checkSource(source, dst netip.Addr, iface int) error {
	if source.Is4() != dst.Is4() {
		return fmt.Errorf("%v is of another family than the source %v: %w", dst, source, syscall.EAFNOSUPPORT)
	}
	var only *Interface
	if iface != 0 {
		if only = c.s.byIndex(iface); only == nil {
			return c.s.errDown(iface, fmt.Sprint(iface))
		}
	}
	if _, err := c.s.localInterface(source, only); err != nil {
		return err
	}
	return c.s.keepLoopback(source, dst)
}

// unroutable says why there is no route, or no source for it.
func (c *UDPConn) unroutable(dst, source netip.Addr, iface int, err error) error {
	if i := c.s.byIndex(iface); i != nil && i.Err() != nil {
		return c.s.errDown(iface, i.name)
	}
	if source.IsValid() {
		return fmt.Errorf("no route to %v from %v: %w", dst, source, err)
	}
	if iface != 0 && dst.Is6() {
		dst = dst.WithZone(c.s.zoneName(iface))
	}
	return c.s.sourceError(dst, err)
}

// keep drops flows that are not of this generation and these options; c.mu is held.
func (c *udpFlows) keep(gen uint64, o *udpOptions) {
	if c.gen != gen || c.opt != o {
		c.drop()
		c.gen, c.opt = gen, o
	}
}

// insert adds a flow, instead of any other when there are too many; c.mu is held.
func (c *udpFlows) insert(f *udpFlow) {
	if c.flows == nil {
		c.flows = make(map[udpFlowKey]*udpFlow)
	}
	if len(c.flows) >= maxUDPFlows {
		for k, victim := range c.flows {
			delete(c.flows, k)
			victim.release()
			break
		}
	}
	c.flows[f.key] = f
}

// drop empties the cache; c.mu is held. A flow that is kept holds on to its address.
func (c *udpFlows) drop() {
	c.last.Store(nil)
	for k, f := range c.flows {
		delete(c.flows, k)
		f.release()
	}
}

// close is the last drop.
func (c *udpFlows) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.drop()
}
