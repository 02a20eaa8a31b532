package stack_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hextet/hextet/stack"
	"golang.org/x/net/dns/dnsmessage"
)

// nameServer answers A and AAAA questions from a table, on UDP and TCP port 53 of a stack.
type nameServer struct {
	names    map[string][]string // without the final dot
	truncate bool                // UDP answers say "ask by TCP"
	mute     bool                // UDP questions are heard and not answered

	mu      sync.Mutex
	from    []netip.AddrPort // of UDP questions
	ids     []uint16
	streams int
}

func (ns *nameServer) serve(t *testing.T, s *stack.Stack, address string) *nameServer {
	t.Helper()
	c := listenUDP(t, s, "udp", address)
	l, err := s.Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			ns.mu.Lock()
			ns.from = append(ns.from, from)
			ns.ids = append(ns.ids, binary.BigEndian.Uint16(buf))
			ns.mu.Unlock()
			if !ns.mute {
				c.WriteToUDPAddrPort(ns.answer(buf[:n], ns.truncate), from)
			}
		}
	}()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			ns.mu.Lock()
			ns.streams++
			ns.mu.Unlock()
			go ns.stream(c)
		}
	}()
	return ns
}

func (ns *nameServer) stream(c net.Conn) {
	defer c.Close()
	var size [2]byte
	for {
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		q := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, q); err != nil {
			return
		}
		a := ns.answer(q, false)
		c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...))
	}
}

func (ns *nameServer) answer(query []byte, truncate bool) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	if m.Truncated = truncate; !truncate {
		addrs, ok := ns.names[strings.TrimSuffix(q.Name.String(), ".")]
		if !ok {
			m.RCode = dnsmessage.RCodeNameError
		}
		for _, s := range addrs {
			h := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
			switch a := netip.MustParseAddr(s); {
			case a.Is4() && q.Type == dnsmessage.TypeA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: a.As4()}})
			case a.Is6() && q.Type == dnsmessage.TypeAAAA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
			}
		}
	}
	b, err := m.Pack()
	if err != nil {
		return nil
	}
	return b
}

// questions returns how many UDP questions came, and forgets them.
func (ns *nameServer) questions() int {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	n := len(ns.from)
	ns.from, ns.ids = nil, nil
	return n
}

// resolving returns a host that asks the given servers, on a wire with one that has the addresses of
// pair's second host.
func resolving(t *testing.T, servers ...string) (a, b *stack.Stack) {
	t.Helper()
	// The clock stands still: nothing is dialled before all is resolved.
	return resolvingAt(t, newSteppedClock(), servers...)
}

// resolvingAt is resolving with a clock of the caller's.
func resolvingAt(t *testing.T, clock stack.Clock, servers ...string) (a, b *stack.Stack) {
	t.Helper()
	cfg := stack.Config{Clock: clock}
	for _, s := range servers {
		cfg.Nameservers = append(cfg.Nameservers, netip.MustParseAddrPort(s))
	}
	la, lb := stack.Pipe(1500)
	a, b = newStack(t, cfg), newStack(t, stack.Config{})
	attach(t, a, "eth0", la, skip("2001:db8::5/64"), skip("192.0.2.5/24"), plain("2001:db8::1/64"), plain("192.0.2.1/24"))
	attach(t, b, "eth0", lb, plain("2001:db8::2/64"), plain("192.0.2.2/24"))
	return a, b
}

func TestResolver(t *testing.T) {
	for _, server := range []string{"192.0.2.2:53", "[2001:db8::2]:53"} {
		t.Run(server, func(t *testing.T) {
			a, b := resolving(t, server, "192.0.2.2:54")
			ns := (&nameServer{names: map[string][]string{"www.hextet.test": {"203.0.113.1", "2001:db8:1::1"}}}).serve(t, b, server)
			spare := (&nameServer{names: ns.names}).serve(t, b, "192.0.2.2:54")
			r := a.Resolver()
			addrs, err := r.LookupNetIP(t.Context(), "ip", "www.hextet.test.")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, a := range addrs {
				got = append(got, a.Unmap().String())
			}
			slices.Sort(got)
			if !slices.Equal(got, []string{"2001:db8:1::1", "203.0.113.1"}) {
				t.Errorf("resolved to %v", got)
			}
			ns.mu.Lock()
			asked, ids := ns.from, ns.ids
			ns.mu.Unlock()
			if len(asked) != 2 || asked[0].Port() == asked[1].Port() || ids[0] == ids[1] {
				t.Errorf("asked from %v with ids %v", asked, ids)
			}
			for _, from := range asked {
				if from.Addr().String() != "192.0.2.1" && from.Addr().String() != "2001:db8::1" {
					t.Errorf("asked from %v, which is to keep quiet", from)
				}
			}
			var dnsErr *net.DNSError
			if _, err := r.LookupHost(t.Context(), "ftp.hextet.test."); !errors.As(err, &dnsErr) || !dnsErr.IsNotFound {
				t.Errorf("a name that is not there: %v", err)
			}
			if n := spare.questions(); n != 0 {
				t.Errorf("the second server was asked %d times, though the first answers", n)
			}
			if n := a.OpenConns(); n != 0 {
				t.Errorf("%d sockets are left open", n)
			}
		})
	}
}

