package stack_test

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/internal/ndp"
)

// What shows that another station has the address, or is about to take it, and what does not.
func TestOptimisticClaims(t *testing.T) {
	other := netip.MustParseAddr("2001:db8:1::ff:fe00:2")
	advertisementFrom := func(src, dst, target netip.Addr, flags byte) []byte {
		b := target.As16()
		msg := append(append([]byte{136, 0, 0, 0, flags, 0, 0, 0}, b[:]...), 2, 1, 2, 0, 0, 0, 0, 2)
		return ndpPacket(src, dst, msg)
	}
	advertisement := func(dst, target netip.Addr, flags byte) []byte { return advertisementFrom(router1, dst, target, flags) }
	far := func(pkt []byte) []byte { pkt[7] = 254; return pkt }
	corrupt := func(pkt []byte) []byte { pkt[42] ^= 1; return pkt }
	for _, c := range []struct {
		name string
		pkt  []byte
		want string
	}{
		{"an advertisement", advertisement(ndp.AllNodes, formed, 0x20), "duplicate"},
		{"one without Override", advertisement(ndp.AllNodes, formed, 0), "duplicate"},
		{"an advertisement from the address itself", advertisementFrom(formed, ndp.AllNodes, formed, 0x20), "duplicate"}, // as Linux sends it
		{"a probe", ndp.Probe(formed, [6]byte{1, 2, 3, 4, 5, 6}), "duplicate"},
		{"an advertisement of another address", advertisement(ndp.AllNodes, other, 0x20), "optimistic"},
		{"an advertisement from afar", far(advertisement(ndp.AllNodes, formed, 0x20)), "optimistic"},
		{"a corrupted advertisement", corrupt(advertisement(ndp.AllNodes, formed, 0x20)), "optimistic"},
		{"a solicited advertisement to all", advertisement(ndp.AllNodes, formed, 0x40), "optimistic"},
		{"a probe from afar", far(ndp.Probe(formed, [6]byte{1, 2, 3, 4, 5, 6})), "optimistic"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, i, r := optimisticHost(t, optimisticConfig)
				r.frames()
				r.write(c.pkt)
				r.write(c.pkt)
				expectAddresses(t, i, formed.String()+"/64 "+c.want)
				expectFrames(t, r) // nothing is answered: not a probe either
			})
		})
	}
}

// A duplicate is taken away from those who use it, and stays to be seen.
func TestOptimisticDuplicate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, i, r := slaacHost(t, stack.Config{NoTCP: true}, optimisticConfig)
		told := tells(t, s, formed)
		r.advertise(from(router1, "2001:db8:1::/64"))
		expectAddresses(t, i, formed.String()+"/64 optimistic")
		connected := dialUDP(t, s, "[2001:db8:ffff::1]:7")
		bound, err := s.ListenPacket(t.Context(), "udp", net.JoinHostPort(formed.String(), "9"))
		if err != nil {
			t.Fatal(err)
		}
		defer bound.Close()
		raw, err := s.ListenRaw(17, formed)
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		to := &net.UDPAddr{IP: net.ParseIP("2001:db8:ffff::1"), Port: 7}
		writes := map[string]func() error{
			"connected": func() error { _, err := connected.Write([]byte("x")); return err },
			"bound":     func() error { _, err := bound.WriteTo([]byte("x"), to); return err },
			"raw":       func() error { _, err := raw.WriteTo(make([]byte, 8), nil, &net.IPAddr{IP: to.IP}); return err },
		}
		for name, write := range writes {
			if err := write(); err != nil {
				t.Errorf("%s, while optimistic: %v", name, err)
			}
		}
		r.take(formed)
		r.defend(formed)
		expectAddresses(t, i, formed.String()+"/64 duplicate")
		r.frames()
		for name, write := range writes {
			if err := write(); err == nil {
				t.Errorf("%s: a write from a duplicate address succeeded", name)
			}
		}
		r.write(unhex(t, solicited))
		expectFrames(t, r)
		if err := i.WaitAssigned(t.Context()); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("WaitAssigned: %v", err)
		}
		if got := source(t, s, "2001:db8:ffff::1"); got != "fe80::ff:fe00:1" {
			t.Errorf("source %s, want the only address left", got)
		}
		pass(time.Hour) // nothing that had begun brings it back
		r.advertise(from(router1, "2001:db8:1::/64"))
		expectAddresses(t, i, formed.String()+"/64 duplicate")
		if err := i.RemoveAddress(formed); err != nil {
			t.Error(err)
		}
		synctest.Wait() // for who watches
		r.mu.Lock()
		delete(r.taken, formed)
		r.mu.Unlock()
		r.advertise(from(router1, "2001:db8:1::/64"))
		expectAddresses(t, i, formed.String()+"/64 optimistic")
		pass(time.Second)
		expectAddresses(t, i, formed.String()+"/64 assigned")
		s.Close()
		if got, want := told(), []string{"optimistic", "duplicate", "removed", "optimistic", "assigned", "removed"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

// An opaque identifier is followed by another, which is used at once too.
func TestOptimisticDuplicateOpaque(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := optimisticConfig
		cfg.StableSecret, cfg.TemporaryAddresses = []byte("sixteen bytes or"), true
		_, i, r := slaacHost(t, stack.Config{NoTCP: true}, cfg)
		r.advertise(from(router1, "2001:db8:1::/64"))
		var lost []netip.Addr
		for _, a := range i.Addresses()[1:] {
			if a.State != stack.Optimistic {
				t.Fatalf("%+v", a)
			}
			lost = append(lost, a.Prefix.Addr())
		}
		r.take(lost...)
		for _, a := range lost {
			r.defend(a)
		}
		synctest.Wait()
		as := i.Addresses()[1:]
		if len(lost) != 2 || len(as) != 2 {
			t.Fatalf("%d addresses lost, %d left: %+v", len(lost), len(as), as)
		}
		for _, a := range as {
			if a.State != stack.Optimistic || slices.Contains(lost, a.Prefix.Addr()) {
				t.Errorf("%v is %v", a.Prefix, a.State)
			}
		}
		pass(time.Second)
		if err := i.WaitAssigned(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// RFC 7527 section 4: a probe that the link brings back is nobody's claim, and three more follow, once.
func TestOptimisticProbesLoopedBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, i, r := optimisticHost(t, optimisticConfig)
		probes := 0
		for range 50 {
			for _, f := range r.frames() {
				if len(f) == 86 && f[54] == 135 && netip.AddrFrom16([16]byte(f[62:78])) == formed {
					probes++
					r.write(f[14:])
				} else if f[54] == 136 {
					t.Errorf("it advertised %x", f[14:])
				}
			}
			if i.Addresses()[1].State == stack.Assigned {
				break
			}
			expectAddresses(t, i, formed.String()+"/64 optimistic")
			pass(100 * time.Millisecond)
		}
		if probes != 4 {
			t.Errorf("%d probes, want 1 and 3", probes)
		}
		expectAddresses(t, i, formed.String()+"/64 assigned")
	})
}

