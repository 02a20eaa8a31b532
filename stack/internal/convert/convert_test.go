package convert

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

func TestAddrRoundTrip(t *testing.T) {
	for _, s := range []string{"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::25", "fe80::1", "::ffff:192.0.2.1"} {
		a := netip.MustParseAddr(s)
		if got := NetAddr(Addr(a)); got != a {
			t.Errorf("%v became %v", a, got)
		}
	}
	if got := Addr(netip.Addr{}); got.BitLen() != 0 {
		t.Errorf("the zero Addr became %v", got)
	}
	if got := NetAddr(tcpip.Address{}); got.IsValid() {
		t.Errorf("the empty address became %v", got)
	}
	if got := NetAddr(Addr(netip.MustParseAddr("fe80::1%eth0"))); got != netip.MustParseAddr("fe80::1") {
		t.Errorf("with a zone: %v", got)
	}
}

func TestSubnet(t *testing.T) {
	n := Subnet(netip.MustParsePrefix("2001:db8::77/64"))
	if n.Prefix() != 64 || NetAddr(n.ID()) != netip.MustParseAddr("2001:db8::") || !n.Contains(Addr(netip.MustParseAddr("2001:db8::1"))) {
		t.Errorf("%v", n)
	}
	if Protocol(netip.MustParseAddr("192.0.2.1")) != header.IPv4ProtocolNumber || Protocol(netip.MustParseAddr("::1")) != header.IPv6ProtocolNumber {
		t.Error("families")
	}
}

func TestError(t *testing.T) {
	if err := Error(nil); err != nil {
		t.Errorf("nil became %v", err)
	}
	for _, tt := range []struct {
		err  tcpip.Error
		want error
	}{
		{&tcpip.ErrAborted{}, net.ErrClosed},
		{&tcpip.ErrClosedForReceive{}, net.ErrClosed},
		{&tcpip.ErrUnknownNICID{}, net.ErrClosed},
		{&tcpip.ErrUnknownDevice{}, net.ErrClosed},
		{&tcpip.ErrClosedForSend{}, syscall.EPIPE},
		{&tcpip.ErrTimeout{}, syscall.ETIMEDOUT},
		{&tcpip.ErrConnectionRefused{}, syscall.ECONNREFUSED},
		{&tcpip.ErrConnectionReset{}, syscall.ECONNRESET},
		{&tcpip.ErrNetworkUnreachable{}, syscall.ENETUNREACH},
		{&tcpip.ErrHostUnreachable{}, syscall.EHOSTUNREACH},
		{&tcpip.ErrBadLocalAddress{}, syscall.EADDRNOTAVAIL},
		{&tcpip.ErrPortInUse{}, syscall.EADDRINUSE},
		{&tcpip.ErrMessageTooLong{}, syscall.EMSGSIZE},
		{&tcpip.ErrNotConnected{}, syscall.ENOTCONN},
		{&tcpip.ErrDuplicateAddress{}, syscall.EEXIST},
		{&tcpip.ErrNotPermitted{}, syscall.EPERM},
		{&tcpip.ErrUnknownProtocol{}, syscall.EPROTONOSUPPORT},
	} {
		if got := Error(tt.err); !errors.Is(got, tt.want) {
			t.Errorf("%v became %v, want %v", tt.err, got, tt.want)
		}
	}
}

// Every text in the table is a text of its own: two errors of one text would share an errno.
func TestErrnosAreDistinct(t *testing.T) {
	if got, want := len(errnos), 39; got != want {
		t.Errorf("%d texts in the table, want %d: gVisor gave two errors one text, or the table changed", got, want)
	}
}

// handClock runs what is due when told to.
type handClock struct {
	mu     sync.Mutex
	now    time.Time
	timers map[*time.Time]func()
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := new(c.now.Add(d))
	c.timers[at] = f
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, pending := c.timers[at]
		delete(c.timers, at)
		return pending
	}
}

func (c *handClock) advance(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	var due []func()
	for at, f := range c.timers {
		if !at.After(c.now) {
			due = append(due, f)
			delete(c.timers, at)
		}
	}
	c.mu.Unlock()
	for _, f := range due {
		f()
	}
}

func TestEngineClock(t *testing.T) {
	hand := &handClock{now: time.Unix(1000, 0), timers: make(map[*time.Time]func())}
	c := EngineClock(hand)
	start := c.NowMonotonic()
	hand.advance(time.Minute)
	if got := c.NowMonotonic().Sub(start); got != time.Minute {
		t.Errorf("%v of monotonic time passed in a minute", got)
	}
	if !c.Now().Equal(time.Unix(1060, 0)) {
		t.Errorf("Now is %v", c.Now())
	}
	fired := 0
	timer := c.AfterFunc(time.Second, func() { fired++ })
	hand.advance(time.Second)
	if fired != 1 || timer.Stop() {
		t.Errorf("fired %d times; Stop of an expired timer must say false", fired)
	}
	timer.Reset(time.Second)
	if !timer.Stop() {
		t.Error("Stop of a running timer must say true")
	}
	hand.advance(time.Hour)
	timer.Reset(time.Minute)
	timer.Reset(time.Second)
	hand.advance(time.Hour)
	if fired != 2 {
		t.Errorf("fired %d times, want 2", fired)
	}
}
