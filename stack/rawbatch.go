package stack

import (
	"fmt"
	"syscall"

	"golang.org/x/net/ipv6"
)

// ReadBatch waits for a packet, then takes what else is there, as far as no error comes first, and
// returns how many messages it filled. Buffers, N and Addr are as in ReadFrom. OOB, where it is not empty, receives the control
// messages that SetControlMessage asked for, in the host's own form, which ipv6.ControlMessage.Parse
// reads; where golang.org/x/net has no such form, on Windows for one, NN is 0. flags must be 0.
func (c *RawConn) ReadBatch(ms []ipv6.Message, flags int) (int, error) {
	if err := checkFlags(flags); err != nil {
		return 0, c.opError("read", nil, err)
	}
	for i := range ms {
		d, err := c.next(i == 0)
		if d == nil && i > 0 {
			return i, nil // an error comes again with the next call
		}
		if err != nil {
			return 0, c.opError("read", nil, err)
		}
		m := &ms[i]
		m.N, m.NN, m.Flags = d.scatter(m.Buffers), 0, 0
		m.Addr = c.zoned(d.src, d.iface)
		if len(m.OOB) > 0 {
			m.NN = copy(m.OOB, received(c.controlMessage(d)))
		}
		d.release()
	}
	return len(ms), nil
}

// received puts a control message in the form that it has on receipt, where the address of the packet
// information is the destination (RFC 3542 section 6.2).
func received(cm *ipv6.ControlMessage) []byte {
	if cm == nil {
		return nil
	}
	return (&ipv6.ControlMessage{
		TrafficClass: cm.TrafficClass,
		HopLimit:     cm.HopLimit,
		Src:          cm.Dst,
		IfIndex:      cm.IfIndex,
	}).Marshal()
}

// WriteBatch sends messages in order, each as WriteTo would, until one fails; it returns how many it
// sent. OOB may hold what ipv6.ControlMessage.Marshal makes of a control message, except for a next
// hop. flags must be 0.
func (c *RawConn) WriteBatch(ms []ipv6.Message, flags int) (int, error) {
	if err := checkFlags(flags); err != nil {
		return 0, c.opError("write", nil, err)
	}
	for i := range ms {
		m := &ms[i]
		h, err := c.oobHeader(m.OOB)
		if err != nil {
			return i, c.opError("write", m.Addr, err)
		}
		if m.N, err = c.sendTo(m.Buffers, &h, m.Addr); err != nil {
			return i, err
		}
		m.NN = len(m.OOB)
	}
	return len(ms), nil
}

// oobHeader is header for a control message in the host's form.
func (c *RawConn) oobHeader(oob []byte) (rawHeader, error) {
	if len(oob) == 0 {
		return rawHeader{}, nil
	}
	var cm ipv6.ControlMessage
	if err := cm.Parse(oob); err != nil {
		return rawHeader{}, fmt.Errorf("%d bytes of control messages: %w: %w", len(oob), syscall.EINVAL, err)
	}
	cm.Src, cm.Dst = cm.Dst, nil // the reverse of received
	return c.header(&cm)
}

func checkFlags(flags int) error {
	if flags != 0 {
		return fmt.Errorf("flags %#x: %w", flags, syscall.EOPNOTSUPP)
	}
	return nil
}
