package stack

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"

	"github.com/hextet/hextet/stack/internal/engine"
)

// UDPConn is a UDP socket, connected (dialled) or not. All methods may be called from several
// goroutines at once, and keep none of the caller's slices.
//
// What comes waits in a queue of its own, of at most SetReadBuffer bytes; what does not fit is dropped
// and counted (Stats). What is sent does not wait in the socket: it goes to the link, or, while a
// neighbour's address is being resolved, to a short queue of the interface's.
type UDPConn struct {
	conn
	s            *Stack
	ipv4, v6only bool // the socket speaks one family only

	// Where it is bound and connected to. It does not change once the socket can be found.
	local  netip.Addr // without a zone; zero: all
	port   uint16
	iface  int            // 0: all
	remote netip.AddrPort // without a zone; zero: not connected

	// The way to the peer of a connected socket, whose source stays the same.
	peer     flowKey
	peerName string // of the interface

	mu  sync.Mutex // of registering; taken before gVisor's locks
	reg udpRegistration

	opt   atomic.Pointer[udpOptions]
	queue udpQueue
	flows flowCache
	errs  errorQueue // of the next calls

	spoilt atomic.Uint64 // datagrams with a wrong checksum or length
	errors atomic.Uint64 // ICMP errors that had no room in errs

	groups memberships
	once   sync.Once
	done   chan struct{} // closed by Close
}

var (
	_ net.Conn       = (*UDPConn)(nil)
	_ net.PacketConn = (*UDPConn)(nil)
)

func newUDPConn(s *Stack, network string, ipv4 bool) (*UDPConn, error) {
	c := &UDPConn{s: s, ipv4: ipv4, done: make(chan struct{})}
	c.init(s.clock, network, c.done)
	c.queue.init()
	c.groups.s = s
	c.flows.s, c.flows.proto = s, protoUDP
	c.opt.Store(&udpOptions{sendOptions: sendOptions{hops: -1, multicastHops: -1, tos: -1, loop: true}})
	if err := s.conns.add(c); err != nil {
		return nil, err
	}
	return c, nil
}

// listenUDP opens a socket on an address that listenAddr returned.
func (s *Stack) listenUDP(n network, on netip.AddrPort) (*UDPConn, error) {
	addr := on.Addr()
	c, err := newUDPConn(s, n.name, addr.Is4())
	if err != nil {
		return nil, err
	}
	c.v6only = addr.Is6() && (n.family == onlyIPv6 || !addr.IsUnspecified())
	c.port = on.Port()
	if err = c.bindTo(addr); err == nil {
		err = c.register()
	}
	if err != nil {
		c.Close()
		return nil, syscallError("bind", err)
	}
	bound := anyAddr(c.ipv4)
	if c.local.IsValid() {
		bound = c.local
	}
	c.laddr = net.UDPAddrFromAddrPort(s.zoned(netip.AddrPortFrom(bound, c.port), c.iface))
	return c, nil
}

// bindTo sets the local address.
func (c *UDPConn) bindTo(addr netip.Addr) error {
	if addr.IsUnspecified() {
		return nil
	}
	c.local = addr.WithZone("")
	if isLocalGroup(addr) {
		if addr.Zone() == "" {
			return nil
		}
		i, err := c.s.zoneInterface(addr)
		if err == nil {
			c.iface = i.index
		}
		return err
	}
	i, err := c.s.localInterface(addr, nil)
	if err == nil && needsZone(addr) {
		c.iface = i.index
	}
	return err
}

// dialUDP connects a socket to one address, from where from says. Nothing is sent.
func (s *Stack) dialUDP(network string, from binding, to netip.AddrPort) (*UDPConn, error) {
	c, err := newUDPConn(s, network, to.Addr().Is4())
	if err != nil {
		return nil, err
	}
	if err = c.connect(from, to); err == nil {
		err = c.register()
	}
	if err != nil {
		c.Close()
		return nil, syscallError("connect", err)
	}
	c.laddr = net.UDPAddrFromAddrPort(s.zoned(netip.AddrPortFrom(c.local, c.port), c.iface))
	c.raddr = net.UDPAddrFromAddrPort(s.zoned(c.remote, c.iface))
	return c, nil
}

