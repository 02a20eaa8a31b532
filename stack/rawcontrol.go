package stack

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/net/ipv6"
)

const rawControlFlags = ipv6.FlagTrafficClass | ipv6.FlagHopLimit | ipv6.FlagSrc | ipv6.FlagDst | ipv6.FlagInterface

// SetControlMessage says what ReadFrom reports about packets; on a new socket nothing. FlagPathMTU is
// syscall.EOPNOTSUPP.
func (c *RawConn) SetControlMessage(cf ipv6.ControlFlags, on bool) error {
	return c.setControl(uint(cf), uint(rawControlFlags), on)
}

// ReadFrom waits for a packet and copies its payload, as much as fits, into b. src is a *net.IPAddr.
// cm is nil unless SetControlMessage asked for something; then it has the source, and the destination
// and the index of the interface together, as golang.org/x/net reports them.
func (c *RawConn) ReadFrom(b []byte) (n int, cm *ipv6.ControlMessage, src net.Addr, err error) {
	n, src, err = c.receiveFrom(b, func(d *rawDatagram) { cm = c.controlMessage(d) })
	return n, cm, src, err
}

func (c *RawConn) controlMessage(d *rawDatagram) *ipv6.ControlMessage {
	cf := ipv6.ControlFlags(c.opt.Load().control)
	if cf == 0 {
		return nil
	}
	cm := &ipv6.ControlMessage{Src: d.src.AsSlice()}
	if cf&ipv6.FlagTrafficClass != 0 {
		cm.TrafficClass = d.tos
	}
	if cf&ipv6.FlagHopLimit != 0 {
		cm.HopLimit = d.hops
	}
	if cf&(ipv6.FlagDst|ipv6.FlagInterface) != 0 {
		cm.Dst, cm.IfIndex = d.dst.AsSlice(), d.iface
	}
	return cm
}

// WriteTo sends b as the payload of one packet to dst, a *net.IPAddr; a link-local one needs a zone.
// nil is the address of Connect.
//
// cm may choose for this packet: Src, which must be one of the stack's addresses, if flagged
// SkipAsSource too; IfIndex; HopLimit and TrafficClass, from 1 to 255, where 0 is the socket's value
// and -1 the default. NextHop is syscall.EOPNOTSUPP; Dst and MTU do not matter.
func (c *RawConn) WriteTo(b []byte, cm *ipv6.ControlMessage, dst net.Addr) (n int, err error) {
	h, err := c.header(cm)
	if err != nil {
		return 0, c.opError("write", dst, err)
	}
	return c.sendTo([][]byte{b}, &h, dst)
}

// header checks a control message.
func (c *RawConn) header(cm *ipv6.ControlMessage) (rawHeader, error) {
	if cm == nil {
		return rawHeader{}, nil
	}
	if len(cm.NextHop) != 0 {
		return rawHeader{}, fmt.Errorf("control message: next hop %v: %w", cm.NextHop, syscall.EOPNOTSUPP)
	}
	if err := checkByte("control message: hop limit", cm.HopLimit); err != nil {
		return rawHeader{}, err
	}
	if err := checkByte("control message: traffic class", cm.TrafficClass); err != nil {
		return rawHeader{}, err
	}
	h := rawHeader{hops: cm.HopLimit, tos: cm.TrafficClass}
	err := c.choose(&h, cm.Src, cm.IfIndex)
	return h, err
}

// choose takes over the source and interface of either family's control message.
func (c *rawSocket) choose(h *rawHeader, src net.IP, iface int) error {
	if len(src) == 0 {
		return c.chooseAddr(h, netip.Addr{}, iface)
	}
	addr, ok := netip.AddrFromSlice(src)
	if !ok {
		return fmt.Errorf("control message: source of %d bytes: %w", len(src), syscall.EINVAL)
	}
	return c.chooseAddr(h, addr, iface)
}

// chooseAddr is choose for a netip.Addr.
func (c *rawSocket) chooseAddr(h *rawHeader, src netip.Addr, iface int) error {
	if iface < 0 {
		return fmt.Errorf("control message: interface index %d: %w", iface, syscall.EINVAL)
	}
	h.iface = iface
	switch addr := src.Unmap(); {
	case !addr.IsValid(), addr.IsUnspecified():
		return nil // the choice is the stack's (RFC 3542 section 6.2)
	case addr.Is4() != c.key.ipv4:
		return c.errFamily(addr)
	}
	h.source = src.Unmap()
	return nil
}
