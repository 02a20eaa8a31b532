package stack

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
)

// Resolver returns a resolver whose queries go through the stack to Config.Nameservers: each from a
// socket of its own with an unpredictable port (RFC 6056 section 3.3.1) and, as the standard
// library does it, an unpredictable id, and from an address that may speak. The first server is
// asked first; after one that did not answer, the next, for this Resolver's later queries too.
//
// What is not a query is still the standard library's, on the host that the program runs on: that
// host's hosts file answers before the stack is asked; its resolv.conf gives the search list and the
// options, the number of attempts and their timeouts among them, which are real time;
// LookupIPAddr, LookupNetIP and LookupHost order addresses by that host's own addresses (DialContext
// orders them by the stack's), and a *net.DNSError names that host's name server.
func (s *Stack) Resolver() *net.Resolver {
	ns := &nameservers{s: s}
	return &net.Resolver{PreferGo: true, Dial: ns.dial}
}

var errNoNameservers = errors.New("stack: no name server to ask: Config.Nameservers is empty")

// nameservers remembers which server to ask.
type nameservers struct {
	s       *Stack
	current atomic.Uint32 // counts on from server to server
}

// dial connects to the current server, or the first after it that can be connected to. The address,
// that of a server of the host's, is not used.
func (ns *nameservers) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	servers := ns.s.cfg.Nameservers
	if len(servers) == 0 {
		return nil, errNoNameservers
	}
	var first error
	for range servers {
		at := ns.current.Load()
		c, err := ns.s.DialContext(ctx, network, servers[int(at)%len(servers)].String())
		if err == nil {
			if udp, ok := c.(*UDPConn); ok {
				return &queryConn{UDPConn: udp, unanswered: func() { ns.skip(at) }}, nil
			}
			return c, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
		ns.skip(at)
	}
	return nil, first
}

// skip goes on to the next server, unless somebody has done so.
func (ns *nameservers) skip(at uint32) { ns.current.CompareAndSwap(at, at+1) }

// queryConn is a socket of one query. It tells if no answer came.
type queryConn struct {
	*UDPConn
	answered   atomic.Bool
	unanswered func()
}

func (c *queryConn) Read(b []byte) (int, error) {
	n, err := c.UDPConn.Read(b)
	if err == nil {
		c.answered.Store(true)
	}
	return n, err
}

func (c *queryConn) Close() error {
	if !c.answered.Load() {
		c.unanswered()
	}
	return c.UDPConn.Close()
}

// lookup returns the addresses of a name that suit the network, at least one.
func (s *Stack) lookup(ctx context.Context, n network, host string) ([]netip.Addr, error) {
	addrs, err := s.Resolver().LookupNetIP(ctx, n.family.String(), host)
	if err != nil {
		return nil, err
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	addrs = slices.DeleteFunc(addrs, func(a netip.Addr) bool { return !n.family.has(a) })
	if len(addrs) == 0 {
		return nil, &net.DNSError{Err: "no suitable address", Name: host, IsNotFound: true}
	}
	return addrs, nil
}