// connect chooses the source, which stays, and by it the interface, if the addresses need one.
func (c *UDPConn) connect(from binding, to netip.AddrPort) error {
	c.v6only = !c.ipv4
	c.port = from.port
	bare := to.Addr().WithZone("")
	f, err := c.flow(flowKey{dst: to.Addr(), source: from.addr, iface: int(from.nic)}, c.opt.Load())
	if err != nil {
		return err
	}
	defer f.release()
	if needsZone(bare) || needsZone(f.src) {
		c.iface = f.iface
	}
	c.local, c.remote = f.src, netip.AddrPortFrom(bare, to.Port())
	c.peer, c.peerName = flowKey{dst: to.Addr(), source: f.src, iface: f.iface}, c.s.zoneName(f.iface)
	return nil
}

// Close closes the conn and leaves its groups. Calls that wait return an error for which
// errors.Is(err, net.ErrClosed) holds, and so do all later ones, a second Close too. It does not wait
// for anything.
func (c *UDPConn) Close() error {
	err := net.ErrClosed
	c.once.Do(func() {
		err = nil
		close(c.done)
		c.s.conns.remove(c)
		c.unregister()
		c.groups.leaveAll()
		c.queue.close()
		c.flows.close()
		c.stopTimers()
	})
	if err != nil {
		return c.opError("close", err)
	}
	return nil
}

// receive queues a copy of d. It runs with gVisor's locks held.
func (c *UDPConn) receive(d *engine.Datagram) {
	if c.queue.push(d) {
		c.s.gv.Stats().UDP.PacketsReceived.Increment()
		return
	}
	c.s.gv.Stats().UDP.ReceiveBufferErrors.Increment()
}

// next waits for a datagram and copies its payload, as much as fits, into b.
func (c *UDPConn) next(b []byte) (udpRecord, error) {
	for {
		passed := c.read.wait()
		select {
		case <-c.done:
			return udpRecord{}, net.ErrClosed
		case <-passed:
			return udpRecord{}, os.ErrDeadlineExceeded
		default:
		}
		if err := c.errs.pop(); err != nil {
			c.queue.wake() // the token may have been that of a datagram
			return udpRecord{}, err
		}
		if r, ok := c.queue.pop(b, &c.errs); ok {
			return r, nil
		}
		c.s.await(c.queue.ready, passed, c.done)
	}
}

// UDPStats count what became of the datagrams that came to a socket.
type UDPStats struct {
	Received        uint64 // queued to be read
	DroppedQueue    uint64 // the queue was full
	DroppedChecksum uint64 // wrong checksum or length, or in IPv6 none
	DroppedErrors   uint64 // ICMP errors: too many waited for a call to return them
}

// Stats returns the socket's counters.
func (c *UDPConn) Stats() UDPStats {
	received, dropped := c.queue.counts()
	return UDPStats{Received: received, DroppedQueue: dropped, DroppedChecksum: c.spoilt.Load(), DroppedErrors: c.errors.Load()}
}

// SetReadBuffer sets how many bytes of datagrams, each with an overhead of 128 bytes, wait to be read
// before further ones are dropped and counted; one datagram always can. A new socket has 1 MiB; less
// than 4 KiB, or more than 4 MiB, is as good as that. The memory is taken as it is needed.
func (c *UDPConn) SetReadBuffer(bytes int) error {
	n, err := c.bufferSize(bytes, "read")
	if err == nil {
		c.queue.setLimit(n)
	}
	return err
}

// SetWriteBuffer checks its argument and does nothing: no datagram waits in the socket to be sent.
func (c *UDPConn) SetWriteBuffer(bytes int) error {
	_, err := c.bufferSize(bytes, "write")
	return err
}
