package stack

import (
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
)

// A RawConn4 is a raw IPv4 socket with the core of *ipv4.PacketConn of golang.org/x/net.
//
// It reads and writes payloads, as a *net.IPConn of "ip4:icmp" does: the stack makes the IPv4 header,
// and takes it off. Checksums are the program's, that of ICMP too, as on other hosts: IPv4 has no
// option for them. What RawConn says of goroutines, slices and errors holds here too.
type RawConn4 struct{ *rawSocket }

// ListenRaw4 opens a raw IPv4 socket for a protocol number from 1 to 255. It receives what comes to
// addr, one of the stack's addresses, and sends from there. The zero and the unspecified address
// stand for all addresses, broadcasts and the stack's groups, and source selection decides for each
// packet.
func (s *Stack) ListenRaw4(proto uint8, addr netip.Addr) (*RawConn4, error) {
	c, err := s.listenRaw(true, proto, addr)
	if err != nil {
		return nil, err
	}
	return &RawConn4{c}, nil
}

const rawControlFlags4 = ipv4.FlagTTL | ipv4.FlagSrc | ipv4.FlagDst | ipv4.FlagInterface

// SetControlMessage says what ReadFrom reports about packets; on a new socket nothing.
func (c *RawConn4) SetControlMessage(cf ipv4.ControlFlags, on bool) error {
	return c.setControl(uint(cf), uint(rawControlFlags4), on)
}

// ReadFrom waits for a packet and copies its payload, as much as fits, into b. src is a *net.IPAddr.
// cm is nil unless SetControlMessage asked for something; then it has the source, and the destination
// and the index of the interface together, as golang.org/x/net reports them.
func (c *RawConn4) ReadFrom(b []byte) (n int, cm *ipv4.ControlMessage, src net.Addr, err error) {
	n, src, err = c.receiveFrom(b, func(d *rawDatagram) {
		cf := ipv4.ControlFlags(c.opt.Load().control)
		if cf == 0 {
			return
		}
		cm = &ipv4.ControlMessage{Src: d.src.AsSlice()}
		if cf&ipv4.FlagTTL != 0 {
			cm.TTL = d.hops
		}
		if cf&^ipv4.FlagTTL != 0 {
			cm.Dst, cm.IfIndex = d.dst.AsSlice(), d.iface
		}
	})
	return n, cm, src, err
}

// WriteTo sends b as the payload of one packet to dst, a *net.IPAddr; nil is the address of Connect.
// cm may choose, for this packet, Src, which must be one of the stack's addresses, if flagged
// SkipAsSource too, and IfIndex; its TTL and Dst do not matter.
func (c *RawConn4) WriteTo(b []byte, cm *ipv4.ControlMessage, dst net.Addr) (n int, err error) {
	var h rawHeader
	if cm != nil {
		if err := c.choose(&h, cm.Src, cm.IfIndex); err != nil {
			return 0, c.opError("write", dst, err)
		}
	}
	return c.sendTo([][]byte{b}, &h, dst)
}

// TTL returns the time to live of unicast packets, which is 64 on a new socket.
func (c *RawConn4) TTL() (int, error) { return c.get(hopsOption, defaultHops) }

// SetTTL sets the time to live of unicast packets, from 0 to 255, or -1 for the default.
func (c *RawConn4) SetTTL(ttl int) error { return c.setByte("TTL", ttl, hopsOption) }

// MulticastTTL returns the time to live of multicast packets, which is 1 on a new socket.
func (c *RawConn4) MulticastTTL() (int, error) {
	return c.get(multicastHopsOption, defaultMulticastHops)
}

// SetMulticastTTL sets the time to live of multicast packets, from 0 to 255, or -1 for the default.
// With 0 they do not leave the host.
func (c *RawConn4) SetMulticastTTL(ttl int) error {
	return c.setByte("multicast TTL", ttl, multicastHopsOption)
}

// TOS returns the type of service of packets, which is 0 on a new socket.
func (c *RawConn4) TOS() (int, error) { return c.get(tosOption, 0) }

// SetTOS sets the type of service of packets, from 0 to 255, or -1 for the default.
func (c *RawConn4) SetTOS(tos int) error { return c.setByte("TOS", tos, tosOption) }

// PacketConn returns the socket as a net.PacketConn, whose addresses are *net.IPAddr. Both are the
// same socket: closing one closes the other.
func (c *RawConn4) PacketConn() net.PacketConn { return rawPacketConn{c.rawSocket} }
