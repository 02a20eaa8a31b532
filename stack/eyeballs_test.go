package stack_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
	"golang.org/x/net/dns/dnsmessage"
)

// watchedClock tells which delays of Happy Eyeballs begin.
type watchedClock struct {
	*steppedClock
	began chan time.Duration
}

func (c watchedClock) AfterFunc(d time.Duration, f func()) func() bool {
	stop := c.steppedClock.AfterFunc(d, f)
	if d == 50*time.Millisecond || d == 250*time.Millisecond {
		c.began <- d
	}
	return stop
}

// syn is a connection attempt on the wire.
type syn struct {
	to netip.Addr
	at time.Duration // since the start
}

// synLink tells of the first SYN to each address.
type synLink struct {
	stack.Link
	clock *steppedClock
	start time.Time
	syns  chan syn
	mu    *sync.Mutex
	seen  map[netip.Addr]bool
}

func (l synLink) WritePackets(bufs [][]byte) (int, error) {
	for _, p := range bufs {
		var to netip.Addr
		switch {
		case p[0]>>4 == 6 && p[6] == 6 && p[53] == 2:
			to = netip.AddrFrom16([16]byte(p[24:40]))
		case p[0]>>4 == 4 && p[9] == 6 && p[33] == 2:
			to = netip.AddrFrom4([4]byte(p[16:20]))
		default:
			continue
		}
		l.mu.Lock()
		if !l.seen[to] {
			l.seen[to] = true
			l.syns <- syn{to, l.clock.Now().Sub(l.start)}
		}
		l.mu.Unlock()
	}
	return l.Link.WritePackets(bufs)
}

// eyeballs is a host whose clock stands still until it is moved, and a peer that is its name server and
// has the addresses 2001:db8::2 and 192.0.2.2. All others of its link are nobody's.
type eyeballs struct {
	t     *testing.T
	host  *stack.Stack
	clock watchedClock
	syns  chan syn
	gates map[dnsmessage.Type]chan struct{} // an answer waits until its gate is closed
}

