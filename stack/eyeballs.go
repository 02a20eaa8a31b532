package stack

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/hextet/hextet/stack/internal/turn"
)

// The times of RFC 8305 section 8.
const (
	// "Resolution Delay (Section 3): The time to wait for a AAAA response after receiving an A
	// response. Recommended to be 50 milliseconds."
	resolutionDelay = 50 * time.Millisecond

	// "Connection Attempt Delay (Section 5): The time to wait between connection attempts in the
	// absence of RTT data. Recommended to be 250 milliseconds."
	connectionAttemptDelay = 250 * time.Millisecond
)

// race is one dial with Happy Eyeballs (RFC 8305). One goroutine, that of the caller, decides; each
// lookup and each attempt has one of its own, which has ended when the race is over.
type race struct {
	d    *Dialer
	n    network
	port uint16

	ctx      context.Context
	lookups  int // that have not answered
	running  int // attempts
	answers  chan answer
	attempts chan attempt

	addrs    []netip.Addr // not attempted yet, in order
	resolved bool         // no more is to be waited for
	last     family       // of the latest attempt

	lookupErr error
	firstErr  error // of the earliest attempt that failed
	firstNth  int
	nth       int // attempts so far
	won       net.Conn

	resolution, pause timer
}

// answer is what a lookup found.
type answer struct {
	f     family
	addrs []netip.Addr
	err   error
}

// attempt is what became of one.
type attempt struct {
	nth int
	c   net.Conn
	err error
}

// timer is a channel that is closed once some time has passed on a clock.
type timer struct {
	c    chan struct{} // nil: not started
	stop func() bool
}

func (t *timer) start(clock Clock, d time.Duration) {
	c := make(chan struct{})
	t.c, t.stop = c, clock.AfterFunc(d, func() { close(c) })
}

// end stops the timer, whether it was started or not.
func (t *timer) end() {
	if t.stop != nil {
		t.stop()
	}
	*t = timer{}
}

// raceTo dials the first of the addresses to answer. If there are none, host is looked up.
func (d *Dialer) raceTo(ctx context.Context, n network, addrs []netip.Addr, host string, port uint16) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &race{
		d: d, n: n, port: port, ctx: ctx,
		addrs: addrs, resolved: len(addrs) > 0,
		answers: make(chan answer, 1), attempts: make(chan attempt, 1),
	}
	if !r.resolved {
		r.lookUp(host)
	}
	r.run()
	cancel()
	for r.lookups+r.running > 0 { // the losers
		r.yield()
		select {
		case <-r.answers:
			r.lookups--
		case a := <-r.attempts:
			r.running--
			if a.c != nil {
				a.c.Close()
			}
		}
	}
	r.resolution.end()
	r.pause.end()
	if r.won != nil {
		return r.won, nil
	}
	return nil, r.err(ctx)
}

// err is why nothing was dialled: the first attempt's error tells most.
func (r *race) err(ctx context.Context) error {
	if r.firstErr != nil {
		return r.firstErr
	}
	if r.lookupErr == nil {
		r.lookupErr = contextError(ctx)
	}
	return &net.OpError{Op: "dial", Net: r.n.name, Err: r.lookupErr}
}

// lookUp asks for the addresses of each family.
//
// RFC 8305 section 3: "Both queries SHOULD be made as soon after one another as possible".
func (r *race) lookUp(host string) {
	families := []family{onlyIPv6, onlyIPv4}
	if r.n.family != 0 {
		families = []family{r.n.family}
	}
	for _, f := range families {
		r.lookups++
		n := r.n
		n.family = f
		s := r.d.Stack
		s.start(func() {
			addrs, err := s.lookup(r.ctx, n, host)
			give(s, r.answers, answer{f, addrs, err})
		})
	}
}