// TestResolverTruncated: what UDP has no room for comes by TCP, through the stack too.
func TestResolverTruncated(t *testing.T) {
	const server = "[2001:db8::2]:53"
	a, b := resolving(t, server)
	ns := (&nameServer{truncate: true, names: map[string][]string{"www.hextet.test": {"203.0.113.1"}}}).serve(t, b, server)
	addrs, err := a.Resolver().LookupNetIP(t.Context(), "ip4", "www.hextet.test.")
	if err != nil || len(addrs) != 1 || addrs[0].Unmap().String() != "203.0.113.1" {
		t.Errorf("resolved to %v, %v", addrs, err)
	}
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if ns.streams == 0 {
		t.Error("TCP was not asked")
	}
}

// TestResolverNextServer: a server that refuses, or has no route, is passed over, and stays so for
// this Resolver.
func TestResolverNextServer(t *testing.T) {
	for name, dead := range map[string]string{"refused": "192.0.2.2:54", "no route": "203.0.113.9:53"} {
		t.Run(name, func(t *testing.T) {
			const server = "192.0.2.2:53"
			a, b := resolving(t, dead, server)
			ns := (&nameServer{names: map[string][]string{"www.hextet.test": {"203.0.113.1"}}}).serve(t, b, server)
			r := a.Resolver()
			for range 3 {
				addrs, err := r.LookupNetIP(t.Context(), "ip4", "www.hextet.test.")
				if err != nil || len(addrs) != 1 {
					t.Fatalf("resolved to %v, %v", addrs, err)
				}
				if n := ns.questions(); n != 1 {
					t.Errorf("the server that lives was asked %d times", n)
				}
			}
		})
	}
}

// TestResolverMute: a server that hears and says nothing is left for the next one. The standard
// library would wait for it for seconds of real time; a context ends the wait, and the socket with it.
func TestResolverMute(t *testing.T) {
	a, b := resolving(t, "192.0.2.2:54", "192.0.2.2:53")
	names := map[string][]string{"www.hextet.test": {"203.0.113.1"}}
	mute := (&nameServer{mute: true, names: names}).serve(t, b, "192.0.2.2:54")
	ns := (&nameServer{names: names}).serve(t, b, "192.0.2.2:53")
	r := a.Resolver()
	ctx, cancel := context.WithCancel(t.Context())
	lookup := async(func() error { _, err := r.LookupNetIP(ctx, "ip4", "www.hextet.test."); return err })
	eventually(t, func() bool { mute.mu.Lock(); defer mute.mu.Unlock(); return len(mute.from) > 0 })
	cancel()
	if err := within(t, lookup); err == nil {
		t.Fatal("no error")
	}
	cancelled := time.Now()
	eventually(t, func() bool { return a.OpenConns() == 0 }) // the socket tells when it is closed
	if time.Since(cancelled) > 4*time.Second {
		t.Error("the socket stayed open until the standard library's timeout")
	}
	if _, err := r.LookupNetIP(t.Context(), "ip4", "www.hextet.test."); err != nil {
		t.Error(err)
	}
	if n := ns.questions(); n != 1 {
		t.Errorf("the second server was asked %d times", n)
	}
}

