package stack

import (
	"net"
	"net/netip"
	"slices"
)

// A ControlMessage is what goes beside the payload of a packet: the ancillary data of RFC 3542. The
// zero ControlMessage asks for nothing.
//
// Extension headers are whole headers as on the wire, from Next Header on, whose value does not
// matter when sending. They are not kept by WriteMsg, which must find their length a multiple of 8 and equal to
// what Hdr Ext Len says, with options that fill it. nil means the socket's (SetSticky), an empty
// slice none.
type ControlMessage struct {
	// Source is who sends: of what is written, one of the stack's addresses, if flagged SkipAsSource
	// too; zero or unspecified: the choice is the stack's (RFC 3542 section 6.2).
	Source netip.Addr

	// Destination is set by ReadMsg only: to which of the stack's addresses, or to which group, a
	// packet came.
	Destination netip.Addr

	// Interface is the index of the interface that a packet came by or is to leave by. 0: the
	// choice is the stack's.
	Interface int

	// HopLimit and TrafficClass are those of the header. Of what is written, from 1 to 255; 0: the
	// socket's; -1: the default (RFC 3542 sections 6.3 and 6.5). A hop limit of 0 is to be had by
	// SetHopLimit.
	HopLimit, TrafficClass int

	// DontFragment refuses a packet that is larger than the path carries, with syscall.EMSGSIZE
	// (RFC 3542 section 11.2). nil: as SetDontFragment says.
	DontFragment *bool

	// HopByHop are the Hop-by-Hop options (RFC 3542 section 8).
	HopByHop []byte

	// DestinationFirst are the Destination options for each destination on the way. Without a Routing
	// header they are not sent. DestinationOptions are those for the final destination (RFC 3542
	// section 9).
	DestinationFirst, DestinationOptions []byte

	// Routing is the Routing header (RFC 3542 section 7): of type 2 (RFC 6275 section 6.4), whose address
	// is where the packet goes first, or of type 4 (RFC 8754), which goes to segment Segments Left
	// first. The destination that WriteMsg is given is the final one: it goes into the header as the last
	// segment, and into the pseudo-header of the checksum (RFC 8200 section 8.1). Other types are
	// syscall.EOPNOTSUPP, type 0 is syscall.EINVAL. Of a packet that came, Segments Left is 0.
	Routing []byte

	// PathMTU is set by ReadMsg only. If it is not 0, there was no packet: the path to Destination
	// now carries only so many bytes (RFC 3542 section 11.3, see SetReceivePathMTU).
	PathMTU int

	// Length is set by ReadMsg only: the length of the payload in bytes. If it is more than ReadMsg
	// returned, the rest is lost.
	Length int
}

// ReadMsg waits for a packet and copies its payload, as much as fits, into b. src has the zone of the
// interface if it is link-local. cm, unless it is nil, is filled in with all that there is to say about
// the packet, whatever SetControlMessage asked for; its slices are the caller's.
//
// Of a fragmented packet that is not ICMPv6, Destination options inside the fragments are not reported.
func (c *RawConn) ReadMsg(b []byte, cm *ControlMessage) (n int, src netip.Addr, err error) {
	next := c.next
	if cm != nil {
		next = c.nextOrNews
	}
	d, err := next(true)
	if err != nil {
		return 0, netip.Addr{}, c.opError("read", nil, err)
	}
	defer d.release()
	if cm != nil {
		d.describe(cm)
	}
	if d.pathMTU == 0 {
		src = c.zonedAddr(d.src, d.iface)
	}
	return copy(b, d.payload), src, nil
}

func (d *rawDatagram) describe(cm *ControlMessage) {
	*cm = ControlMessage{Source: d.src, Destination: d.dst, Interface: d.iface, PathMTU: d.pathMTU}
	if d.pathMTU != 0 {
		return
	}
	cm.HopLimit, cm.TrafficClass, cm.Length = d.hops, d.tos, len(d.payload)
	if len(d.extensions) > 0 {
		e := splitExtensions(d.firstHeader, slices.Clone(d.extensions))
		cm.HopByHop, cm.DestinationFirst, cm.Routing, cm.DestinationOptions = e.hopByHop, e.first, e.routing, e.last
	}
}

