package conformance

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/icmp6"
	"golang.org/x/net/ipv6"
)

// model is a host in memory that does all that the cases ask for, so that each of them is known to
// be possible, but for one fault that is planted in it, so that each is known to notice something. It
// handles packets at once, so a queue that is empty stays empty, and nothing waits.
type model struct {
	fault string

	mu      sync.Mutex
	socks   []*modelSocket
	wire    [][]byte
	groups  map[netip.Addr]int
	pathMTU map[netip.Addr]int
	partial []modelPiece
	id      uint32
}

func newModel(fault string) *model {
	return &model{fault: fault, groups: map[netip.Addr]int{}, pathMTU: map[netip.Addr]int{}}
}

// has reports whether a fault is planted; all that exist are in the table of TestFaults.
func (m *model) has(fault string) bool { return m.fault == fault }

func (m *model) Interface() *net.Interface { return &net.Interface{Index: 3, Name: "model0", MTU: MTU} }

func (m *model) Capture(ctx context.Context) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.wire) == 0 {
		return nil, context.DeadlineExceeded
	}
	p := m.wire[0]
	m.wire = m.wire[1:]
	return p, nil
}

func (m *model) Open(proto uint8, local netip.Addr) (Socket, error) {
	if m.has("no socket of 254") && proto == 254 {
		return nil, syscall.EPROTONOSUPPORT
	}
	s := &modelSocket{m: m, proto: proto, local: local, offset: -1, hops: 64, minimum: -1}
	if proto == icmpv6 {
		s.offset = 2
	}
	if m.has("135 has an offset") && proto == 135 {
		s.offset = 4
	}
	if m.has("all have an offset") && proto != icmpv6 {
		s.offset = 2
	}
	if m.has("types are blocked by default") {
		s.filter.Block(32)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.socks = append(m.socks, s)
	return s, nil
}

type modelSocket struct {
	m             *model
	proto         uint8
	local, remote netip.Addr
	offset        int
	filter        icmp6.Filter
	flags         ipv6.ControlFlags
	hops, class   int
	headers       [3]header // hop-by-hop, routing, destination options
	dontFragment  bool
	minimum       int
	queue         []received
}

func (s *modelSocket) Close() error                    { return nil }
func (s *modelSocket) SetReadDeadline(time.Time) error { return nil }

func (s *modelSocket) ReadFrom(b []byte) (int, *ipv6.ControlMessage, net.Addr, error) {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if len(s.queue) == 0 {
		return 0, nil, nil, os.ErrDeadlineExceeded
	}
	p := s.queue[0]
	s.queue = s.queue[1:]
	return copy(b, p.payload), p.cm, address(p.src), nil
}

// set changes a socket, or all of its protocol with a fault.
func (s *modelSocket) set(global bool, f func(*modelSocket)) error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	f(s)
	for _, other := range s.m.socks {
		if global && other.proto == s.proto {
			f(other)
		}
	}
	return nil
}

func (s *modelSocket) SetChecksumOffset(offset int) error {
	m := s.m
	switch {
	case s.proto == icmpv6 && m.has("ICMPv6 may be set to 2") && offset == 2:
	case s.proto == icmpv6 && m.has("ICMPv6 may be moved"):
	case s.proto == icmpv6:
		return syscall.EINVAL
	case offset > 0 && offset%2 != 0 && !m.has("odd offsets are accepted"):
		return syscall.EINVAL
	case m.has("an even offset is refused") && offset == 12:
		return syscall.EINVAL
	case m.has("negative offsets are refused") && offset < 0:
		return syscall.EINVAL
	case m.has("-1 changes nothing") && offset < 0:
		return nil
	case m.has("-7 is kept") && offset < 0:
	default:
		offset = max(offset, -1)
	}
	return s.set(m.has("the option is everybody's"), func(s *modelSocket) { s.offset = offset })
}

