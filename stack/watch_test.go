package stack_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hextet/hextet/stack"
)

// observe collects what a watcher is told, as text, until it is told to stop.
func observe(ctx context.Context, s *stack.Stack) (told func() []string, done <-chan struct{}) {
	var mu sync.Mutex
	var texts []string
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for e := range s.Watch(ctx) {
			mu.Lock()
			texts = append(texts, e.String())
			mu.Unlock()
		}
	}()
	return func() []string {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		all := texts
		texts = nil
		return all
	}, ended
}

// Everything that happens to a host, in order, by somebody who keeps up.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, i, r := slaacHost(t, stack.Config{NoTCP: true}, stack.InterfaceConfig{SLAAC: true, DAD: true})
		told, done := observe(t.Context(), s)
		expect := func(what string, want ...string) {
			t.Helper()
			if got := told(); !slices.Equal(got, want) {
				t.Errorf("%s:\ngot  %q\nwant %q", what, got, want)
			}
		}
		expect("what there is",
			"link eth0 up", "routers eth0: 0 routers, 0 routes, 0 prefixes, 0 DNS servers, 0 search domains",
			"address eth0 fe80::ff:fe00:1/64 tentative", "route fe80::/64 dev eth0")
		pass(time.Second)
		expect("detection ended", "address eth0 fe80::ff:fe00:1/64 assigned")
		pass(time.Minute) // solicitations are no events
		expect("nothing happened")
		r.advertise(from(router1, "2001:db8:1::/64"))
		got := told()
		slices.Sort(got)
		if want := []string{
			"address eth0 2001:db8:1::ff:fe00:1/64 tentative",
			"route 2001:db8:1::/64 dev eth0",
			"route ::/0 via fe80::1 dev eth0 metric 1024",
			"routers eth0: 1 router, 0 routes, 1 prefix, 0 DNS servers, 0 search domains",
		}; !slices.Equal(got, want) {
			t.Errorf("an advertisement:\ngot  %q\nwant %q", got, want)
		}
		pass(time.Second)
		expect("it is assigned", "address eth0 2001:db8:1::ff:fe00:1/64 assigned")
		addr := netip.MustParseAddr("2001:db8:1::ff:fe00:1")
		i.SetSkipAsSource(addr, true)
		i.SetSkipAsSource(addr, true) // no change
		expect("flag", "address eth0 2001:db8:1::ff:fe00:1/64 assigned skipassource")
		pass(4 * time.Hour)
		expect("lifetimes",
			"route ::/0 via fe80::1 dev eth0 metric 1024 removed",
			"routers eth0: 0 routers, 0 routes, 1 prefix, 0 DNS servers, 0 search domains",
			"address eth0 2001:db8:1::ff:fe00:1/64 assigned skipassource deprecated")
		if err := i.AddAddress(plain("192.0.2.1/24")); err != nil {
			t.Fatal(err)
		}
		expect("an address", "address eth0 192.0.2.1/24 assigned", "route 192.0.2.0/24 dev eth0")
		r.take(netip.MustParseAddr("2001:db8::2"))
		i.AddAddress(plain("2001:db8::2/128"))
		if got := told(); got[len(got)-1] != "address eth0 2001:db8::2/128 duplicate" {
			t.Errorf("a duplicate: %q", got)
		}
		i.RemoveAddress(netip.MustParseAddr("192.0.2.1"))
		expect("one less", "address eth0 192.0.2.1/24 removed", "route 192.0.2.0/24 dev eth0 removed")
		s.Close()
		<-done
		got = told()
		slices.Sort(got)
		if want := []string{
			"address eth0 2001:db8:1::ff:fe00:1/64 removed", "address eth0 2001:db8::2/128 removed", "address eth0 fe80::ff:fe00:1/64 removed",
			"link eth0 removed", "route 2001:db8:1::/64 dev eth0 removed", "route fe80::/64 dev eth0 removed", "routers eth0: removed",
		}; !slices.Equal(got, want) {
			t.Errorf("Close:\ngot  %q\nwant %q", got, want)
		}
	})
}

// A loop that does not look for a while is told the outcome, once, and nothing of what came and went.
func TestWatchCoalesces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, stack.Config{NoTCP: true})
		l, far := stack.Pipe(1500)
		defer far.Close()
		i := attach(t, s, "eth0", l, plain("2001:db8::1/64"), plain("2001:db8::2/64"))
		var texts []string
		looked := 0
		for e := range s.Watch(t.Context()) {
			if looked++; looked == 1 { // it has seen the link, and now sleeps
				continue
			}
			texts = append(texts, e.String())
			if looked == 2 {
				for n := range 10_000 {
					i.SetSkipAsSource(netip.MustParseAddr("2001:db8::1"), n%2 == 0)
					i.AddAddress(plain("2001:db8::9/64"))
					i.RemoveAddress(netip.MustParseAddr("2001:db8::9"))
				}
				i.RemoveAddress(netip.MustParseAddr("2001:db8::2"))
				i.AddAddress(plain("192.0.2.1/32"))
			}
			if e, ok := e.(stack.AddressEvent); ok && e.Prefix.Addr().Is4() {
				break
			}
		}
		// It was told of ::1 and the route before ::2 went; ::2 came and went without it.
		want := []string{
			"address eth0 2001:db8::1/64 assigned", // looked == 2
			"route 2001:db8::/64 dev eth0",
			"address eth0 2001:db8::1/64 assigned",
			"address eth0 192.0.2.1/32 assigned",
		}
		if !slices.Equal(texts, want) {
			t.Errorf("got  %q\nwant %q", texts, want)
		}
	})
}

