package stack

import (
	"errors"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"
)

// lateClock keeps what it is told to run later, and runs it when the test says.
type lateClock struct {
	mu    sync.Mutex
	later []func()
}

func (c *lateClock) Now() time.Time { return time.Unix(1, 0) }

func (c *lateClock) AfterFunc(_ time.Duration, f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.later = append(c.later, f)
	return func() bool { return false } // it runs already
}

// An address whose timer has gone off, and which is renewed before its turn to be removed has come, stays.
func TestRenewedWhileExpiring(t *testing.T) {
	clock := new(lateClock)
	s, err := New(Config{NoTCP: true, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, far := Pipe(1500)
	defer far.Close()
	i, err := s.Attach(InterfaceConfig{Link: l})
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddr("192.0.2.1")
	if err := i.AddAddress(Address{Prefix: netip.PrefixFrom(addr, 24), Valid: time.Hour}); err != nil {
		t.Fatal(err)
	}
	clock.mu.Lock()
	expire := clock.later[len(clock.later)-1]
	clock.mu.Unlock()
	if err := i.SetLifetimes(addr, 0, 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	e, _ := i.entry(addr)
	expire() // the timer of the hour
	if as := i.Addresses(); len(as) != 1 || as[0].Valid != 2*time.Hour {
		t.Errorf("%+v", as)
	}
	i.removeExpired(e, e.life)
	if as := i.Addresses(); len(as) != 0 {
		t.Errorf("%+v", as)
	}
	if s.book.setLifetimes(clock, e, never, never) || i.SetLifetimes(addr, 0, 0) == nil {
		t.Error("what is gone was renewed")
	}
	if err := i.SetSkipAsSource(addr, true); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Error(err)
	}
}