// TestDialName: a name's addresses are ordered by RFC 6724 section 6 and tried in turn.
func TestDialName(t *testing.T) {
	const server = "192.0.2.2:53"
	a, b := resolving(t, server)
	ns := (&nameServer{names: map[string][]string{
		"both.hextet.test": {"192.0.2.2", "2001:db8::2"},
		"four.hextet.test": {"192.0.2.2"},
		"some.hextet.test": {"203.0.113.1", "2001:db8:f::1", "192.0.2.2"}, // the first two without a route
		"none.hextet.test": {"203.0.113.1", "2001:db8:f::1"},
	}}).serve(t, b, server)
	echoServer(t, b)
	for _, tt := range []struct{ network, name, remote string }{
		{"tcp", "both", "[2001:db8::2]:7"}, // rule 6: the precedence of ::/0 is 40, that of IPv4 35
		{"tcp4", "both", "192.0.2.2:7"},
		{"tcp6", "both", "[2001:db8::2]:7"},
		{"udp", "both", "[2001:db8::2]:7"},
		{"udp4", "both", "192.0.2.2:7"},
		{"tcp", "four", "192.0.2.2:7"},
		{"tcp", "some", "192.0.2.2:7"},
	} {
		t.Run(tt.network+" "+tt.name, func(t *testing.T) {
			c, err := a.DialContext(t.Context(), tt.network, tt.name+".hextet.test.:7")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if got := c.RemoteAddr().String(); got != tt.remote {
				t.Errorf("dialled %v, want %v", got, tt.remote)
			}
			echoOver(t, c)
		})
	}
	for _, tt := range []struct {
		network, name string
		want          error
	}{
		{"tcp", "none", syscall.ENETUNREACH},
		{"tcp", "both.hextet.test.:9", syscall.ECONNREFUSED},
		{"tcp", "some.hextet.test.:9", syscall.ECONNREFUSED}, // the first error, not the last
		{"tcp6", "four", nil},
		{"tcp", "zero", nil},
	} {
		t.Run("not "+tt.network+" "+tt.name, func(t *testing.T) {
			address := tt.name
			if !strings.Contains(address, ":") {
				address += ".hextet.test.:7"
			}
			_, err := a.DialContext(t.Context(), tt.network, address)
			wantOpError(t, err, "dial")
			var dnsErr *net.DNSError
			switch {
			case tt.want != nil:
				wantOpError(t, err, "dial", tt.want)
			case !errors.As(err, &dnsErr) || !dnsErr.IsNotFound:
				t.Errorf("%v is no *net.DNSError of a name that is not found", err)
			}
		})
	}

	// A choice of source leaves only the family that it suits, in the order of the rest.
	d := stack.Dialer{Stack: a, LocalAddr: netip.MustParseAddrPort("192.0.2.5:0")}
	if got := dialEcho(t, d, "tcp", "both.hextet.test.:7"); got.String() != "192.0.2.5" {
		t.Errorf("spoke from %v", got)
	}
	// A name can be listened on.
	l, err := b.Listen(t.Context(), "tcp", "four.hextet.test.:80")
	if err == nil {
		l.Close()
		t.Error("a host without name servers resolved a name")
	}
	ns.names["self.hextet.test"] = []string{"192.0.2.1"}
	if l, err = a.Listen(t.Context(), "tcp", "self.hextet.test.:80"); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.Addr().String() != "192.0.2.1:80" {
		t.Errorf("bound to %v", l.Addr())
	}
}

// TestShareDeadline: an address that does not answer gets its share of the time, not all of it.
func TestShareDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // whose time stands still
		for _, tt := range []struct {
			total time.Duration // 0: no deadline
			left  int
			want  time.Duration
		}{
			{0, 3, 0},
			{9 * time.Second, 3, 3 * time.Second},
			{9 * time.Second, 1, 9 * time.Second},
			{3 * time.Second, 3, 2 * time.Second}, // at least two
			{time.Second, 3, time.Second},         // as far as there are any
			{-time.Second, 3, -time.Second},
		} {
			ctx, cancel := t.Context(), context.CancelFunc(func() {})
			if tt.total != 0 {
				ctx, cancel = context.WithTimeout(ctx, tt.total)
			}
			share, cancelShare := stack.ShareDeadline(ctx, tt.left)
			deadline, ok := share.Deadline()
			if got := time.Until(deadline); ok != (tt.want != 0) || ok && got != tt.want {
				t.Errorf("%d addresses in %v: the first has %v", tt.left, tt.total, got)
			}
			cancelShare()
			cancel()
		}
	})
}
