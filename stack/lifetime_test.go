package stack_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

// The life of an address (RFC 4862 section 5.5.4): preferred, deprecated, gone; a day of it in no time.
func TestLifetimes(t *testing.T) {
	clock := newSteppedClock()
	s := newStack(t, stack.Config{Clock: clock})
	l, far := stack.Pipe(1500)
	defer far.Close()
	i := attach(t, s, "eth0", l,
		stack.Address{Prefix: netip.MustParsePrefix("2001:db8::1/64"), Preferred: time.Hour, Valid: 24 * time.Hour},
		plain("2001:db8::2/64"),
		stack.Address{Prefix: netip.MustParsePrefix("2001:db8:7::1/64"), Valid: time.Hour})
	if got := source(t, s, "2001:db8::9"); got != "2001:db8::1" {
		t.Errorf("while preferred: %s", got)
	}
	clock.Advance(time.Hour - 1)
	if got, n := source(t, s, "2001:db8::9"), len(i.Addresses()); got != "2001:db8::1" || n != 3 {
		t.Errorf("a nanosecond before the hour: %s, %d addresses", got, n)
	}
	clock.Advance(1)
	if got := source(t, s, "2001:db8::9"); got != "2001:db8::2" {
		t.Errorf("once deprecated: %s", got)
	}
	if n := len(i.Addresses()); n != 2 {
		t.Errorf("%d addresses after an hour, want 2", n)
	}
	for _, r := range s.Routes() {
		if r.Destination == netip.MustParsePrefix("2001:db8:7::/64") {
			t.Errorf("the prefix of an address that is gone is still on the link: %v", r)
		}
	}
	i.SetSkipAsSource(netip.MustParseAddr("2001:db8::2"), true)
	if got := source(t, s, "2001:db8::9"); got != "2001:db8::1" {
		t.Errorf("with only the deprecated one left: %s; deprecated is a last resort, skip never is", got)
	}
	clock.Advance(23 * time.Hour)
	if as := i.Addresses(); len(as) != 1 || as[0].Prefix.Addr() != netip.MustParseAddr("2001:db8::2") {
		t.Errorf("after a day: %v", as)
	}
}

// The timers of an address end with it.
func TestRemovedAddressKeepsNoTimer(t *testing.T) {
	clock := newSteppedClock()
	s := newStack(t, stack.Config{Clock: clock})
	l, far := stack.Pipe(1500)
	defer far.Close()
	i := attach(t, s, "eth0", l)
	before := clock.pending()
	a := stack.Address{Prefix: netip.MustParsePrefix("192.0.2.1/24"), Preferred: time.Hour, Valid: 2 * time.Hour}
	if err := i.AddAddress(a); err != nil {
		t.Fatal(err)
	}
	if got := clock.pending(); got != before+2 {
		t.Errorf("%d timers, want %d", got, before+2)
	}
	i.RemoveAddress(a.Prefix.Addr())
	if got := clock.pending(); got != before {
		t.Errorf("%d timers after the address was removed, want %d", got, before)
	}
	i.AddAddress(plain("192.0.2.1/24")) // now for ever
	clock.Advance(3 * time.Hour)
	if len(i.Addresses()) != 1 {
		t.Error("an old timer removed the new address")
	}
}
