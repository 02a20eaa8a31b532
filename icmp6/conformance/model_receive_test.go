package conformance

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/hextet/hextet/icmp6"
	"golang.org/x/net/ipv6"
)

// modelPiece is a fragment that waits for the others.
type modelPiece struct {
	at   int
	more bool
	data []byte
}

func (m *model) Inject(b []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, err := parse(bytes.Clone(b))
	if err != nil || !m.mine(p) {
		return nil
	}
	m.headersOf(p)
	return nil
}

// mine looks at the addresses.
func (m *model) mine(p packet) bool {
	if p.src.IsMulticast() && !m.has("groups may speak") {
		return false
	}
	switch {
	case p.dst == Host, p.dst == Second, m.has("all hosts are mine") && !p.dst.IsMulticast():
		return true
	case m.has("groups are not heard"):
		return false
	}
	return m.groups[p.dst] > 0 || m.has("all groups are mine") && p.dst.IsMulticast()
}

// headersOf obeys the extension headers.
func (m *model) headersOf(p packet) {
	if len(p.headers) > 0 && m.has("extension headers are not read") || p.fragment && m.has("fragments are not read") {
		return
	}
	for i, h := range p.headers {
		switch {
		case m.has("hop-by-hop is dropped") && h.typ == hopByHop,
			h.typ == hopByHop && i > 0 && !m.has("hop-by-hop may be anywhere"),
			h.typ == routing && m.has("routing headers are dropped"),
			h.typ == routing && h.bytes[3] != 0 && !m.has("segments left do not matter"),
			h.bytes[2] == 0x5e && !m.has("every option may be skipped"),
			h.bytes[2] == 0x1e && m.has("no option may be skipped"):
			return
		}
	}
	if p.fragment {
		m.reassemble(p)
		return
	}
	if m.has("headers are delivered") && len(p.headers) > 0 {
		p.payload = append(p.headers[0].bytes, p.payload...)
	}
	m.deliver(p)
}

func (m *model) reassemble(p packet) {
	switch {
	case p.offset == 0 && !p.more && m.has("atomic fragments are dropped"):
		return
	case p.offset == 0 && p.more && m.has("the first fragment is enough"), p.offset == 0 && !p.more:
		p.fragment = false
		m.deliver(p)
		return
	case p.offset > 0 && len(m.partial) == 0 && m.has("fragments come in order"):
		return
	}
	m.partial = append(m.partial, modelPiece{p.offset, p.more, p.payload})
	slices.SortStableFunc(m.partial, func(a, b modelPiece) int { return a.at - b.at })
	var whole []byte
	for _, f := range m.partial {
		switch {
		case f.at < len(whole) && m.has("overlapping fragments are joined"):
			whole = whole[:f.at]
		case f.at > len(whole) && m.has("gaps are zero") && len(m.partial) > 1:
			whole = append(whole, make([]byte, f.at-len(whole))...)
		case f.at != len(whole):
			return
		}
		whole = append(whole, f.data...)
	}
	if m.partial[len(m.partial)-1].more {
		return
	}
	m.partial = nil
	p.fragment, p.headers, p.payload = false, nil, whole
	if p.walk() == nil && (len(p.headers) == 0 || !m.has("headers in fragments are not read")) {
		p.fragments = 2
		m.deliver(p)
	}
}

// deliver hands a packet to the sockets and to the host itself.
func (m *model) deliver(p packet) {
	if m.has("the IPv6 header is delivered") && p.next == 254 {
		p.payload = append(make([]byte, headerLen), p.payload...)
	}
	known := p.next == icmpv6
	for _, s := range m.socks {
		if !s.wants(p) {
			continue
		}
		if !m.has("a drop is an unknown protocol") || s.valid(p) {
			known = true
		}
		if s.passes(p) && s.valid(p) {
			s.queue = append(s.queue, received{payload: p.payload, src: p.src, cm: s.control(p)})
			if m.has("one copy is enough") && !bytes.Contains(p.payload, anyMark) {
				break
			}
		}
	}
	if !known && !m.has("unknown protocols are silent") || m.has("all protocols are unknown") && p.next != icmpv6 {
		m.answer(p, 4, 1, append([]byte{0, 0, 0, 6}, p.payload...))
	}
	if p.next == icmpv6 && icmp6.Valid(p.src, p.dst, p.payload) && len(p.payload) >= 8 {
		m.control(p)
	}
}