// Whatever happens, by however many at once, and however slow a watcher is: in the end what it was told
// is what there is.
func TestWatchersEndUpRight(t *testing.T) {
	s := newStack(t, stack.Config{NoTCP: true})
	l, far := stack.Pipe(1500)
	defer far.Close()
	i := attach(t, s, "eth0", l, plain("2001:db8:ffff::1/64"))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	end := plain("2001:db8:eeee::1/64")

	var watching, working sync.WaitGroup
	results := make([]map[string]string, 4)
	for n := range results {
		watching.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(n)))
			mirror := make(map[string]string)
			for e := range s.Watch(ctx) {
				key, text, removed := describe(e)
				if removed {
					if mirror[key] == "" {
						t.Errorf("told that %s is gone, and never that it was there", key)
					}
					delete(mirror, key)
				} else {
					mirror[key] = text
				}
				for range rng.IntN(1 + 300*n) { // slower and slower
					_ = i.Index()
				}
				if mirror["address "+end.Prefix.String()] != "" && mirror["route "+end.Prefix.Masked().String()] != "" {
					break // what comes first in the order is told first
				}
			}
			results[n] = mirror
		})
	}
	for n := range 3 {
		working.Go(func() {
			rng := rand.New(rand.NewPCG(2, uint64(n)))
			for range 2000 {
				a := plain(fmt.Sprintf("2001:db8:%x::%x/64", rng.IntN(4), 1+rng.IntN(4)))
				switch rng.IntN(4) {
				case 0, 1:
					i.AddAddress(a)
				case 2:
					i.RemoveAddress(a.Prefix.Addr())
				case 3:
					i.SetSkipAsSource(a.Prefix.Addr(), rng.IntN(2) == 0)
				}
			}
		})
	}
	working.Wait()
	if err := i.AddAddress(end); err != nil {
		t.Fatal(err)
	}
	watching.Wait()
	want := make(map[string]string)
	for _, a := range i.Addresses() {
		key, text, _ := describe(stack.AddressEvent{Interface: "eth0", AddressInfo: a})
		want[key] = text
	}
	for _, r := range s.Routes() {
		key, text, _ := describe(stack.RouteEvent{Route: r})
		want[key] = text
	}
	want["link eth0"] = "link eth0 up"
	for n, got := range results {
		if !maps.Equal(got, want) {
			t.Errorf("watcher %d believes\n%v\nand there is\n%v", n, got, want)
		}
	}
}

// describe returns what an event is about, and how it is.
func describe(e stack.Event) (key, text string, removed bool) {
	switch e := e.(type) {
	case stack.LinkEvent:
		return "link " + e.Interface, e.String(), e.Removed
	case stack.AddressEvent:
		return "address " + e.Prefix.String(), e.String(), e.Removed
	case stack.RouteEvent:
		return "route " + e.Destination.String(), e.String(), e.Removed
	}
	return "?", e.String(), false
}

func TestWatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, stack.Config{NoTCP: true})
		ctx, cancel := context.WithCancel(t.Context())
		_, done := observe(ctx, s)
		synctest.Wait()
		cancel()
		<-done
		for range s.Watch(ctx) {
			t.Error("an event after the context ended")
		}
		l, far := stack.Pipe(1500)
		defer far.Close()
		attach(t, s, "eth0", l)
		for e := range s.Watch(t.Context()) {
			if e.String() != "link eth0 up" {
				t.Errorf("%v", e)
			}
			break
		}
		// The loop may do anything, even end the stack.
		told := 0
		for e := range s.Watch(t.Context()) {
			if told++; told == 1 {
				s.Close()
			} else if link, ok := e.(stack.LinkEvent); !ok || !link.Removed {
				t.Errorf("%v", e)
			}
		}
		if told != 2 {
			t.Errorf("%d events", told)
		}
		for e := range s.Watch(t.Context()) {
			t.Errorf("of a closed stack: %v", e)
		}
	})
}

// A link that fails is an event with its reason.
func TestWatchSeesLinksFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, stack.Config{NoTCP: true})
		told, _ := observe(t.Context(), s)
		fail, closed := make(chan struct{}), make(chan struct{})
		i, err := s.Attach(stack.InterfaceConfig{Name: "eth0", Link: &brokenLink{
			mtu:   1500,
			read:  func([][]byte, []int) (int, error) { <-fail; return 0, context.DeadlineExceeded },
			write: func(bufs [][]byte) (int, error) { return len(bufs), nil },
			close: func() error { close(closed); return nil },
		}})
		if err != nil {
			t.Fatal(err)
		}
		told()
		close(fail)
		if got := told(); len(got) != 1 || got[0] != `link eth0 down: stack: interface "eth0": context deadline exceeded` {
			t.Errorf("%q", got)
		}
		i.Detach()
		if got := told(); len(got) != 1 || got[0] != "link eth0 removed" {
			t.Errorf("%q", got)
		}
		s.Close()
	})
}
