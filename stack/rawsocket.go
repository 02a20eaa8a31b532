package stack

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hextet/hextet/icmp6"
)

// rawSocket is what RawConn and RawConn4 share. It is no endpoint of gVisor's: packets come from
// rawDemux and leave through gVisor's routes.
type rawSocket struct {
	s   *Stack
	key rawKey

	opt         atomic.Pointer[rawOptions]
	queue       rawQueue
	read, write deadline
	stats       rawCounters

	once sync.Once
	done chan struct{} // closed by Close

	mu     sync.Mutex // changes of opt and groups; held while gVisor joins a group
	groups memberships

	flows flowCache
	errs  errorQueue
}

// rawOptions is one state of a socket's options. Whoever looks at it takes no lock.
type rawOptions struct {
	checksum icmp6.Offset
	filter   icmp6.Filter
	control  uint // x/net's ControlFlags of the family

	sendOptions
	sticky         *rawHeader // nil: nothing
	headerIncluded bool
	receiveErrors  bool
	receivePathMTU bool

	bound    netip.Addr // without a zone; zero: all
	boundIf  int        // 0: all
	local    netip.Addr // bound, or of a connected socket its choice
	remote   netip.Addr // without a zone; zero: not connected
	remoteIf int        // the interface of a remote that needs a zone, else 0
}

func newRawSocket(s *Stack, ipv4 bool, proto uint8) *rawSocket {
	c := &rawSocket{
		s:      s,
		key:    rawKey{ipv4, proto},
		done:   make(chan struct{}),
		groups: memberships{s: s},
	}
	c.queue.init()
	c.read.init(s.clock)
	c.write.init(s.clock)
	c.flows.s, c.flows.proto = s, proto
	o := &rawOptions{
		checksum:    icmp6.Disabled,
		sendOptions: sendOptions{hops: -1, multicastHops: -1, tos: -1, minimumMTU: -1, loop: true},
	}
	if !ipv4 {
		o.checksum = icmp6.DefaultOffset(proto)
	}
	c.opt.Store(o)
	return c
}

// listenRaw opens a socket of either family.
func (s *Stack) listenRaw(ipv4 bool, proto uint8, addr netip.Addr) (*rawSocket, error) {
	c := newRawSocket(s, ipv4, proto)
	err := c.bind(addr)
	if err == nil && proto == 0 {
		err = fmt.Errorf("protocol 0 is none that a raw socket can have: %w", syscall.EPROTONOSUPPORT)
	}
	if err == nil {
		err = s.conns.add(c)
	}
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: c.network(), Addr: ipAddr(addr), Err: syscallError("bind", err)}
	}
	s.raw.add(c)
	if c.closed() { // by Stack.Close, before it could take the socket out
		s.raw.remove(c)
	}
	return c, nil
}

// bind sets the local address of a new socket.
func (c *rawSocket) bind(addr netip.Addr) error {
	if addr = addr.Unmap(); addr.IsValid() && addr.Is4() != c.key.ipv4 {
		return c.errFamily(addr)
	}
	o := *c.opt.Load()
	switch {
	case !addr.IsValid(), addr.IsUnspecified() && addr.Zone() == "":
		return nil
	case addr.IsUnspecified():
		i, err := c.s.zoneInterface(addr)
		if err != nil {
			return err
		}
		o.boundIf = i.index
	default:
		i, err := c.s.localInterface(addr, nil)
		if err != nil {
			return err
		}
		if addr.Zone() != "" || needsZone(addr) {
			o.boundIf = i.index
		}
		o.bound = addr.WithZone("")
		o.local = o.bound
	}
	c.opt.Store(&o)
	return nil
}

// Connect makes the socket receive only what comes from addr and to the source that is chosen now,
// and lets WriteTo do without a destination. The zero Addr undoes it. A link-local addr needs a zone.
func (c *rawSocket) Connect(addr netip.Addr) error {
	err := c.change(func(o *rawOptions) error {
		o.local, o.remote, o.remoteIf = o.bound, netip.Addr{}, 0
		if !addr.IsValid() {
			return nil
		}
		p, err := c.path(flowKey{dst: addr.Unmap()}, o)
		if err != nil {
			return err
		}
		out, iface, err := p.find(c.s)
		if err != nil {
			return err
		}
		defer out.Release()
		o.local, o.remote = out.Source(), p.dst
		if needsZone(p.dst) {
			o.remoteIf = iface
		}
		return nil
	})
	if err != nil {
		return c.opError("connect", ipAddr(addr), syscallError("connect", err))
	}
	return nil
}

