package stack

import (
	"maps"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hextet/hextet/icmp6/checksum"
	"github.com/hextet/hextet/stack/internal/engine"
)

// maxFlows is how many destinations a socket remembers the way to.
const maxFlows = 256

// flowKey is what the caller says about the way of a packet.
type flowKey struct {
	dst    netip.Addr // with the zone that was given
	source netip.Addr // zero: chosen
	iface  int        // 0: chosen
	final  netip.Addr // where a Routing header leads to, if dst is the first segment; else zero
}

// flow is the answer: the route and the source, good while the stack's generation and the socket's
// options stay what they were.
type flow struct {
	key flowKey
	opt *sendOptions
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

func (f *flow) fits(k flowKey, o *sendOptions, gen uint64, now func() time.Time) bool {
	return f.gen == gen && f.opt == o && f.key == k && (f.until.IsZero() || now().Before(f.until))
}

// acquire takes a reference, unless the last one is gone.
func (f *flow) acquire() bool {
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

func (f *flow) release() {
	if f.refs.Add(-1) == 0 {
		f.out.Release()
	}
}

// narrow takes account of what is known of the path, or of a part of it.
func (f *flow) narrow(known pathMTU) {
	if known.bytes == 0 || known.bytes >= f.mtu {
		return
	}
	f.mtu = known.bytes
	if f.until.IsZero() || known.until.Before(f.until) {
		f.until = known.until
	}
}

// flowCache is what a socket remembers of the ways to where it sent.
type flowCache struct {
	s     *Stack
	proto uint8

	last atomic.Pointer[flow] // of the latest packet, found without a lock

	mu     sync.Mutex
	closed bool
	gen    uint64
	opt    *sendOptions
	flows  map[flowKey]*flow // all of gen and opt
}

// get returns the way of a packet; the caller releases it. find says how the packet is to leave when
// that is not remembered. A failure counts only if nothing changed meanwhile: a source may go away
// between its choice and its use.
func (c *flowCache) get(k flowKey, o *sendOptions, find func() (sendPath, error)) (*flow, error) {
	for {
		gen := c.s.gen.now() // first: what changes while a flow is looked up outdates it
		if f := c.last.Load(); f != nil && f.fits(k, o, gen, c.s.clock.Now) && f.acquire() {
			return f, nil
		}
		f, err := c.lookup(k, o, gen, find)
		if err == nil || gen == c.s.gen.now() {
			return f, err
		}
	}
}

func (c *flowCache) lookup(k flowKey, o *sendOptions, gen uint64, find func() (sendPath, error)) (*flow, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(gen, o)
	f := c.flows[k]
	if f == nil || !f.fits(k, o, gen, c.s.clock.Now) {
		p, err := find()
		if err != nil {
			return nil, err
		}
		if f, err = c.newFlow(k, o, gen, p); err != nil {
			return nil, err
		}
		c.insert(f)
	}
	f.refs.Add(1)
	c.last.Store(f)
	if c.closed {
		c.drop()
	}
	return f, nil
}

// newFlow looks a flow up. Its one reference is the cache's.
func (c *flowCache) newFlow(k flowKey, o *sendOptions, gen uint64, p sendPath) (*flow, error) {
	out, iface, err := p.find(c.s)
	if err != nil {
		return nil, err
	}
	f := &flow{key: k, opt: o, gen: gen, out: out, iface: iface, src: out.Source(), dst: p.dst, mtu: out.MTU(), hops: out.HopLimit()}
	f.narrow(c.s.paths.lookup(c.s.clock.Now, p.dst, iface))
	if k.final.IsValid() { // Packet Too Big is taken to be about the path to there
		f.narrow(c.s.paths.lookup(c.s.clock.Now, k.final, iface))
	}
	f.cut = o.cut(f.dst, f.mtu)
	f.sum = checksum.PseudoHeader(f.src, f.dst, c.proto, 0)
	f.refs.Store(1)
	return f, nil
}

// keep drops flows that are not of this generation and these options; c.mu is held.
func (c *flowCache) keep(gen uint64, o *sendOptions) {
	if c.gen != gen || c.opt != o {
		c.drop()
		c.gen, c.opt = gen, o
	}
}

// insert adds a flow, instead of any other when there are too many; c.mu is held.
func (c *flowCache) insert(f *flow) {
	if c.flows == nil {
		c.flows = make(map[flowKey]*flow)
	}
	victim := c.flows[f.key] // outdated, or nil
	if victim == nil && len(c.flows) >= maxFlows {
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
func (c *flowCache) drop() {
	c.last.Store(nil)
	for k, f := range c.flows {
		delete(c.flows, k)
		f.release()
	}
}

// dropAll is drop for those who do not hold c.mu.
func (c *flowCache) dropAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop()
}

// close is the last drop.
func (c *flowCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.drop()
}

// dropFlows makes the sockets let go of what they keep of the way to destinations. It is outdated already;
// but a socket that sends no more would hold on to addresses and interfaces that are about to go, and an
// address that is held keeps its prefix in gVisor when it is added again.
func (s *Stack) dropFlows() {
	for _, cs := range *s.raw.table.Load() {
		for _, c := range cs {
			c.flows.dropAll()
		}
	}
	for _, c := range s.udp.all() {
		c.flows.dropAll()
	}
}