func newEyeballs(t *testing.T, names map[string][]string) *eyeballs {
	e := &eyeballs{
		t: t, clock: watchedClock{newSteppedClock(), make(chan time.Duration, 100)}, syns: make(chan syn, 100),
		gates: map[dnsmessage.Type]chan struct{}{dnsmessage.TypeA: make(chan struct{}), dnsmessage.TypeAAAA: make(chan struct{})},
	}
	la, lb := stack.Pipe(1500)
	e.host = newStack(t, stack.Config{Clock: e.clock, Nameservers: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.2:53")}})
	attach(t, e.host, "eth0", synLink{la, e.clock.steppedClock, e.clock.Now(), e.syns, new(sync.Mutex), make(map[netip.Addr]bool)}, udpOwn...)
	peer := newStack(t, stack.Config{})
	attach(t, peer, "eth0", lb, plain("2001:db8::2/64"), plain("192.0.2.2/24"))
	echoServer(t, peer)
	c := listenUDP(t, peer, "udp", ":53")
	ns := &nameServer{names: names}
	go func() {
		for buf := make([]byte, 512); ; {
			n, from, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			query := slices.Clone(buf[:n])
			var m dnsmessage.Message
			if m.Unpack(query) == nil {
				go func() {
					select {
					case <-e.gates[m.Questions[0].Type]:
						c.WriteToUDPAddrPort(ns.answer(query, false), from)
					case <-t.Context().Done():
					}
				}()
			}
		}
	}()
	return e
}

func (e *eyeballs) open(types ...dnsmessage.Type) {
	for _, typ := range types {
		close(e.gates[typ])
	}
}

const typeA, typeAAAA = dnsmessage.TypeA, dnsmessage.TypeAAAA

// dialling dials a name until ctx ends.
func (e *eyeballs) dialling(ctx context.Context, d stack.Dialer, address string) <-chan error {
	d.Stack = e.host
	return async(func() error {
		c, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		defer c.Close()
		eventually(e.t, func() bool { return e.host.OpenConns() == 1 }) // the losers are gone, and the questions
		return connected(c.RemoteAddr().String())
	})
}

// connected is the error of a dial that was none.
type connected string

func (c connected) Error() string { return "connected to " + string(c) }

func (e *eyeballs) wantSYN(to string, at time.Duration) {
	e.t.Helper()
	select {
	case got := <-e.syns:
		if want := (syn{netip.MustParseAddr(to), at}); got != want {
			e.t.Errorf("SYN to %v after %v, want %v after %v", got.to, got.at, want.to, want.at)
		}
	case <-time.After(30 * time.Second):
		e.t.Fatalf("no SYN to %v", to)
	}
}

// wantDelay waits until a delay begins.
func (e *eyeballs) wantDelay(want time.Duration) {
	e.t.Helper()
	select {
	case got := <-e.clock.began:
		if got != want {
			e.t.Errorf("a delay of %v began, want %v", got, want)
		}
	case <-time.After(30 * time.Second):
		e.t.Fatalf("no delay of %v began", want)
	}
}

const attemptDelay = 250 * time.Millisecond

// TestEyeballsFallBack: an address that does not answer has 250 ms for itself; then the other family wins,
// and nothing is left of the first.
func TestEyeballsFallBack(t *testing.T) {
	e := newEyeballs(t, map[string][]string{"www.hextet.test": {"2001:db8::99", "192.0.2.2"}})
	e.open(typeA, typeAAAA)
	dial := e.dialling(t.Context(), stack.Dialer{}, "www.hextet.test.:7")
	e.wantSYN("2001:db8::99", 0)
	e.clock.Advance(attemptDelay - 1)
	e.clock.Advance(1)
	e.wantSYN("192.0.2.2", attemptDelay)
	if err := within(t, dial); err != connected("192.0.2.2:7") {
		t.Error(err)
	}
	if n := e.host.OpenConns(); n != 0 {
		t.Errorf("%d conns are left", n)
	}
}

// TestEyeballsRefused: after an address that refuses, the next has its turn at once.
func TestEyeballsRefused(t *testing.T) {
	e := newEyeballs(t, map[string][]string{"www.hextet.test": {"2001:db8::2", "192.0.2.2"}})
	e.open(typeA, typeAAAA)
	err := within(t, e.dialling(t.Context(), stack.Dialer{}, "www.hextet.test.:9"))
	wantOpError(t, err, "dial", syscall.ECONNREFUSED)
	var op *net.OpError
	if !errors.As(err, &op) || op.Addr.String() != "[2001:db8::2]:9" {
		t.Errorf("%v is not the first address's", err)
	}
	e.wantSYN("2001:db8::2", 0)
	e.wantSYN("192.0.2.2", 0)
}

// TestEyeballsInterleave: the families take turns, each in the order of RFC 6724; a context ends all.
func TestEyeballsInterleave(t *testing.T) {
	for _, delay := range []time.Duration{0, 100 * time.Millisecond} {
		e := newEyeballs(t, map[string][]string{"www.hextet.test": {
			"192.0.2.91", "192.0.2.92", "2001:db8::91", "2001:db8::92", "2001:db8::93", "203.0.113.1", // the last without a route
		}})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		dial := e.dialling(ctx, stack.Dialer{FallbackDelay: delay}, "www.hextet.test.:7")
		e.open(typeA)
		e.wantDelay(50 * time.Millisecond)
		e.open(typeAAAA)
		if delay == 0 {
			delay = attemptDelay
		}
		for n, to := range []string{"2001:db8::91", "192.0.2.91", "2001:db8::92"} {
			e.wantSYN(to, time.Duration(n)*delay)
			e.clock.Advance(delay)
		}
		e.wantSYN("192.0.2.92", 3*delay)
		cancel()
		err := within(t, dial)
		wantOpError(t, err, "dial", context.Canceled)
		if n := e.host.OpenConns(); n != 0 {
			t.Errorf("%d conns are left", n)
		}
	}
}

// TestEyeballsResolutionDelay: an A answer waits 50 ms for that of AAAA, no longer; what comes later
// joins.
func TestEyeballsResolutionDelay(t *testing.T) {
	names := map[string][]string{"www.hextet.test": {"192.0.2.91", "192.0.2.92", "2001:db8::2"}}
	t.Run("late", func(t *testing.T) {
		e := newEyeballs(t, names)
		e.open(typeA)
		dial := e.dialling(t.Context(), stack.Dialer{}, "www.hextet.test.:7")
		e.wantDelay(50 * time.Millisecond)
		e.clock.Advance(50 * time.Millisecond)
		e.wantSYN("192.0.2.91", 50*time.Millisecond)
		e.wantDelay(attemptDelay)
		e.open(typeAAAA)
		// Whether the answer or the delay is first: IPv6 is next, and then the rest of IPv4.
		eventually(t, func() bool { return e.host.OpenConns() == 1 }) // the attempt; the questions are done with
		e.clock.Advance(attemptDelay)
		first := <-e.syns
		if want := netip.MustParseAddr("2001:db8::2"); first.to != want && first.to != netip.MustParseAddr("192.0.2.92") {
			t.Errorf("SYN to %v", first.to)
		} else if first.to != want {
			e.clock.Advance(attemptDelay)
			e.wantSYN("2001:db8::2", 550*time.Millisecond)
		}
		if err := within(t, dial); err != connected("[2001:db8::2]:7") {
			t.Error(err)
		}
	})
	t.Run("in time", func(t *testing.T) {
		e := newEyeballs(t, names)
		e.open(typeA)
		dial := e.dialling(t.Context(), stack.Dialer{}, "www.hextet.test.:7")
		e.wantDelay(50 * time.Millisecond)
		e.clock.Advance(49 * time.Millisecond)
		e.open(typeAAAA)
		e.wantSYN("2001:db8::2", 49*time.Millisecond)
		if err := within(t, dial); err != connected("[2001:db8::2]:7") {
			t.Error(err)
		}
	})
	t.Run("AAAA first", func(t *testing.T) {
		e := newEyeballs(t, names)
		e.open(typeAAAA)
		if err := within(t, e.dialling(t.Context(), stack.Dialer{}, "www.hextet.test.:7")); err != connected("[2001:db8::2]:7") {
			t.Error(err)
		}
	})
	t.Run("no AAAA", func(t *testing.T) {
		e := newEyeballs(t, map[string][]string{"www.hextet.test": {"192.0.2.2"}})
		e.open(typeA, typeAAAA)
		if err := within(t, e.dialling(t.Context(), stack.Dialer{}, "www.hextet.test.:7")); err != connected("192.0.2.2:7") {
			t.Error(err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		e := newEyeballs(t, names)
		ctx, cancel := context.WithCancel(t.Context())
		dial := e.dialling(ctx, stack.Dialer{}, "www.hextet.test.:7")
		e.open(typeA)
		e.wantDelay(50 * time.Millisecond)
		cancel()
		err := within(t, dial)
		wantOpError(t, err, "dial", context.Canceled)
		eventually(t, func() bool { return e.host.OpenConns() == 0 })
		e.open(typeAAAA)
	})
	t.Run("cancelled before any answer", func(t *testing.T) {
		for _, d := range []stack.Dialer{{}, {FallbackDelay: -1}} {
			e := newEyeballs(t, names)
			ctx, cancel := context.WithCancel(t.Context())
			dial := e.dialling(ctx, d, "www.hextet.test.:7")
			eventually(t, func() bool { return e.host.OpenConns() > 0 }) // a question
			cancel()
			err := within(t, dial)
			wantOpError(t, err, "dial", context.Canceled)
			eventually(t, func() bool { return e.host.OpenConns() == 0 })
			e.open(typeA, typeAAAA)
		}
	})
}

// TestEyeballsOff: with a negative delay an address is tried when the one before has failed, and with a
// local port too, which two attempts can't have.
func TestEyeballsOff(t *testing.T) {
	for name, d := range map[string]stack.Dialer{
		"negative":   {FallbackDelay: -1},
		"local port": {LocalAddr: netip.MustParseAddrPort("[2001:db8::1]:4000")},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEyeballs(t, map[string][]string{"www.hextet.test": {"2001:db8::98", "2001:db8::99", "192.0.2.2"}})
			e.open(typeA, typeAAAA)
			ctx, cancel := context.WithCancel(t.Context())
			dial := e.dialling(ctx, d, "www.hextet.test.:7")
			if first := <-e.syns; first.at != 0 || first.to.Is4() {
				t.Errorf("SYN to %v after %v", first.to, first.at)
			}
			e.clock.Advance(500 * time.Millisecond)
			cancel()
			wantOpError(t, within(t, dial), "dial", context.Canceled)
			select {
			case s := <-e.syns:
				t.Errorf("SYN to %v", s.to)
			default:
			}
		})
	}
}
