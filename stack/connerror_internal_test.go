package stack

import (
	"net/netip"
	"testing"
	"time"
)

// Of more errors than are kept the oldest go, and a conn gets its latest.
func TestConnErrorsForgetTheOldest(t *testing.T) {
	conn := func(port uint16) tuple {
		return tuple{proto: 17, remote: netip.AddrPortFrom(netip.IPv6Loopback(), port)}
	}
	var (
		errs connErrors
		now  = time.Unix(0, 0)
		made [2*connErrorsMax + 3]*ICMPError
	)
	if errs.take(now, conn(0)) != nil {
		t.Error("an error that nobody noted")
	}
	errs.note(now, conn(1000), new(ICMPError))
	latest := new(ICMPError)
	errs.note(now, conn(1000), latest)
	if errs.take(now, conn(1000)) != latest || errs.take(now, conn(1000)) != nil {
		t.Error("not the latest alone")
	}
	for n := range made {
		made[n] = new(ICMPError)
		errs.note(now, conn(uint16(n)), made[n])
	}
	if errs.take(now.Add(connErrorTime), conn(uint16(len(made)-1))) != nil {
		t.Error("an old error")
	}
	for n, want := range made[:len(made)-1] {
		if n < len(made)-connErrorsMax {
			want = nil
		}
		if got := errs.take(now, conn(uint16(n))); got != want {
			t.Errorf("conn %d: %p, want %p", n, got, want)
		}
	}
}
