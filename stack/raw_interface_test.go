package stack_test

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"

	"github.com/hextet/hextet/stack"
)

// rawTwoWires returns a host with "eth0" and "eth1", which have the same link-local address, as links
// may.
func rawTwoWires(t *testing.T) (*stack.Stack, [2]*stack.Interface, [2]*rawWire) {
	t.Helper()
	s := newStack(t, stack.Config{})
	var ifs [2]*stack.Interface
	var wires [2]*rawWire
	for n, addr := range []string{"2001:db8:0:1::1/64", "2001:db8:0:2::1/64"} {
		near, far := stack.Pipe(1500)
		ifs[n] = attach(t, s, []string{"eth0", "eth1"}[n], near, plain(addr), plain("fe80::1/64"))
		wires[n] = newRawWire(t, far)
	}
	return s, ifs, wires
}

func TestRawZones(t *testing.T) {
	s, _, wires := rawTwoWires(t)
	bound, connected := listenRaw(t, s, 89, "fe80::1%eth1"), listenRaw(t, s, 89, "")
	if err := connected.Connect(netip.MustParseAddr("fe80::2%eth0")); err != nil {
		t.Fatal(err)
	}
	if a, b := bound.LocalAddr().String(), connected.LocalAddr().String(); a != "fe80::1%eth1" || b != "fe80::1%eth0" {
		t.Errorf("local addresses %s and %s", a, b)
	}
	for n, w := range wires {
		end := listenRaw(t, s, uint8(98+n), "")
		w.send(ip6("fe80::2", "fe80::1", 89, 64, []byte("by "+string(rune('0'+n)))), ip6("fe80::2", "fe80::1", uint8(98+n), 64, nil))
		mustRead(t, end)
	}
	for _, tt := range []struct {
		c          *stack.RawConn
		want, from string
	}{{bound, "by 1", "fe80::2%eth1"}, {connected, "by 0", "fe80::2%eth0"}} {
		if got, from := mustRead(t, tt.c); got != tt.want || from != tt.from || tt.c.Stats().Received != 1 {
			t.Errorf("%q from %s, %d packets; want %q from %s", got, from, tt.c.Stats().Received, tt.want, tt.from)
		}
	}
	if _, err := connected.WriteTo([]byte("x"), nil, nil); err != nil {
		t.Fatal(err)
	}
	if p := wires[0].next(); p[6] != 89 {
		t.Errorf("%x", p)
	}
	if _, err := bound.WriteTo([]byte("y"), nil, ipTo("fe80::2")); err != nil { // bound says which
		t.Fatal(err)
	}
	if p := wires[1].next(); p[6] != 89 {
		t.Errorf("%x", p)
	}
	if _, err := bound.WriteTo([]byte("y"), nil, ipTo("fe80::2%eth0")); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("the zone contradicts the bound interface: %v", err)
	}
	if err := listenRaw(t, s, 89, "").Connect(netip.MustParseAddr("fe80::2")); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("Connect without a zone: %v", err)
	}
}

// TestRawFollowsRoutes: a connected socket keeps its source, and follows the routes.
func TestRawFollowsRoutes(t *testing.T) {
	s, ifs, wires := rawTwoWires(t)
	route := stack.Route{Destination: netip.MustParsePrefix("2001:db8:9::/48"), NextHop: netip.MustParseAddr("2001:db8:0:1::9")}
	if err := s.AddRoute(route); err != nil {
		t.Fatal(err)
	}
	c := listenRaw(t, s, 89, "")
	if err := c.Connect(netip.MustParseAddr("2001:db8:9::2")); err != nil {
		t.Fatal(err)
	}
	write := func() error {
		_, err := c.WriteTo([]byte("x"), nil, nil)
		return err
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	wires[0].next()
	if err := s.RemoveRoute(route); err != nil {
		t.Fatal(err)
	}
	if err := write(); !errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("without a route: %v", err)
	}
	if err := s.AddRoute(route); err != nil {
		t.Fatal(err)
	}
	if err := write(); err != nil {
		t.Errorf("with the route again: %v", err)
	}
	wires[0].next()
	wires[0].l.Close() // the far end: the host's own does not fail by that
	if err := ifs[0].Detach(); err != nil {
		t.Fatal(err)
	}
	if err := write(); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("without the interface: %v", err)
	}
}

// failingLink fails when it is told to.
type failingLink struct {
	stack.Link
	fail chan struct{}
}

func (l failingLink) ReadPackets([][]byte, []int) (int, error) {
	<-l.fail
	return 0, errors.New("the cable is cut")
}

func TestRawLinkFails(t *testing.T) {
	s := newStack(t, stack.Config{})
	near, _ := stack.Pipe(1500)
	l := failingLink{near, make(chan struct{})}
	i := attach(t, s, "eth0", l, plain("2001:db8::1/64"))
	c := listenRaw(t, s, 89, "")
	if err := c.Connect(netip.MustParseAddr("2001:db8::2")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.WriteTo([]byte("x"), nil, nil); err != nil {
		t.Fatal(err)
	}
	close(l.fail)
	var err error
	eventually(t, func() bool {
		_, err = c.WriteTo([]byte("x"), nil, nil)
		return err != nil
	})
	// The first error says already what the matter is with the route, kept until then.
	if i.Err() == nil || !errors.Is(err, syscall.EADDRNOTAVAIL) && !errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("%v; the interface says %v", err, i.Err())
	}
}

// Groups are joined by default where the socket is bound, not where it sends.
func TestRawGroupOfABoundSocket(t *testing.T) {
	s, ifs, _ := rawTwoWires(t)
	c := listenRaw(t, s, 89, "fe80::1%eth0")
	if err := c.SetMulticastInterface(ifs[1].NetInterface()); err != nil {
		t.Fatal(err)
	}
	if err := c.JoinGroup(nil, ipTo("ff02::5")); err != nil {
		t.Fatal(err)
	}
	if err := c.LeaveGroup(ifs[0].NetInterface(), ipTo("ff02::5")); err != nil {
		t.Error(err)
	}
}