// SetChecksum is in the shape of x/net.
func (s *modelSocket) SetChecksum(on bool, offset int) error {
	switch {
	case on:
		return s.SetChecksumOffset(offset)
	case s.m.has("x/net switches ICMPv6 off"):
		return s.set(false, func(s *modelSocket) { s.offset = -1 })
	}
	return s.SetChecksumOffset(icmp6.Disabled)
}

func (s *modelSocket) ChecksumOffset() int {
	if s.m.has("the offset reads 0") {
		return 0
	}
	return s.offset
}

func (s *modelSocket) Checksum() (bool, int, error) {
	o := s.ChecksumOffset()
	return o >= 0, max(o, 0), nil
}

func (s *modelSocket) SetFilter(f icmp6.Filter) error {
	if s.proto != icmpv6 && !s.m.has("filters for every protocol") {
		return syscall.EOPNOTSUPP
	}
	return s.set(s.m.has("the filter is everybody's"), func(s *modelSocket) { s.filter = f })
}

func (s *modelSocket) Filter() icmp6.Filter {
	if s.m.has("the filter reads as empty") {
		return icmp6.Filter{}
	}
	return s.filter
}

func (s *modelSocket) Connect(a netip.Addr) error {
	if s.m.has("connected for ever") && !a.IsValid() {
		return nil
	}
	return s.set(false, func(s *modelSocket) { s.remote = a })
}

func (s *modelSocket) JoinGroup(_ *net.Interface, group net.Addr) error { return s.join(group, 1) }
func (s *modelSocket) LeaveGroup(_ *net.Interface, group net.Addr) error {
	if s.m.has("groups are never left") {
		return nil
	}
	return s.join(group, -1)
}

func (s *modelSocket) join(group net.Addr, n int) error {
	a, ok := netip.AddrFromSlice(group.(*net.IPAddr).IP)
	if !ok {
		return fmt.Errorf("model: no group: %v", group)
	}
	return s.set(false, func(s *modelSocket) { s.m.groups[a] += n })
}

func (s *modelSocket) SetControlMessage(cf ipv6.ControlFlags, _ bool) error {
	return s.set(false, func(s *modelSocket) { s.flags |= cf })
}

func (s *modelSocket) SetHopLimit(n int) error {
	return s.set(false, func(s *modelSocket) { s.hops = n })
}

func (s *modelSocket) SetTrafficClass(n int) error {
	return s.set(false, func(s *modelSocket) { s.class = n })
}

func (s *modelSocket) SetHopByHop(h []byte) error           { return s.setHeader(0, hopByHop, h) }
func (s *modelSocket) SetRoutingHeader(h []byte) error      { return s.setHeader(1, routing, h) }
func (s *modelSocket) SetDestinationOptions(h []byte) error { return s.setHeader(2, destOption, h) }

func (s *modelSocket) setHeader(i int, typ uint8, h []byte) error {
	if h == nil && s.m.has("a header stays") {
		return nil
	}
	return s.set(false, func(s *modelSocket) { s.headers[i] = header{typ, bytes.Clone(h)} })
}

func (s *modelSocket) SetDontFragment(on bool) error {
	return s.set(false, func(s *modelSocket) { s.dontFragment = on && !s.m.has("IPV6_DONTFRAG does nothing") })
}

func (s *modelSocket) SetUseMinimumMTU(n int) error {
	return s.set(false, func(s *modelSocket) { s.minimum = n })
}

// The model passes every case.
func TestModel(t *testing.T) {
	Run(t, func(testing.TB) Backend { return newModel("") })
}

func TestCases(t *testing.T) {
	cases := Cases()
	if len(cases) < 50 {
		t.Errorf("only %d cases", len(cases))
	}
	seen := map[string]bool{}
	for _, c := range cases {
		if c.Name == "" || c.RFC == "" || c.Due == "" || len(c.steps) == 0 || seen[c.Name] {
			t.Errorf("%q: a case has a name of its own, a source, a rule and steps", c.Name)
		}
		seen[c.Name] = true
	}
	if cases[0].Name = "changed"; slices.ContainsFunc(Cases(), func(c Case) bool { return c.Name == "changed" }) {
		t.Error("Cases hands out its own slice")
	}
}