// control is the host's own part in ICMPv6.
func (m *model) control(p packet) {
	switch typ, mtu := p.payload[0], int(binary.BigEndian.Uint32(p.payload[4:])); {
	case typ == 128:
		if !m.has("filters silence the host") {
			m.answer(p, 129, 0, p.payload[4:])
		}
	case typ == 2 && !m.has("Packet Too Big is ignored"):
		if mtu < minimumMTU && !m.has("paths may be tiny") || mtu > MTU && !m.has("paths may be wide") {
			return
		}
		m.pathMTU[Peer] = mtu
	}
}

func (m *model) answer(p packet, typ, code byte, body []byte) {
	msg := sealed(p.dst, p.src, icmpv6, 2, append([]byte{typ, code, 0, 0}, body...))
	if m.has("answers have no checksum") {
		msg[2], msg[3] = 0, 0
	}
	m.wire = append(m.wire, ip6(p.dst, p.src, icmpv6, 64, 0, msg))
}

func (s *modelSocket) wants(p packet) bool {
	m := s.m
	switch {
	case s.proto != p.next && !(m.has("89 receives 253") && s.proto == 89 && p.next == 253):
		return false
	case s.local.IsValid() && s.local != p.dst && !p.dst.IsMulticast():
		if !(m.has("bound receives all") && !s.remote.IsValid()) && !(m.has("connected receives for all") && s.remote.IsValid()) {
			return false
		}
	case m.has("unbound is the first address") && p.dst == Second && !s.local.IsValid():
		return false
	}
	return !s.remote.IsValid() || s.remote == p.src || m.has("connected receives from all")
}

func (s *modelSocket) passes(p packet) bool {
	m := s.m
	if s.proto != icmpv6 || len(p.payload) == 0 || m.has("filters are ignored") || m.has("filters do not see headers") && len(p.headers) > 0 {
		return true
	}
	t := p.payload[0]
	if m.has("filters end at 128") && (t == 255 || t == 0) {
		return true
	}
	return !s.filter.WillBlock(ipv6.ICMPType(t))
}

// valid verifies the checksum.
func (s *modelSocket) valid(p packet) bool {
	m, b, offset := s.m, p.payload, s.offset
	switch {
	case m.has("short ICMPv6 is dropped") && s.proto == icmpv6 && len(b) < 8,
		m.has("empty packets are dropped") && len(b) == 0,
		m.has("errors are the host's") && s.proto == icmpv6 && len(b) > 0 && b[0] < 128,
		m.has("long packets are dropped") && len(b) > 1400:
		return false
	case m.has("all is verified") && offset < 0:
		offset = 2
	case offset < 0, m.has("nothing is verified"):
		return true
	case m.has("offsets are not verified") && s.proto != icmpv6,
		m.has("filtered is verified") && s.filter != (icmp6.Filter{}),
		m.has("headers hide the sum") && len(p.headers) > 0,
		m.has("fragments hide the sum") && p.fragments > 0,
		m.has("groups need no sum") && p.dst.IsMulticast():
		return true
	case len(b) < offset+2:
		return m.has("short is right") || m.has("the whole is verified") && sum(p.src, p.dst, p.next, b) == 0xffff
	case b[offset] == 0 && b[offset+1] == 0:
		return m.has("0 is no checksum") || sum(p.src, p.dst, p.next, b) == 0xffff && s.proto != udp
	}
	return s.right(p, b)
}

func (s *modelSocket) right(p packet, b []byte) bool {
	m := s.m
	if m.has("odd bytes are not verified") && len(b)%2 == 1 {
		return sum(p.src, p.dst, p.next, b)>>8 == 0xff || sum(p.src, p.dst, p.next, append(b[:len(b)-1:len(b)-1], b[len(b)-1]^1)) == 0xffff
	}
	if m.has("the odd byte breaks the sum") && len(b)%2 == 1 {
		return false
	}
	fits := func(dst netip.Addr, proto uint8) bool { return sum(p.src, dst, proto, b) == 0xffff }
	switch {
	case m.has("the destination is not verified") && (fits(Host, p.next) || fits(Second, p.next)),
		m.has("the protocol is not verified") && fits(p.dst, udp):
		return true
	}
	return sum(p.src, p.dst, p.next, b) == 0xffff
}

// control is what comes with a packet.
func (s *modelSocket) control(p packet) *ipv6.ControlMessage {
	if s.flags == 0 || s.m.has("nothing is reported") {
		return nil
	}
	return &ipv6.ControlMessage{HopLimit: int(p.hops), TrafficClass: int(p.class), Dst: p.dst.AsSlice(), IfIndex: s.m.Interface().Index}
}
