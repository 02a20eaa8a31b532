package stack_test

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

// steppedClock stands still until Advance moves it, firing what is due in order on the caller's
// goroutine.
type steppedClock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*steppedTimer // by time, then by age
}

type steppedTimer struct {
	at time.Time
	f  func()
}

var _ stack.Clock = (*steppedClock)(nil)

func newSteppedClock() *steppedClock {
	return &steppedClock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

func (c *steppedClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *steppedClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &steppedTimer{at: c.now.Add(d), f: f}
	n := len(c.timers)
	for n > 0 && c.timers[n-1].at.After(t.at) {
		n--
	}
	c.timers = slices.Insert(c.timers, n, t)
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		n := slices.Index(c.timers, t)
		if n >= 0 {
			c.timers = slices.Delete(c.timers, n, n+1)
		}
		return n >= 0
	}
}

func (c *steppedClock) Advance(d time.Duration) {
	c.mu.Lock()
	end := c.now.Add(d)
	for len(c.timers) > 0 && !c.timers[0].at.After(end) {
		t := c.timers[0]
		c.timers = c.timers[1:]
		if t.at.After(c.now) {
			c.now = t.at
		}
		c.mu.Unlock()
		t.f()
		c.mu.Lock()
	}
	c.now = end
	c.mu.Unlock()
}

// pending returns how many timers run.
func (c *steppedClock) pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.timers)
}

// steppedPair is pair on a clock that the test moves.
func steppedPair(t *testing.T, noTCP bool) (a, b *stack.Stack, clock *steppedClock) {
	t.Helper()
	clock = newSteppedClock()
	la, lb := stack.Pipe(1500)
	cfg := stack.Config{Clock: clock, NoTCP: noTCP}
	a, b = newStack(t, cfg), newStack(t, cfg)
	attach(t, a, "eth0", la, plain("2001:db8::1/64"), plain("192.0.2.1/24"))
	attach(t, b, "eth0", lb, plain("2001:db8::2/64"), plain("192.0.2.2/24"))
	return a, b, clock
}

// async runs f on a goroutine and returns where its error comes.
func async(f func() error) <-chan error {
	c := make(chan error, 1)
	go func() { c <- f() }()
	return c
}

// within waits for async's result.
func within(t *testing.T, c <-chan error) error {
	t.Helper()
	select {
	case err := <-c:
		return err
	case <-time.After(30 * time.Second):
		t.Fatal("the call did not return")
		return nil
	}
}

// TestDeadlinesOfTheClock: an hour of deadline takes no hour, whether it was set before or during
// the wait.
func TestDeadlinesOfTheClock(t *testing.T) {
	a, b, clock := steppedPair(t, false)
	client, server := dialPair(t, a, b, "tcp", "[2001:db8::2]:0")
	defer client.Close()
	defer server.Close()
	udp, err := a.ListenPacket(t.Context(), "udp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	l, err := a.Listen(t.Context(), "tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}

	waits := []struct {
		name string
		long time.Duration
		set  func(time.Time) error
		wait func() error
	}{
		{"tcp read", time.Hour, client.SetReadDeadline, func() error { _, err := client.Read(make([]byte, 1)); return err }},
		{"udp read", time.Hour, udp.SetDeadline, func() error { _, _, err := udp.ReadFrom(make([]byte, 1)); return err }},
		{"accept", time.Hour, l.(*stack.TCPListener).SetDeadline, func() error { _, err := l.Accept(); return err }},
		// Shorter than a retransmission timeout: while the clock jumps, the peer can't answer.
		{"tcp write", 50 * time.Millisecond, server.SetWriteDeadline, func() error {
			for {
				if _, err := server.Write(make([]byte, 1<<20)); err != nil {
					return err
				}
			}
		}},
	}
	for _, w := range waits {
		t.Run(w.name, func(t *testing.T) {
			if err := w.set(clock.Now().Add(w.long)); err != nil {
				t.Fatal(err)
			}
			done := async(w.wait)
			clock.Advance(w.long - time.Nanosecond)
			select {
			case err := <-done:
				t.Fatalf("returned a nanosecond early: %v", err)
			default:
			}
			clock.Advance(time.Nanosecond)
			wantTimeout(t, within(t, done))
			wantTimeout(t, w.wait()) // it stays passed

			// A later deadline lets go on, and an earlier one reaches who waits.
			w.set(clock.Now().Add(2 * w.long))
			done = async(w.wait)
			w.set(clock.Now().Add(w.long / 60))
			clock.Advance(w.long / 60)
			wantTimeout(t, within(t, done))

			// So does a longer one: the old time passes without effect.
			w.set(clock.Now().Add(w.long / 60))
			done = async(w.wait)
			w.set(clock.Now().Add(w.long))
			clock.Advance(w.long - time.Nanosecond)
			select {
			case err := <-done:
				t.Fatalf("the deadline that was replaced ended the wait: %v", err)
			default:
			}
			clock.Advance(time.Nanosecond)
			wantTimeout(t, within(t, done))
		})
	}
}

// TestSetDeadlineFromATimer: who drives the clock may set a deadline that is due at the same moment.
func TestSetDeadlineFromATimer(t *testing.T) {
	a, _, clock := steppedPair(t, true)
	c, err := a.ListenPacket(t.Context(), "udp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	at := clock.Now().Add(time.Second)
	clock.AfterFunc(time.Second, func() { c.SetReadDeadline(at.Add(time.Second)) })
	c.SetReadDeadline(at)
	clock.AfterFunc(time.Second, func() { c.SetReadDeadline(at.Add(time.Second)) })
	done := async(func() error { _, _, err := c.ReadFrom(make([]byte, 1)); return err })
	clock.Advance(time.Second)
	clock.Advance(time.Second)
	wantTimeout(t, within(t, done))
}

// TestCloseStopsTimers: a closed conn leaves no deadline behind.
func TestCloseStopsTimers(t *testing.T) {
	a, _, clock := steppedPair(t, true)
	before := clock.pending()
	for range 10 {
		c, err := a.ListenPacket(t.Context(), "udp", ":0")
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(clock.Now().Add(time.Hour))
		c.SetDeadline(clock.Now().Add(2 * time.Hour))
		if n := clock.pending(); n != before+2 {
			t.Fatalf("%d timers for 2 deadlines", n-before)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if err := c.SetDeadline(clock.Now()); !errors.Is(err, net.ErrClosed) {
			t.Fatalf("SetDeadline after Close: %v", err)
		}
	}
	if n := clock.pending(); n != before {
		t.Errorf("%d timers are left", n-before)
	}
}

// wantTimeout checks what a deadline makes of a call.
func wantTimeout(t *testing.T, err error) {
	t.Helper()
	var ne net.Error
	if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
		t.Errorf("got %v (%T), want a timeout", err, err)
	}
	var op *net.OpError
	if !errors.As(err, &op) {
		t.Errorf("%T is no *net.OpError", err)
	}
}

// wantClosed checks what Close makes of a call.
func wantClosed(t *testing.T, err error) {
	t.Helper()
	var op *net.OpError
	if !errors.Is(err, net.ErrClosed) || !errors.As(err, &op) {
		t.Errorf("got %v (%T), want a *net.OpError with net.ErrClosed", err, err)
	}
}

// readAll reads to the end of a stream.
func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}
