package icmp6

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"syscall"

	"golang.org/x/net/ipv6"
)

// FillConfig tells FillConn about its Conn. The zero FillConfig is for a raw ICMPv6
// socket of the host.
type FillConfig struct {
	// Protocol is what the Conn sends. Zero means ICMPv6.
	Protocol uint8
	// Source returns the source address of packets to dst that name none, on a Conn
	// that is bound to none. The zone of dst, of any address, is the name or index
	// of the interface to leave by, if that is known. Nil means HostSource.
	Source func(dst netip.Addr) (netip.Addr, error)
}

// FillConn returns a Conn that sends through c, with the checksums computed that c
// leaves as the program wrote them: those of ICMPv6 always, those of other protocols
// where SetChecksum says, as RFC 3542 section 3.1 asks of c.
//
// The checksum covers the source address. It is that of the control message, or the
// one that c is bound to; failing these, cfg.Source is asked for each packet anew,
// since routes and addresses change, and the packet then is sent with the answer as
// its control message's source, so that c can't choose another (on Windows, where
// golang.org/x/net has no control messages, it could). WriteBatch asks once for
// messages in a row to one destination. HostSource makes and closes a socket: bind c
// or name the source where that is too slow.
//
// SetChecksum and Checksum are about what is sent, and not passed on. Messages need
// an address, and for WriteBatch OOB may hold what ipv6.ControlMessage.Marshal makes
// of a control message, except for a next hop: other extension headers could lead to
// another destination. All else is c's, what it receives included: use [Offset.Verify]
// if it does not verify.
//
// Slices are not kept and not written to. Packets with no checksum that can be
// computed are not sent: the errors are those of [Offset.Fill] and of the source.
func FillConn(c Conn, cfg FillConfig) Conn {
	f := &fillConn{Conn: c, proto: cfg.Protocol, source: cfg.Source}
	if f.proto == 0 {
		f.proto = Protocol
	}
	if f.source == nil {
		f.source = HostSource
	}
	f.offset.Store(int64(DefaultOffset(f.proto)))
	return f
}

type fillConn struct {
	Conn
	proto  uint8
	source func(netip.Addr) (netip.Addr, error)
	offset atomic.Int64 // an Offset
}

// SetChecksum sets the offset of the checksum in what is sent.
func (f *fillConn) SetChecksum(on bool, offset int) error {
	o, err := setChecksum(f.proto, on, offset)
	if err == nil {
		f.offset.Store(int64(o))
	}
	return err
}

// Checksum reports whether and where a checksum is computed in what is sent.
func (f *fillConn) Checksum() (on bool, offset int, err error) {
	o := f.offset.Load()
	return o >= 0, int(max(o, 0)), nil
}

func (f *fillConn) WriteTo(b []byte, cm *ipv6.ControlMessage, dst net.Addr) (int, error) {
	o := Offset(f.offset.Load())
	if o < 0 {
		return f.Conn.WriteTo(b, cm, dst)
	}
	if len(b) > maxPayload {
		return 0, f.opError(dst, fmt.Errorf("%w: %d bytes", ErrJumbo, len(b)))
	}
	var h header
	if cm != nil {
		h.cm = *cm
	}
	if err := f.address(&h, dst, f.source); err != nil {
		return 0, f.opError(dst, err)
	}
	copies := batches.Get().(*batch)
	defer copies.release()
	packet := copies.buf[:copy(copies.buf[:], b)]
	if err := o.Fill(h.src, h.dst, f.proto, packet); err != nil {
		return 0, f.opError(dst, err)
	}
	if h.pinned {
		cm = &h.cm
	}
	return f.Conn.WriteTo(packet, cm, dst)
}

// header is what the pseudo-header needs of one packet, and the control message that
// makes it true.
type header struct {
	src, dst netip.Addr
	cm       ipv6.ControlMessage
	pinned   bool // cm.Src is src because the Conn might choose another
}

