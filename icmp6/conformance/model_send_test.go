package conformance

import (
	"bytes"
	"net"
	"net/netip"
	"syscall"

	"github.com/hextet/hextet/icmp6"
	"golang.org/x/net/ipv6"
)

func (s *modelSocket) WriteTo(b []byte, cm *ipv6.ControlMessage, to net.Addr) (int, error) {
	m := s.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if cm == nil {
		cm = &ipv6.ControlMessage{}
	}
	dst := s.remote
	if a, ok := to.(*net.IPAddr); ok {
		dst, _ = netip.AddrFromSlice(a.IP)
	}
	src, err := s.source(cm)
	if err != nil {
		return 0, err
	}
	if len(b) > 65535 && !m.has("65536 bytes are accepted") {
		return 0, syscall.EMSGSIZE
	}
	payload := bytes.Clone(b[:min(len(b), 65535)])
	if m.has("the caller's bytes are changed") && s.offset >= 0 && len(b) >= s.offset+2 {
		payload = b
	}
	first := dst
	if r := s.headers[1].bytes; r != nil {
		first = netip.AddrFrom16([16]byte(r[len(r)-16:]))
	}
	sum := dst
	if m.has("the first hop is in the sum") {
		sum = first
	}
	if err := s.fill(src, sum, payload); err != nil {
		return 0, err
	}
	if m.has("short counts") {
		return max(len(b)-1, 0), m.emit(s, cm, src, first, payload)
	}
	return len(b), m.emit(s, cm, src, first, payload)
}

func (s *modelSocket) source(cm *ipv6.ControlMessage) (netip.Addr, error) {
	src := s.local
	if a, ok := netip.AddrFromSlice(cm.Src); ok && !s.m.has("a chosen source is ignored") {
		if src = a; src != Host && src != Second && !s.m.has("any source may be chosen") {
			return src, syscall.EADDRNOTAVAIL
		}
	}
	if !src.IsValid() || s.m.has("a bound address is no source") {
		src = Host
	}
	return src, nil
}

// fill computes the checksum.
func (s *modelSocket) fill(src, dst netip.Addr, b []byte) error {
	m := s.m
	if s.offset < 0 {
		if m.has("fields are cleared without the option") && len(b) >= 16 {
			b[14], b[15] = 0, 0
		}
		if m.has("short packets are refused") && len(b) < 2 {
			return syscall.EINVAL
		}
		return nil
	}
	if len(b) < s.offset+2 {
		switch {
		case m.has("short messages are sent"):
			return nil
		case m.has("ICMPv6 may be empty") && len(b) == 0 && s.proto == icmpv6:
			return nil
		case m.has("half a field is enough") && len(b) == s.offset+1:
			return nil
		case m.has("offsets may be beyond anything") && s.offset > 65535:
			return nil
		}
		return syscall.EINVAL
	}
	field := b[s.offset : s.offset+2]
	switch {
	case m.has("ICMPv6 is sent as it is") && s.proto == icmpv6,
		m.has("offsets are not filled") && s.proto != icmpv6,
		m.has("a field that is not 0 stays") && (field[0] != 0 || field[1] != 0),
		m.has("0xffff stays") && field[0] == 0xff && field[1] == 0xff,
		m.has("long packets are not filled") && len(b) > 1400,
		m.has("four bytes are not filled") && len(b) == 4,
		m.has("errors are not filled") && s.proto == icmpv6 && b[0] < 128,
		m.has("offset 0 is off") && s.offset == 0,
		m.has("a field at the end is not filled") && len(b) == s.offset+2:
		return nil
	case m.has("the source in the sum is always the first"):
		src = Host
	case m.has("groups are not in the sum") && dst.IsMulticast():
		dst = netip.IPv6Unspecified()
	}
	return s.compute(src, dst, b, field)
}

func (s *modelSocket) compute(src, dst netip.Addr, b, field []byte) error {
	m := s.m
	switch {
	case m.has("the odd byte is left out") && len(b)%2 == 1 && len(b) > s.offset+2:
		last := b[len(b)-1]
		b[len(b)-1] = 0
		defer func() { b[len(b)-1] = last }()
	case m.has("a right field is counted") && sum(src, dst, s.proto, b) == 0xffff:
		field[0], field[1] = 0, 0
		return nil
	case m.has("only the first 1460 bytes are summed") && len(b) > 1460:
		return icmp6.Offset(s.offset).Fill(src, dst, s.proto, b[:max(1460, s.offset+2)])
	}
	if err := icmp6.Offset(s.offset).Fill(src, dst, s.proto, b); err != nil {
		return err
	}
	switch {
	case m.has("0 becomes 0xffff") && field[0] == 0 && field[1] == 0:
		field[0], field[1] = 0xff, 0xff
	case m.has("UDP's 0 stays") && s.proto == udp && field[0] == 0xff && field[1] == 0xff:
		field[0], field[1] = 0, 0
	case m.has("a carry is lost") && len(b) > 1390:
		field[1]++
	case m.has("135 is summed elsewhere") && s.proto == 135:
		b[0]++
	}
	return nil
}

// emit makes the packet, or its fragments.
func (m *model) emit(s *modelSocket, cm *ipv6.ControlMessage, src, dst netip.Addr, payload []byte) error {
	hops, class := s.hops, s.class
	if cm.HopLimit != 0 && !m.has("the hop limit is fixed") {
		hops = cm.HopLimit
	}
	if cm.TrafficClass != 0 && !m.has("the traffic class is fixed") {
		class = cm.TrafficClass
	}
	var hs []header
	for _, h := range s.headers {
		if h.bytes != nil && !m.has("headers are not sent") {
			hs = append(hs, h)
		}
	}
	whole := behind(hs...)(s.proto, payload)[0]
	limit := m.limit(s, dst)
	parts := []part{whole}
	if headerLen+len(whole.payload) > limit {
		if s.dontFragment || m.has("nothing is sent in fragments") {
			return syscall.EMSGSIZE
		}
		m.id++
		parts = fragments((limit-headerLen-8)&^7)(whole.next, whole.payload)
	}
	if m.has("packets leave twice") {
		parts = append(parts, parts...)
	}
	for _, p := range parts {
		m.wire = append(m.wire, ip6(src, dst, p.next, uint8(hops), uint8(class), p.payload))
	}
	return nil
}

// limit is the size of the largest packet to dst.
func (m *model) limit(s *modelSocket, dst netip.Addr) int {
	switch {
	case s.minimum == 1 && !m.has("IPV6_USE_MIN_MTU does nothing"),
		s.minimum == -1 && dst.IsMulticast() && !m.has("groups get the whole MTU"):
		return minimumMTU
	}
	if n := m.pathMTU[dst]; n != 0 {
		return n
	}
	return MTU
}