// Removed, or its interface detached, in the middle: nothing comes of it, also when the same address is there
// again before the first detection would have ended.
func TestOptimisticRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, i, r := optimisticHost(t, optimisticConfig)
		if _, err := dialUDP(t, s, "["+neighbour99+"]:7").Write([]byte("wait")); err != nil {
			t.Fatal(err)
		}
		pass(600 * time.Millisecond)
		if err := i.RemoveAddress(formed); err != nil {
			t.Fatal(err)
		}
		r.frames()
		r.advertise(from(router1, "2001:db8:1::/64"))
		expectAddresses(t, i, formed.String()+"/64 optimistic")
		if fs := r.frames(); len(fs) != 1 {
			t.Errorf("%d frames, want a probe: %x", len(fs), fs)
		} else {
			expectProbe(t, fs[0])
		}
		pass(time.Second - 1)
		expectAddresses(t, i, formed.String()+"/64 optimistic")
		if err := i.Detach(); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour)
	})
}

// The same on a clock that the test moves, with TCP: a connection begins at once, and ends with the address.
func TestOptimisticTCP(t *testing.T) {
	clock := newSteppedClock()
	near, far := ethernet()
	r := &routers{link: far}
	done := make(chan struct{})
	go func() { defer close(done); r.read() }()
	defer func() { far.Close(); <-done }()
	s := newStack(t, stack.Config{Clock: clock})
	cfg := optimisticConfig
	cfg.Name, cfg.Link = "eth0", near
	i, err := s.Attach(cfg)
	if err != nil {
		t.Fatal(err)
	}
	becomes := func(state string) {
		t.Helper()
		eventually(t, func() bool {
			clock.Advance(0)
			return slices.Equal(addresses(i), []string{formed.String() + "/64 " + state})
		})
	}
	ra := from(router1, "2001:db8:1::/64")
	r.write(ra.Packet(ndp.AllNodes, routerMAC))
	becomes("optimistic")
	dial := async(func() error { _, err := s.DialContext(t.Context(), "tcp", "[2001:db8:ffff::1]:80"); return err })
	eventually(t, func() bool {
		clock.Advance(0)
		r.mu.Lock()
		defer r.mu.Unlock()
		return slices.ContainsFunc(r.seen, func(f []byte) bool { return f[20] == 6 && netip.AddrFrom16([16]byte(f[22:])) == formed })
	})
	r.write(ndp.Probe(formed, [6]byte{1, 2, 3, 4, 5, 6}))
	becomes("duplicate")
	clock.Advance(10 * time.Minute)
	wantOpError(t, within(t, dial), "dial")
}
