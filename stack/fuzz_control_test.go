package stack_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"github.com/hextet/hextet/stack"
)

// hostModel is what a sequence of configuration calls ought to lead to.
type hostModel struct {
	addrs  [2]map[netip.Addr]bool // of the two interfaces: flagged
	routes map[string]bool
}

// FuzzControl makes calls that configure a host, two bytes each: right ones and wrong ones. The host and
// a model of a few maps agree after each.
func FuzzControl(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0x10, 0, 0x20, 0, 0x30, 1, 0x40, 1, 0x00, 9, 0x50, 0, 0x00, 0})
	f.Add([]byte{0, 2, 0, 2, 0x20, 2, 0x20, 2, 0x10, 2, 0x30, 8, 0x30, 8, 0x50, 1, 0x40, 8, 0x30, 8})
	f.Fuzz(func(t *testing.T, calls []byte) {
		s := newStack(t, stack.Config{NoTCP: true})
		m := &hostModel{routes: map[string]bool{}}
		var ifs [2]*stack.Interface
		attachSlot := func(n int) {
			ifs[n] = attach(t, s, fmt.Sprint("eth", n), voidLink{make(chan struct{})})
			m.addrs[n] = map[netip.Addr]bool{}
		}
		attachSlot(0)
		attachSlot(1)
		for len(calls) >= 2 {
			op, arg := calls[0]>>4, calls[1]
			slot := int(arg>>3) & 1
			calls = calls[2:]
			if op == 5 {
				ifs[slot].Detach()
				maps.DeleteFunc(m.routes, func(r string, _ bool) bool { return r[len(r)-4:] == fmt.Sprint("eth", slot) })
				attachSlot(slot)
			} else {
				m.call(t, s, ifs[slot], slot, op, arg)
			}
			m.compare(t, s, ifs)
		}
	})
}

// call makes one call and wants the outcome that the model has.
func (m *hostModel) call(t *testing.T, s *stack.Stack, i *stack.Interface, slot int, op, arg byte) {
	t.Helper()
	addr := netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 6: arg & 1, 15: 1 + arg&7})
	if arg&0x10 != 0 {
		addr = netip.AddrFrom4([4]byte{192, 0, arg & 1, 1 + arg&7})
	}
	_, has := m.addrs[slot][addr]
	r := stack.Route{Destination: netip.PrefixFrom(addr, 32).Masked(), Interface: i.Name(), Metric: int(arg >> 6)}
	var err error
	want := has
	switch op {
	case 0:
		want = !has
		err = i.AddAddress(stack.Address{Prefix: netip.PrefixFrom(addr, min(64, addr.BitLen()-8)), SkipAsSource: arg&0x20 != 0})
		if want {
			m.addrs[slot][addr] = arg&0x20 != 0
		}
	case 1:
		err = i.RemoveAddress(addr)
		delete(m.addrs[slot], addr)
	case 2:
		err = i.SetSkipAsSource(addr, arg&0x20 != 0)
		if want {
			m.addrs[slot][addr] = arg&0x20 != 0
		}
	case 3:
		want = !m.routes[key(r)]
		err = s.AddRoute(r)
		m.routes[key(r)] = true
	case 4:
		want = m.routes[key(r)]
		err = s.RemoveRoute(r)
		delete(m.routes, key(r))
	default: // all or none: the second is never right
		want = false
		err = i.AddAddresses([]stack.Address{plain("2001:db8:77::1/64"), plain("ff02::1/128")})
	}
	if (err == nil) != want {
		t.Fatalf("call %d with %#x on %s: %v, want success %v", op, arg, i.Name(), err, want)
	}
}

// key is a route by what tells it from others.
func key(r stack.Route) string {
	return fmt.Sprintf("%v %d %s", r.Destination, r.Metric, r.Interface)
}

// compare wants the host to be as the model is.
func (m *hostModel) compare(t *testing.T, s *stack.Stack, ifs [2]*stack.Interface) {
	t.Helper()
	candidates := 0
	prefixes := map[string]bool{}
	for n, i := range ifs {
		got := map[netip.Addr]bool{}
		for _, a := range i.Addresses() {
			got[a.Prefix.Addr()] = a.SkipAsSource
			prefixes[key(stack.Route{Destination: a.Prefix.Masked(), Interface: i.Name()})] = true
		}
		if !maps.Equal(got, m.addrs[n]) {
			t.Fatalf("%s has %v, want %v", i.Name(), got, m.addrs[n])
		}
		candidates += len(got)
	}
	as, _ := s.Addresses()
	if len(as) != candidates {
		t.Fatalf("%d candidates for %d addresses", len(as), candidates)
	}
	var got []string
	for _, r := range s.Routes() {
		if k := key(r); !prefixes[k] || m.routes[k] {
			got = append(got, k)
		}
	}
	slices.Sort(got)
	if want := slices.Sorted(maps.Keys(m.routes)); !slices.Equal(slices.Compact(got), want) {
		t.Fatalf("routes %q, want %q", got, want)
	}
}