// change replaces the options by a changed copy, unless f fails.
func (c *rawSocket) change(f func(*rawOptions) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed() {
		return net.ErrClosed
	}
	o := *c.opt.Load()
	if err := f(&o); err != nil {
		return err
	}
	c.opt.Store(&o)
	return nil
}

// set is change for a caller's option.
func (c *rawSocket) set(f func(*rawOptions) error) error {
	if err := c.change(f); err != nil {
		return c.opError("set", nil, syscallError("setsockopt", err))
	}
	return nil
}

// Close closes the socket and leaves its groups. Calls that wait return net.ErrClosed, and so do all
// later ones, a second Close too.
func (c *rawSocket) Close() error {
	err := c.opError("close", nil, net.ErrClosed)
	c.once.Do(func() {
		err = nil
		c.mu.Lock() // a change that is under way ends before
		close(c.done)
		c.mu.Unlock()
		c.s.conns.remove(c)
		c.s.raw.remove(c)
		c.queue.close()
		c.flows.close()
		c.read.end()
		c.write.end()
		c.groups.leaveAll()
	})
	return err
}

func (c *rawSocket) closed() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// LocalAddr returns the bound address or, of a connected socket, the one that was chosen, as a
// *net.IPAddr.
func (c *rawSocket) LocalAddr() net.Addr {
	o := c.opt.Load()
	addr := o.local
	if !addr.IsValid() {
		addr = anyAddr(c.key.ipv4)
	}
	return c.zoned(addr, max(o.boundIf, o.remoteIf))
}

// zoned is addr as package net has it, with the zone of an interface where it means nothing without.
func (c *rawSocket) zoned(addr netip.Addr, iface int) *net.IPAddr {
	if iface != 0 && needsZone(addr) {
		addr = addr.WithZone(c.s.zoneName(iface))
	}
	return ipAddr(addr)
}

func ipAddr(addr netip.Addr) *net.IPAddr {
	return &net.IPAddr{IP: addr.AsSlice(), Zone: addr.Zone()}
}

// SetDeadline sets the read and write deadlines. They run on Config.Clock; the zero time means none.
// A call that a deadline ends returns an error for which errors.Is(err, os.ErrDeadlineExceeded)
// holds.
func (c *rawSocket) SetDeadline(t time.Time) error { return c.setDeadlines(t, &c.read, &c.write) }

// SetReadDeadline sets the deadline of reads. See SetDeadline.
func (c *rawSocket) SetReadDeadline(t time.Time) error { return c.setDeadlines(t, &c.read) }

// SetWriteDeadline sets the deadline of writes, which never wait: once it has passed, they fail.
func (c *rawSocket) SetWriteDeadline(t time.Time) error { return c.setDeadlines(t, &c.write) }

func (c *rawSocket) setDeadlines(t time.Time, ds ...*deadline) error {
	return c.set(func(*rawOptions) error {
		for _, d := range ds {
			d.set(t)
		}
		return nil
	})
}

// network is what net.OpError calls the socket's.
func (c *rawSocket) network() string {
	if c.key.ipv4 {
		return fmt.Sprintf("ip4:%d", c.key.proto)
	}
	return fmt.Sprintf("ip6:%d", c.key.proto)
}

// opError is err as package net wraps it. addr may be nil.
func (c *rawSocket) opError(op string, addr net.Addr, err error) error {
	return &net.OpError{Op: op, Net: c.network(), Source: c.LocalAddr(), Addr: addr, Err: err}
}

// errFamily is about an address of the family that the socket does not speak. An IPv4-mapped IPv6
// address stands for an IPv4 one and is never on the wire (RFC 4291 section 2.5.5.2).
func (c *rawSocket) errFamily(addr netip.Addr) error {
	return fmt.Errorf("address %v is of another family than the socket: %w", addr, syscall.EAFNOSUPPORT)
}