// run goes on until an attempt has succeeded, or until there is nothing left to try or to wait for.
func (r *race) run() {
	done := r.ctx.Done()
	for {
		if r.resolved && r.pause.c == nil && len(r.addrs) > 0 {
			r.start()
		}
		if r.running+r.lookups == 0 && len(r.addrs) == 0 {
			return
		}
		r.yield(done)
		select {
		case a := <-r.answers:
			r.answer(a)
		case a := <-r.attempts:
			r.running--
			if a.err == nil {
				r.won = a.c
				return
			}
			if r.firstErr == nil || a.nth < r.firstNth {
				r.firstErr, r.firstNth = a.err, a.nth
			}
			if errors.Is(a.err, net.ErrClosed) {
				return // the stack's end is that of all
			}
			r.pause.end() // the next one at once
		case <-r.resolution.c:
			r.resolution.end()
			r.resolved = true
		case <-r.pause.c:
			r.pause.end()
		case <-done:
			if r.running == 0 {
				return
			}
			r.addrs, done = nil, nil // attempts end with the context, and say so
		}
	}
}

// yield waits for whatever the race goes on with, if somebody else decides when.
func (r *race) yield(done ...<-chan struct{}) {
	s := r.d.Stack
	if s.turn == nil {
		return
	}
	s.turn.Wait(func() bool {
		return len(r.answers)+len(r.attempts) > 0 || turn.Ready(r.resolution.c, r.pause.c) || turn.Ready(done...)
	})
}

// give sends v when there is room for it.
func give[T any](s *Stack, c chan T, v T) {
	if s.turn != nil {
		s.turn.Wait(func() bool { return len(c) < cap(c) })
	}
	c <- v
}

// answer takes the addresses of a family over.
//
// RFC 8305 section 3: "If a positive AAAA response (a response containing at least one valid AAAA
// record) is received first, the first IPv6 connection attempt is immediately started." Otherwise: "If a
// positive A response is received first due to reordering, the client SHOULD wait a short time for the AAAA
// response to ensure that preference is given to IPv6". And of what comes later: "the newly received IPv6
// addresses are incorporated into the list of available candidate addresses".
func (r *race) answer(a answer) {
	r.lookups--
	if a.err != nil {
		if r.lookupErr == nil || !isNotFound(a.err) {
			r.lookupErr = a.err
		}
	} else if r.ctx.Err() == nil {
		r.addrs = r.d.order(append(r.addrs, a.addrs...), r.last)
	}
	switch {
	case r.lookups == 0 || a.f == onlyIPv6 && r.usable():
		r.resolution.end()
		r.resolved = true
	case r.usable() && !r.resolved:
		r.resolution.start(r.d.Stack.clock, resolutionDelay)
	}
}

// usable reports whether there is an address with a route.
func (r *race) usable() bool {
	if len(r.addrs) == 0 {
		return false
	}
	_, ok := r.d.query(r.addrs[0]) // order puts those without last
	return ok
}

func isNotFound(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

// start attempts the next address.
//
// RFC 8305 section 5: "one connection attempt to a single address is started first, followed by the others in
// the list, one at a time. Starting a new connection attempt does not affect previous attempts".
func (r *race) start() {
	to := netip.AddrPortFrom(r.addrs[0], r.port)
	r.addrs = r.addrs[1:]
	r.last = familyOf(to.Addr())
	nth := r.nth
	r.nth++
	r.running++
	r.pause.start(r.d.Stack.clock, r.d.attemptDelay())
	s := r.d.Stack
	s.start(func() {
		c, err := r.d.dialOne(r.ctx, r.n, to)
		give(s, r.attempts, attempt{nth, c, err})
	})
}

func familyOf(a netip.Addr) family {
	if a.Is4() {
		return onlyIPv4
	}
	return onlyIPv6
}

// interleave mixes the families and leaves the order within each alone. last is the family that had its
// turn before, or 0.
//
// RFC 8305 section 4: "Next, the client SHOULD modify the ordered list to interleave address families.
// Whichever address family is first in the list should be followed by an address of the other address
// family".
func interleave(addrs []netip.Addr, last family) []netip.Addr {
	mixed := make([]netip.Addr, 0, len(addrs))
	for len(addrs) > 0 {
		next := max(0, slices.IndexFunc(addrs, func(a netip.Addr) bool { return familyOf(a) != last }))
		last = familyOf(addrs[next])
		mixed = append(mixed, addrs[next])
		addrs = slices.Delete(addrs, next, next+1)
	}
	return mixed
}