// WriteMsg sends b as the payload of one packet to dst; a link-local one needs a zone, and the zero Addr
// is the address of Connect. cm may be nil. What it says is for this packet only, and goes before what
// SetSticky and the other options say, each piece of information for itself; Source and Interface are
// one.
func (c *RawConn) WriteMsg(b []byte, cm *ControlMessage, dst netip.Addr) (n int, err error) {
	var h rawHeader
	if cm != nil {
		h, err = c.msgHeader(cm)
	}
	if err == nil {
		pieces := [1][]byte{b}
		n, err = c.sendAddr(pieces[:], &h, dst.Unmap())
	}
	if err != nil {
		var addr net.Addr
		if dst.IsValid() {
			addr = ipAddr(dst)
		}
		return 0, c.opError("write", addr, syscallError("sendmsg", err))
	}
	return n, nil
}

// msgHeader checks a control message.
func (c *rawSocket) msgHeader(cm *ControlMessage) (rawHeader, error) {
	h := rawHeader{hops: cm.HopLimit, tos: cm.TrafficClass, whole: cm.DontFragment}
	if err := checkByte("control message: hop limit", cm.HopLimit); err != nil {
		return h, err
	}
	if err := checkByte("control message: traffic class", cm.TrafficClass); err != nil {
		return h, err
	}
	err := c.chooseAddr(&h, cm.Source, cm.Interface)
	if err == nil {
		h.ext, err = newRawExtensions(cm)
	}
	return h, err
}

// SetSticky sets what all packets carry that are sent from now on, where no control message of their
// own says otherwise (RFC 3542 section 6). It replaces what was set before; nil undoes it. The
// slices are copied. Source must be one of the stack's addresses when a packet is sent, not before.
func (c *RawConn) SetSticky(cm *ControlMessage) error {
	return c.set(func(o *rawOptions) error {
		if cm == nil {
			o.sticky = nil
			return nil
		}
		h, err := c.msgHeader(cm)
		if err != nil {
			return err
		}
		for _, b := range []*[]byte{&h.ext.hopByHop, &h.ext.first, &h.ext.routing, &h.ext.last} {
			*b = slices.Clone(*b)
		}
		if h.whole != nil {
			h.whole = new(*h.whole)
		}
		o.sticky = &h
		return nil
	})
}

// SetHopByHop, SetDestinationFirst, SetRoutingHeader and SetDestinationOptions set one of the headers that
// SetSticky sets, as the socket options of RFC 3542 section 6 do: whole and as ControlMessage has it, or
// nil for none.
func (c *RawConn) SetHopByHop(header []byte) error {
	return c.setHeader(&ControlMessage{HopByHop: header}, func(e *rawExtensions) *[]byte { return &e.hopByHop })
}

// SetDestinationFirst sets the Destination options for each destination. See SetHopByHop.
func (c *RawConn) SetDestinationFirst(header []byte) error {
	return c.setHeader(&ControlMessage{DestinationFirst: header}, func(e *rawExtensions) *[]byte { return &e.first })
}

// SetRoutingHeader sets the Routing header. See SetHopByHop.
func (c *RawConn) SetRoutingHeader(header []byte) error {
	return c.setHeader(&ControlMessage{Routing: header}, func(e *rawExtensions) *[]byte { return &e.routing })
}

// SetDestinationOptions sets the Destination options for the final destination. See SetHopByHop.
func (c *RawConn) SetDestinationOptions(header []byte) error {
	return c.setHeader(&ControlMessage{DestinationOptions: header}, func(e *rawExtensions) *[]byte { return &e.last })
}

// setHeader sets the only header of cm among the sticky ones.
func (c *RawConn) setHeader(cm *ControlMessage, field func(*rawExtensions) *[]byte) error {
	return c.set(func(o *rawOptions) error {
		e, err := newRawExtensions(cm)
		if err != nil {
			return err
		}
		var h rawHeader
		if o.sticky != nil {
			h = *o.sticky
		}
		*field(&h.ext) = slices.Clone(*field(&e))
		o.sticky = &h
		return nil
	})
}
