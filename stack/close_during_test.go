package stack_test

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/internal/ndp"
)

// busyHost is a host on an Ethernet with a router that changes its mind all the time, and users that do
// everything at once.
type busyHost struct {
	s       *stack.Stack
	i       *stack.Interface
	router  stack.Link
	users   sync.WaitGroup
	started sync.WaitGroup // each of the users has been busy for a while
	stop    chan struct{}
}

func newBusyHost(t *testing.T, dad, noTCP bool) *busyHost {
	t.Helper()
	near, far := ethernet()
	h := &busyHost{s: newStack(t, stack.Config{NoTCP: noTCP}), router: far, stop: make(chan struct{})}
	var err error
	if h.i, err = h.s.Attach(stack.InterfaceConfig{Name: "eth0", Link: near, DAD: dad, SLAAC: true, TemporaryAddresses: true}); err != nil {
		t.Fatal(err)
	}
	return h
}

// use does something again and again until the test is over. Errors are no concern of this test.
func (h *busyHost) use(f func(n int)) {
	h.started.Add(1)
	h.users.Go(func() {
		for n := 0; ; n++ {
			if n == 5 {
				h.started.Done()
			}
			select {
			case <-h.stop:
				return
			default:
				f(n)
			}
		}
	})
}

func (h *busyHost) advertise(n int) {
	ra := from(router1, fmt.Sprintf("2001:db8:%x::/64", n%4+1))
	ra.MTU, ra.HopLimit = uint32(1280+n%100), uint8(n%200+1)
	if n%7 == 0 {
		ra.Lifetime = 0
	}
	if n%5 == 0 {
		ra.Prefixes[0].Valid, ra.Prefixes[0].Preferred = 0, 0
	}
	frame := append([]byte{0x33, 0x33, 0, 0, 0, 1}, routerMAC...)
	h.router.WritePackets([][]byte{append(append(frame, 0x86, 0xdd), ra.Packet(ndp.AllNodes, routerMAC)...)})
}

func (h *busyHost) change(n int) {
	a := stack.Address{Prefix: netip.MustParsePrefix("2001:db8:1::77/64"), Preferred: 1, Valid: time.Duration(1 + n%3000)}
	h.i.AddAddress(a)
	h.i.SetLifetimes(a.Prefix.Addr(), 0, 0)
	h.i.SetSkipAsSource(a.Prefix.Addr(), n%2 == 0)
	h.s.AddRoute(stack.Route{Destination: netip.MustParsePrefix("2001:db8:9::/64"), Interface: "eth0", Metric: n % 3})
	h.i.RemoveAddress(a.Prefix.Addr())
}

// Close, and Detach, return while everything is in use, and leave nothing, neither addresses nor routes nor,
// as TestMain looks, goroutines.
func TestCloseDuringAnything(t *testing.T) {
	for round := range 4 {
		h := newBusyHost(t, round%3 == 0, round%2 == 0)
		c := listenRaw(t, h.s, 58, "")
		c.SetReceiveErrors(true)
		echo, group := make([]byte, 8), ipTo("ff02::77")
		echo[0] = 128
		h.use(func(n int) { c.WriteTo(echo, nil, ipTo(fmt.Sprintf("2001:db8:1::%x", n%50))) })
		h.use(func(n int) {
			c.Connect(netip.MustParseAddr(fmt.Sprintf("2001:db8:1::%x", n%5+1)))
			c.PathMTU()
			c.Connect(netip.Addr{})
		})
		h.use(func(int) { c.JoinGroup(h.i.NetInterface(), group); c.LeaveGroup(h.i.NetInterface(), group) })
		h.use(h.advertise)
		h.use(h.change)
		ctx, cancel := context.WithCancel(t.Context())
		h.users.Go(func() {
			for e := range h.s.Watch(ctx) {
				_ = e.String()
			}
		})
		h.started.Wait()
		if round == 1 {
			if err := within(t, async(h.i.Detach)); err != nil {
				t.Error(err)
			}
		}
		if err := within(t, async(h.s.Close)); err != nil {
			t.Error(err)
		}
		close(h.stop)
		h.users.Wait() // the watcher too: Close ends it
		cancel()
		h.router.Close()
		if addrs, _ := h.s.Addresses(); len(addrs) != 0 || len(h.s.Routes()) != 0 {
			t.Errorf("left behind: %v, %v", addrs, h.s.Routes())
		}
	}
}
