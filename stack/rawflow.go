package stack

import (
	"maps"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hextet/hextet/icmp6/checksum"
	"github.com/hextet/hextet/stack/internal/convert"
	"github.com/hextet/hextet/stack/internal/engine"
	"gvisor.dev/gvisor/pkg/tcpip"
)

// maxRawFlows is how many destinations a socket remembers the way to.
const maxRawFlows = 256

// rawFlowKey is what the caller says about the way of a packet.
type rawFlowKey struct {
	dst    netip.Addr // with the zone that was given
	source netip.Addr // zero: chosen
	iface  int        // 0: chosen
	final  netip.Addr // where a Routing header leads to, if dst is the first segment; else zero
}

// rawFlow is the answer: the route and the source, good while the stack's generation and the socket's
// options stay what they were.
type rawFlow struct {
	key rawFlowKey
	opt *rawOptions
	gen uint64

	out      *engine.Output
	iface    int
	src, dst netip.Addr // without zones
	mtu      int        // of the path, as far as it is known
	hops     uint8      // for unicast: what a router advertised, or the default
	cut      int        // what is larger is sent in fragments of at most so much
	until    time.Time  // mtu is to be asked for again; zero: never
	sum      uint16     // of the pseudo-header, but for the length

	refs atomic.Int64 // of the cache, and of each send that is under way
}

func (f *rawFlow) fits(k rawFlowKey, o *rawOptions, gen uint64, now func() time.Time) bool {
	return f.gen == gen && f.opt == o && f.key == k && (f.until.IsZero() || now().Before(f.until))
}

// acquire takes a reference, unless the last one is gone.
func (f *rawFlow) acquire() bool {
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

func (f *rawFlow) release() {
	if f.refs.Add(-1) == 0 {
		f.out.Release()
	}
}

// rawFlows is a socket's cache of flows.
type rawFlows struct {
	last atomic.Pointer[rawFlow] // the flow of the latest packet, found without a lock

	mu     sync.Mutex
	closed bool
	gen    uint64
	opt    *rawOptions
	flows  map[rawFlowKey]*rawFlow // all of gen and opt
}

// flow returns the way of a packet; the caller releases it. A failure counts only if nothing changed
// meanwhile: a source may go away between its choice and its use.
func (c *rawSocket) flow(k rawFlowKey, o *rawOptions) (*rawFlow, error) {
	for {
		gen := c.s.gen.now() // first: what changes while a flow is looked up outdates it
		f, err := c.flowOf(k, o, gen)
		if err == nil || gen == c.s.gen.now() {
			return f, err
		}
	}
}

func (c *rawSocket) flowOf(k rawFlowKey, o *rawOptions, gen uint64) (*rawFlow, error) {
	if f := c.flows.last.Load(); f != nil && f.fits(k, o, gen, c.s.clock.Now) && f.acquire() {
		return f, nil
	}
	c.flows.mu.Lock()
	defer c.flows.mu.Unlock()
	c.flows.keep(gen, o)
	f := c.flows.flows[k]
	if f == nil || !f.fits(k, o, gen, c.s.clock.Now) {
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
func (c *rawSocket) newFlow(k rawFlowKey, o *rawOptions, gen uint64) (*rawFlow, error) {
	p, err := c.path(k, o)
	if err != nil {
		return nil, err
	}
	out, iface, err := p.find(c.s)
	if err != nil {
		return nil, err
	}
	f := &rawFlow{key: k, opt: o, gen: gen, out: out, iface: iface, src: out.Source(), dst: p.dst, mtu: out.MTU(), hops: out.HopLimit()}
	f.narrow(c.s.paths.lookup(c.s.clock.Now, p.dst, iface))
	if k.final.IsValid() { // Packet Too Big is taken to be about the path to there
		f.narrow(c.s.paths.lookup(c.s.clock.Now, k.final, iface))
	}
	f.cut = o.cut(f.dst, f.mtu)
	f.sum = checksum.PseudoHeader(f.src, f.dst, c.key.proto, 0)
	f.refs.Store(1)
	return f, nil
}

// narrow takes account of what is known of the path, or of a part of it.
func (f *rawFlow) narrow(known pathMTU) {
	if known.bytes == 0 || known.bytes >= f.mtu {
		return
	}
	f.mtu = known.bytes
	if f.until.IsZero() || known.until.Before(f.until) {
		f.until = known.until
	}
}

// keep drops flows that are not of this generation and these options; c.mu is held.
func (c *rawFlows) keep(gen uint64, o *rawOptions) {
	if c.gen != gen || c.opt != o {
		c.drop()
		c.gen, c.opt = gen, o
	}
}

// insert adds a flow, instead of any other when there are too many; c.mu is held.
func (c *rawFlows) insert(f *rawFlow) {
	if c.flows == nil {
		c.flows = make(map[rawFlowKey]*rawFlow)
	}
	victim := c.flows[f.key] // outdated, or nil
	if victim == nil && len(c.flows) >= maxRawFlows {
		for victim = range maps.Values(c.flows) {
			break
		}
	}
	if victim != nil {
		delete(c.flows, victim.key)
		victim.release()
	}
	c.flows[f.key] = f
}

// drop empties the cache; c.mu is held. A flow that is kept holds on to its address.
func (c *rawFlows) drop() {
	c.last.Store(nil)
	for k, f := range c.flows {
		delete(c.flows, k)
		f.release()
	}
}

// dropAll is drop for those who do not hold c.mu.
func (c *rawFlows) dropAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop()
}

// close is the last drop.
func (c *rawFlows) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.drop()
}

// find looks a path up in gVisor's routes.
func (p rawPath) find(s *Stack) (*engine.Output, int, error) {
	r, gverr := s.gv.FindRoute(tcpip.NICID(p.nic), convert.Addr(p.source), convert.Addr(p.dst), convert.Protocol(p.dst), p.loop)
	if gverr != nil {
		return nil, 0, p.unroutable(s, convert.Error(gverr))
	}
	iface := int(r.OutgoingNIC())
	i := s.byIndex(iface)
	if i == nil { // since it was found
		r.Release()
		return nil, 0, errNoInterface(iface)
	}
	out, gverr := engine.NewOutput(s.gv, i.ep, r)
	if gverr != nil {
		return nil, 0, p.unroutable(s, convert.Error(gverr))
	}
	return out, iface, nil
}
