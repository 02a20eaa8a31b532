package stack

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"github.com/hextet/hextet/srcselect"
	"github.com/hextet/hextet/stack/internal/engine"
)

// Every stack has the loopback addresses, on an interface "lo" that has no link: what a program listens
// on at 127.0.0.1 or [::1] is reached from the same stack only. It is not among Interfaces, since there
// is nothing about it to configure, and its addresses are not among Addresses, since they mean nothing
// to others, nor in the explanations of other destinations.
//
// It is made when a loopback address is first bound or sent to: most stacks never need its 14 KiB.
const (
	loopbackName  = "lo"
	loopbackIndex = engine.LoopbackIndex // of no interface that Attach makes
)

var loopbackAddrs = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}

// loopback returns the interface. It may wait for Attach.
func (s *Stack) loopback() (*Interface, error) {
	if i := s.lo.Load(); i != nil {
		return i, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.lo.Load(); i != nil {
		return i, nil
	}
	if s.closed {
		return nil, net.ErrClosed
	}
	i, err := s.newLoopback()
	if err != nil {
		return nil, fmt.Errorf("stack: interface %q: %w", loopbackName, err)
	}
	s.lo.Store(i)
	return i, nil
}

func (s *Stack) newLoopback() (*Interface, error) {
	i := &Interface{s: s, index: loopbackIndex, name: loopbackName, mtu: maxMTU, down: make(chan struct{})}
	i.echo.Store(true)
	i.auto.info.Store(new(RouterInfo))           // no routers are heard there
	i.ep = engine.NewLinkEndpoint(noLink{}, nil) // never started: packets between own addresses need no link
	if err := engine.AddNIC(s.gv, i.index, i.name, i.ep, false); err != nil {
		return nil, err
	}
	for _, addr := range loopbackAddrs {
		if err := engine.AddAddress(s.gv, i.index, netip.PrefixFrom(addr, addr.BitLen()), noEvents{}); err != nil {
			s.gv.RemoveNIC(i.id())
			return nil, fmt.Errorf("address %v: %w", addr, err)
		}
	}
	return i, nil
}

// noEvents: a loopback address is there as long as its stack.
type noEvents struct{}

func (noEvents) Changed(bool) {}
func (noEvents) Removed(bool) {}

// loopbackSelector has the loopback addresses, which are no candidates for anything but themselves.
var loopbackSelector = func() *srcselect.Selector {
	sel := srcselect.NewSelector(srcselect.Config{})
	for _, addr := range loopbackAddrs {
		if err := sel.Add(srcselect.Address{Prefix: netip.PrefixFrom(addr, addr.BitLen()), Interface: loopbackIndex}); err != nil {
			panic("stack: loopback: " + err.Error())
		}
	}
	return sel
}()

// selector returns who answers a question.
func (s *Stack) selector(q srcselect.Query) *srcselect.Selector {
	if q.Interface == loopbackIndex {
		return loopbackSelector
	}
	return s.book.selector()
}

// noLink is the link of an interface that has none.
type noLink struct{}

func (noLink) MTU() int                                 { return maxMTU }
func (noLink) HardwareAddr() net.HardwareAddr           { return nil }
func (noLink) ReadPackets([][]byte, []int) (int, error) { return 0, net.ErrClosed }
func (noLink) WritePackets(bufs [][]byte) (int, error)  { return len(bufs), nil } // group reports
func (noLink) Close() error                             { return nil }

// readyLoopback sees to it that dst is there if it is a loopback address. It returns an error if that is
// another than those of the stack, which no link carries and nobody has.
func (s *Stack) readyLoopback(dst netip.Addr) error {
	if !dst.IsLoopback() {
		return nil
	}
	if !isOwnLoopback(dst) {
		return errLoopback(dst)
	}
	_, err := s.loopback()
	return err
}

// keepLoopback returns an error if src is a loopback address and dst not this host's.
func (s *Stack) keepLoopback(src, dst netip.Addr) error {
	if !src.IsLoopback() {
		return nil
	}
	if _, err := s.localInterface(dst, nil); err == nil {
		return nil
	}
	return fmt.Errorf("from the loopback address %v only this host is reached (RFC 4291 section 2.5.3, RFC 1122 section 3.2.1.3): %w", src, syscall.ENETUNREACH)
}

func isOwnLoopback(addr netip.Addr) bool {
	return addr == loopbackAddrs[0] || addr.WithZone("") == loopbackAddrs[1]
}

// localhost returns the addresses of a name that means this host.
//
// RFC 6761 section 6.3: "Name resolution APIs and libraries SHOULD recognize localhost names as special
// and SHOULD always return the IP loopback address for address queries".
func localhost(name string, f family) (addrs []netip.Addr) {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if name != "localhost" && !strings.HasSuffix(name, ".localhost") {
		return nil
	}
	for _, addr := range loopbackAddrs { // IPv4 first: what package net listens on
		if f.has(addr) {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}
