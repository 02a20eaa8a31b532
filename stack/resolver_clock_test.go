package stack_test

import (
	"net/netip"
	"testing"
	"time"
)

// TestResolverAheadOfTime: the standard library's deadlines are real times, which on a clock that is ahead
// have passed long ago.
func TestResolverAheadOfTime(t *testing.T) {
	clock := newSteppedClock()
	clock.Advance(100 * 365 * 24 * time.Hour)
	a, b := resolvingAt(t, clock, "192.0.2.2:53")
	(&nameServer{names: map[string][]string{"www.hextet.test": {"192.0.2.7"}}}).serve(t, b, "192.0.2.2:53")
	addrs, err := a.Resolver().LookupNetIP(t.Context(), "ip4", "www.hextet.test.")
	if err != nil || len(addrs) != 1 || addrs[0].Unmap() != netip.MustParseAddr("192.0.2.7") {
		t.Errorf("%v, %v", addrs, err)
	}
}

// TestResolverTimesOutByTheClock: a server that says nothing has its time by Config.Clock, then the next is
// asked, without waiting for real time.
func TestResolverTimesOutByTheClock(t *testing.T) {
	clock := newSteppedClock()
	a, b := resolvingAt(t, clock, "192.0.2.2:53", "[2001:db8::2]:53")
	mute := (&nameServer{mute: true}).serve(t, b, "192.0.2.2:53")
	(&nameServer{names: map[string][]string{"www.hextet.test": {"192.0.2.7"}}}).serve(t, b, "[2001:db8::2]:53")
	start := time.Now()
	found := async(func() error {
		_, err := a.Resolver().LookupNetIP(t.Context(), "ip4", "www.hextet.test.")
		return err
	})
	asked := 0
	eventually(t, func() bool { asked += mute.questions(); return asked > 0 })
	clock.Advance(time.Minute)
	if err := within(t, found); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 4*time.Second { // resolv.conf's default timeout is 5 s
		t.Errorf("it took %v of real time", took)
	}
}
