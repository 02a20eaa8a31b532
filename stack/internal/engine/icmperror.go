package engine

import (
	"encoding/binary"
	"net/netip"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/icmp6/checksum"
	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// ErrorMessage is an ICMP error about a packet of this host. It is borrowed for the call that passes
// it.
type ErrorMessage struct {
	Interface  int
	IPv4       bool
	Type, Code uint8
	Info       uint32     // the 32 bits behind the checksum: an MTU, a pointer or nothing
	Offender   netip.Addr // who sent it; this host itself, if it found no link-layer address

	// Of the packet that caused it:
	Protocol uint8      // behind all extension headers
	Src, Dst netip.Addr // Dst is the last of a Routing header
	Length   int        // of the IPv4 packet
	Payload  []byte     // what is quoted of it, from the upper-layer header on
}

// A reporter is what an ErrorMessage goes through to sockets of gVisor's that would not hear of it
// otherwise. The embedding stack knows the message itself.
type reporter struct{ ErrorMessage }

var _ stack.TransportError = (*reporter)(nil)

// Kind is what ends a connection that is not one yet.
func (r *reporter) Kind() stack.TransportErrorKind {
	return stack.DestinationHostUnreachableTransportError
}
func (r *reporter) Type() uint8  { return r.ErrorMessage.Type }
func (r *reporter) Code() uint8  { return r.ErrorMessage.Code }
func (r *reporter) Info() uint32 { return r.ErrorMessage.Info }
func (r *reporter) Origin() tcpip.SockErrOrigin {
	if r.IPv4 {
		return tcpip.SockExtErrorOriginICMP
	}
	return tcpip.SockExtErrorOriginICMP6
}

// DeliverTransportError is how gVisor tells of errors. It parses those of others too narrowly, so
// that icmpError is ahead of it; this is for the one that it makes itself, when a neighbour does not
// answer.
func (d *dispatcher) DeliverTransportError(local, remote tcpip.Address, net tcpip.NetworkProtocolNumber, trans tcpip.TransportProtocolNumber, err stack.TransportError, pkt *stack.PacketBuffer) {
	if _, ours := err.(*reporter); !ours && len(pkt.NetworkHeader().Slice()) == 0 {
		data, _ := pkt.Data().PullUp(pkt.Data().Size())
		e := ErrorMessage{
			Interface: int(d.nic),
			IPv4:      net == header.IPv4ProtocolNumber,
			Type:      err.Type(),
			Code:      err.Code(),
			Offender:  convert.NetAddr(local),
			Protocol:  uint8(trans),
			Src:       convert.NetAddr(local),
			Dst:       convert.NetAddr(remote),
			Payload:   data,
		}
		if e.IPv4 || e.behind(uint8(trans), data) {
			d.hooks.Error(e)
		}
	}
	d.TransportDispatcherWithDefaultHandlerResult.DeliverTransportError(local, remote, net, trans, err, pkt)
}

// icmpError tells sockets of an ICMP message, if it is an error, and whole, and about a packet that
// this host can have sent.
func (d *dispatcher) icmpError(rp RawPacket) {
	typ, _ := rp.FirstByte()
	ipv4 := rp.Dst.Is4()
	if rp.Dst.IsMulticast() || !isError(ipv4, typ) {
		return
	}
	msg := rp.AppendPayload(nil)
	if len(msg) < 8 || ipv4 && checksum.Sum(msg, 0) != 0xffff || !ipv4 && !icmp6.Valid(rp.Src, rp.Dst, msg) {
		return
	}
	e := ErrorMessage{
		Interface: int(d.nic),
		IPv4:      ipv4,
		Type:      typ,
		Code:      msg[1],
		Info:      binary.BigEndian.Uint32(msg[4:]),
		Offender:  rp.Src,
	}
	quote := (*ErrorMessage).quote6
	if ipv4 {
		quote = (*ErrorMessage).quote4
	}
	if !quote(&e, msg[8:]) || !isOwn(d.local, e.Src) {
		return
	}
	d.hooks.Error(e)
	d.report(e)
}

// isError reports whether an ICMP type is that of an error about a packet. A redirect is none, and
// source quench is deprecated (RFC 6633).
//
// RFC 4443 section 2.1: "error messages have message types from 0 to 127".
func isError(ipv4 bool, typ uint8) bool {
	if !ipv4 {
		return 1 <= typ && typ <= 4
	}
	switch header.ICMPv4Type(typ) {
	case header.ICMPv4DstUnreachable, header.ICMPv4TimeExceeded, header.ICMPv4ParamProblem:
		return true
	}
	return false
}

// quote4 reads the packet that an error quotes, of which there is at least the header and 8 bytes
// (RFC 792).
func (e *ErrorMessage) quote4(b []byte) bool {
	if len(b) < header.IPv4MinimumSize {
		return false
	}
	h := header.IPv4(b)
	n := int(h.HeaderLength())
	if header.IPVersion(b) != header.IPv4Version || n < header.IPv4MinimumSize || len(b) < n {
		return false
	}
	e.Src, e.Dst = convert.NetAddr(h.SourceAddress()), convert.NetAddr(h.DestinationAddress())
	e.Protocol, e.Length = h.Protocol(), int(h.TotalLength())
	if h.FragmentOffset() == 0 {
		e.Payload = b[n:]
	}
	return true
}

// quote6 reads "As much of invoking packet as possible" (RFC 4443 section 3.1): it may end anywhere
// behind the IPv6 header.
func (e *ErrorMessage) quote6(b []byte) bool {
	if len(b) < header.IPv6MinimumSize || header.IPVersion(b) != header.IPv6Version {
		return false
	}
	h := header.IPv6(b)
	e.Src, e.Dst = convert.NetAddr(h.SourceAddress()), convert.NetAddr(h.DestinationAddress())
	return e.behind(h.NextHeader(), b[header.IPv6MinimumSize:])
}

// behind reads extension headers, the first of which next names, and what follows.
func (e *ErrorMessage) behind(next uint8, b []byte) bool {
	for isExtension(next) {
		size := 8
		if len(b) < size {
			return false
		}
		if next != fragmentHeader {
			size += 8 * int(b[1])
		}
		if len(b) < size {
			return false
		}
		switch next {
		case routing:
			if final, ok := lastSegment(b[:size]); ok {
				e.Dst = final
			}
		case fragmentHeader:
			if binary.BigEndian.Uint16(b[2:])&^7 != 0 {
				e.Protocol = b[0] // what follows is in the middle of it
				return true
			}
		}
		next, b = b[0], b[size:]
	}
	e.Protocol, e.Payload = next, b
	return true
}

// lastSegment returns the address that a Routing header on its way leads to in the end.
func lastSegment(b []byte) (netip.Addr, bool) {
	if b[3] == 0 { // Segments Left: the packet has been there
		return netip.Addr{}, false
	}
	switch {
	case b[2] == 2 && len(b) == 24: // RFC 6275 section 6.4.1: the home address
	case b[2] == 4 && len(b) >= 24: // RFC 8754 section 2: the list is in reverse
	default:
		return netip.Addr{}, false
	}
	return netip.AddrFrom16([16]byte(b[8:24])), true
}

// report tells gVisor's TCP, whose sockets are the only ones of its own, of what gVisor itself does not.
func (d *dispatcher) report(e ErrorMessage) {
	if e.Protocol != uint8(header.TCPProtocolNumber) || len(e.Payload) < 8 || !e.unreachable() || e.told() {
		return
	}
	net := header.IPv6ProtocolNumber
	if e.IPv4 {
		net = header.IPv4ProtocolNumber
	}
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: newPayload(e.Payload)})
	defer pkt.DecRef()
	pkt.NICID = d.nic
	pkt.NetworkProtocolNumber = net
	d.DeliverTransportError(convert.Addr(e.Src), convert.Addr(e.Dst), net, header.TCPProtocolNumber, &reporter{e}, pkt)
}

// unreachable tells apart what is about the size of a packet.
func (e *ErrorMessage) unreachable() bool {
	if e.IPv4 {
		return !(e.Type == 3 && e.Code == 4)
	}
	return e.Type != 2
}

// told reports whether gVisor tells TCP of it.
func (e *ErrorMessage) told() bool {
	if e.IPv4 {
		return e.Type == 3
	}
	return e.Type == 1 && (e.Code == 0 || e.Code == 4)
}

// IsHardError tells permanent errors from passing ones. RFC 1122 section 3.2.2.1 has the second kind:
// network and host unreachable and source route failed, and section 3.2.2.4 time exceeded.
func IsHardError(ipv4 bool, typ, code uint8) bool {
	switch {
	case ipv4 && typ == 3:
		switch code {
		case 0, 1, 4, 5, 11, 12:
			return false
		}
		return true
	case ipv4:
		return typ == 12
	case typ == 1:
		return code != 0 && code != 2 && code != 3
	}
	return typ == 4
}