// address finds the addresses of a packet to addr with the control message h.cm.
func (f *fillConn) address(h *header, addr net.Addr, source func(netip.Addr) (netip.Addr, error)) error {
	dst, err := destination(addr)
	if err != nil {
		return err
	}
	h.dst = dst.WithZone("")
	h.src, err = f.given(&h.cm)
	if err != nil || h.src.IsValid() {
		return err
	}
	dst = f.zoned(dst, h.cm.IfIndex)
	src, err := source(dst)
	switch {
	case err != nil:
		return err
	case !isIPv6(src):
		return fmt.Errorf("%w: source %v", ErrFamily, src)
	case src.IsUnspecified(): // a control message can't insist on it
		return fmt.Errorf("icmp6: no source for %v: %w", dst, syscall.EINVAL)
	}
	h.src = src.WithZone("")
	// A link-local source is only known together with its interface (RFC 4007
	// section 6), so without one nothing more can be done than to trust the host.
	if dst.Zone() != "" || !src.IsLinkLocalUnicast() {
		h.cm.Src, h.pinned = h.src.AsSlice(), true
	}
	return nil
}

// destination returns the address of a packet's destination, with its zone.
func destination(addr net.Addr) (netip.Addr, error) {
	a, ok := addr.(*net.IPAddr)
	if !ok || a == nil {
		return netip.Addr{}, fmt.Errorf("icmp6: the destination is a %T, not a *net.IPAddr: %w", addr, syscall.EINVAL)
	}
	dst, _ := netip.AddrFromSlice(a.IP)
	switch {
	case !isIPv6(dst):
		return netip.Addr{}, fmt.Errorf("%w: destination %v", ErrFamily, addr)
	case dst.IsUnspecified():
		// RFC 4291 section 2.5.2: "The unspecified address must not be used as
		// the destination address of IPv6 packets"
		return netip.Addr{}, fmt.Errorf("icmp6: the destination is the unspecified address: %w", syscall.EINVAL)
	}
	return dst.WithZone(a.Zone), nil
}

// given returns the source that a control message names, or the address that the
// Conn is bound to, or the zero Addr.
func (f *fillConn) given(cm *ipv6.ControlMessage) (netip.Addr, error) {
	if len(cm.Src) != 0 {
		src, _ := netip.AddrFromSlice(cm.Src)
		if !isIPv6(src) {
			return netip.Addr{}, fmt.Errorf("%w: source %v", ErrFamily, cm.Src)
		}
		if !src.IsUnspecified() { // else the choice is the host's (RFC 3542 section 6.2)
			return src, nil
		}
	}
	if a, ok := f.LocalAddr().(*net.IPAddr); ok {
		src, _ := netip.AddrFromSlice(a.IP)
		if isIPv6(src) && !src.IsUnspecified() && !src.IsMulticast() {
			return src, nil
		}
	}
	return netip.Addr{}, nil
}

// zoned returns dst with a zone for the interface that a packet will leave by, if
// anything says which: the destination itself, the control message, the interface
// that the Conn is restricted to, or for a multicast packet the option.
func (f *fillConn) zoned(dst netip.Addr, index int) netip.Addr {
	if dst.Zone() != "" {
		return dst
	}
	if index > 0 {
		return dst.WithZone(strconv.Itoa(index))
	}
	if a, ok := f.LocalAddr().(*net.IPAddr); ok && a.Zone != "" {
		return dst.WithZone(a.Zone)
	}
	if dst.IsMulticast() {
		if ifi, err := f.MulticastInterface(); err == nil && ifi != nil {
			return dst.WithZone(strconv.Itoa(ifi.Index))
		}
	}
	return dst
}

func (f *fillConn) opError(dst net.Addr, err error) error {
	return &net.OpError{Op: "write", Net: "ip6:" + strconv.Itoa(int(f.proto)), Source: f.LocalAddr(), Addr: dst, Err: err}
}
