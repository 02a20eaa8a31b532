package stack

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

// Resolver returns a resolver whose queries go through the stack to Config.Nameservers: each from a
// socket of its own with an unpredictable port (RFC 6056 section 3.3.1) and, as the standard
// library does it, an unpredictable id, and from an address that may speak. The first server is
// asked first; after one that did not answer, the next, for this Resolver's later queries too.
//
// What is not a query is still the standard library's, on the host that the program runs on: that
// host's hosts file answers before the stack is asked; its resolv.conf gives the search list and the
// options, the number of attempts and their timeouts among them, which end a query as soon as so much real
// time has passed, or so much of Config.Clock;
// LookupIPAddr, LookupNetIP and LookupHost order addresses by that host's own addresses (DialContext
// orders them by the stack's), and a *net.DNSError names that host's name server.
//
// In a lab (package stack/lab) the same seed sends the same queries. For this the A and AAAA records of a name
// are both asked for, even if the caller wants one family only, and lookups that go on at the same time each need a Resolver
// of their own; LookupCNAME does not keep the order.
func (s *Stack) Resolver() *net.Resolver {
	ns := &nameservers{s: s}
	return &net.Resolver{PreferGo: true, Dial: ns.dial}
}

// Nameservers returns a copy of Config.Nameservers.
func (s *Stack) Nameservers() []netip.AddrPort { return slices.Clone(s.cfg.Nameservers) }

var errNoNameservers = errors.New("stack: no name server to ask: Config.Nameservers is empty")

// nameservers remembers which server to ask.
type nameservers struct {
	s       *Stack
	current atomic.Uint32 // counts on from server to server
	rounds  rounds        // only if somebody decides about turns
}

// dial connects to the current server, or the first after it that can be connected to. The address,
// that of a server of the host's, is not used.
func (ns *nameservers) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	if len(ns.s.cfg.Nameservers) == 0 {
		return nil, errNoNameservers
	}
	if ns.s.turn != nil {
		return ns.ask(ctx, network), nil
	}
	c, at, err := ns.connect(ctx, network)
	if err != nil {
		return nil, err
	}
	return ns.query(ctx, c, at), nil
}

// connect also returns which server it is.
func (ns *nameservers) connect(ctx context.Context, network string) (c net.Conn, at uint32, err error) {
	servers := ns.s.cfg.Nameservers
	var first error
	for range servers {
		at := ns.current.Load()
		c, err := ns.s.DialContext(ctx, network, servers[int(at)%len(servers)].String())
		if err == nil {
			return c, at, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
		ns.skip(at)
	}
	return nil, 0, first
}

// skip goes on to the next server, unless somebody has done so.
func (ns *nameservers) skip(at uint32) { ns.current.CompareAndSwap(at, at+1) }

// query wraps a conn for the standard library's resolver, which tells datagrams from a stream by the
// type, and waits for an answer although its context has ended.
func (ns *nameservers) query(ctx context.Context, c net.Conn, server uint32) net.Conn {
	q := &queryConn{Conn: c, ns: ns, server: server}
	q.release = context.AfterFunc(ctx, func() { q.end() })
	if udp, ok := c.(*UDPConn); ok {
		return queryPacketConn{q, udp}
	}
	return q
}

// queryConn is a conn of one question. It tells if no answer came.
type queryConn struct {
	net.Conn
	ns       *nameservers
	server   uint32
	release  func() bool
	answered atomic.Bool
}

func (c *queryConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil {
		c.answered.Store(true)
	}
	return n, err
}

// SetDeadline is called with a real time, though the conn's deadlines are times of Config.Clock.
func (c *queryConn) SetDeadline(t time.Time) error {
	if !t.IsZero() {
		t = c.ns.s.clock.Now().Add(time.Until(t))
	}
	return c.Conn.SetDeadline(t)
}

func (c *queryConn) Close() error {
	c.release()
	return c.end()
}

func (c *queryConn) end() error {
	if !c.answered.Load() {
		c.ns.skip(c.server)
	}
	return c.Conn.Close()
}

// queryPacketConn is a queryConn that is a net.PacketConn too.
type queryPacketConn struct {
	*queryConn
	udp *UDPConn
}

func (c queryPacketConn) ReadFrom(b []byte) (int, net.Addr, error)     { return c.udp.ReadFrom(b) }
func (c queryPacketConn) WriteTo(b []byte, addr net.Addr) (int, error) { return c.udp.WriteTo(b, addr) }

// lookup returns the addresses of a name that suit the network, at least one.
func (s *Stack) lookup(ctx context.Context, n network, host string) ([]netip.Addr, error) {
	if addrs := localhost(host, n.family); addrs != nil {
		return addrs, nil
	}
	if n.family != 0 {
		ctx = context.WithValue(ctx, oneFamily{}, true)
	}
	if s.turn != nil {
		ctx = inTurn(ctx)
	}
	addrs, err := s.Resolver().LookupNetIP(ctx, n.family.String(), host)
	if err != nil {
		return nil, err
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	if s.turn != nil { // which family came first is nobody's decision
		slices.SortStableFunc(addrs, func(a, b netip.Addr) int { return b.BitLen() - a.BitLen() })
	}
	addrs = slices.DeleteFunc(addrs, func(a netip.Addr) bool { return !n.family.has(a) })
	if len(addrs) == 0 {
		return nil, &net.DNSError{Err: "no suitable address", Name: host, IsNotFound: true}
	}
	return addrs, nil
}
