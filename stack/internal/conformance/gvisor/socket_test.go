package gvisor

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/icmp6/conformance"
	"github.com/hextet/hextet/stack/internal/convert"
	"golang.org/x/net/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/waiter"
)

// socket is gVisor's raw endpoint in the shape of package conformance.
//
// gVisor has handled a packet when InjectInbound returns, and a Write when that returns. So nothing
// waits: what is not there will not come.
type socket struct {
	ep    tcpip.Endpoint
	queue waiter.Queue // gVisor wants one
}

var _ conformance.OffsetSetter = (*socket)(nil)
var _ conformance.FilterSetter = (*socket)(nil)
var _ conformance.Connector = (*socket)(nil)

func (s *socket) Close() error {
	s.ep.Close()
	return nil
}

func (s *socket) SetReadDeadline(time.Time) error { return nil }

func (s *socket) ReadFrom(b []byte) (int, *ipv6.ControlMessage, net.Addr, error) {
	w := tcpip.SliceWriter(b)
	r, err := s.ep.Read(&w, tcpip.ReadOptions{NeedRemoteAddr: true})
	switch err.(type) {
	case *tcpip.ErrWouldBlock:
		return 0, nil, nil, os.ErrDeadlineExceeded
	case *tcpip.ErrBadBuffer: // what it says of a packet without payload
		err = nil
	}
	return r.Count, control(r.ControlMessages), &net.IPAddr{IP: r.RemoteAddr.Addr.AsSlice()}, convert.Error(err)
}

func control(cm tcpip.ReceivableControlMessages) *ipv6.ControlMessage {
	return &ipv6.ControlMessage{
		TrafficClass: int(cm.TClass),
		HopLimit:     int(cm.HopLimit),
		Dst:          cm.IPv6PacketInfo.Addr.AsSlice(),
		IfIndex:      int(cm.IPv6PacketInfo.NIC),
	}
}

// WriteTo has no traffic class per packet to give to gVisor.
func (s *socket) WriteTo(b []byte, cm *ipv6.ControlMessage, dst net.Addr) (int, error) {
	var o tcpip.WriteOptions
	if a, ok := dst.(*net.IPAddr); ok {
		to, _ := netip.AddrFromSlice(a.IP)
		o.To = &tcpip.FullAddress{Addr: convert.Addr(to)}
	}
	if cm != nil && cm.HopLimit > 0 {
		o.ControlMessages.HasHopLimit = true
		o.ControlMessages.HopLimit = uint8(cm.HopLimit)
	}
	if cm != nil && (cm.Src != nil || cm.IfIndex != 0) {
		src, _ := netip.AddrFromSlice(cm.Src)
		o.ControlMessages.HasIPv6PacketInfo = true
		o.ControlMessages.IPv6PacketInfo = tcpip.IPv6PacketInfo{Addr: convert.Addr(src), NIC: tcpip.NICID(cm.IfIndex)}
	}
	n, err := s.ep.Write(bytes.NewReader(b), o)
	return int(n), convert.Error(err)
}

func (s *socket) Connect(addr netip.Addr) error {
	if !addr.IsValid() {
		return convert.Error(s.ep.Disconnect())
	}
	return convert.Error(s.ep.Connect(tcpip.FullAddress{Addr: convert.Addr(addr)}))
}

func (s *socket) SetChecksumOffset(offset int) error {
	return convert.Error(s.ep.SetSockOptInt(tcpip.IPv6Checksum, offset))
}

// ChecksumOffset is what getsockopt returns, as it is.
func (s *socket) ChecksumOffset() int {
	n, _ := s.ep.GetSockOptInt(tcpip.IPv6Checksum)
	return n
}

// SetChecksum is the option in the shape of golang.org/x/net; gVisor has no other way to it.
func (s *socket) SetChecksum(on bool, offset int) error {
	if !on {
		offset = icmp6.Disabled
	}
	return s.SetChecksumOffset(offset)
}

func (s *socket) Checksum() (on bool, offset int, err error) {
	n := s.ChecksumOffset()
	return n >= 0, max(n, 0), nil
}

func (s *socket) SetFilter(f icmp6.Filter) error {
	var deny tcpip.ICMPv6Filter
	for typ := range 256 {
		if f.WillBlock(ipv6.ICMPType(typ)) {
			deny.DenyType[typ/32] |= 1 << (typ % 32)
		}
	}
	return convert.Error(s.ep.SetSockOpt(&deny))
}

func (s *socket) Filter() (f icmp6.Filter) {
	var deny tcpip.ICMPv6Filter
	if s.ep.GetSockOpt(&deny) != nil {
		return f
	}
	for typ := range 256 {
		if deny.ShouldDeny(uint8(typ)) {
			f.Block(ipv6.ICMPType(typ))
		}
	}
	return f
}

func (s *socket) SetControlMessage(cf ipv6.ControlFlags, on bool) error {
	o := s.ep.SocketOptions()
	if cf&ipv6.FlagHopLimit != 0 {
		o.SetReceiveHopLimit(on)
	}
	if cf&ipv6.FlagTrafficClass != 0 {
		o.SetReceiveTClass(on)
	}
	if cf&(ipv6.FlagDst|ipv6.FlagInterface) != 0 {
		o.SetIPv6ReceivePacketInfo(on)
	}
	return nil
}

func (s *socket) SetHopLimit(n int) error {
	return convert.Error(s.ep.SetSockOptInt(tcpip.IPv6HopLimitOption, n))
}

func (s *socket) SetTrafficClass(n int) error {
	return convert.Error(s.ep.SetSockOptInt(tcpip.IPv6TrafficClassOption, n))
}

func (s *socket) JoinGroup(ifi *net.Interface, group net.Addr) error {
	a, _ := netip.AddrFromSlice(group.(*net.IPAddr).IP)
	return convert.Error(s.ep.SetSockOpt(&tcpip.AddMembershipOption{NIC: tcpip.NICID(ifi.Index), MulticastAddr: convert.Addr(a)}))
}

func (s *socket) LeaveGroup(ifi *net.Interface, group net.Addr) error {
	a, _ := netip.AddrFromSlice(group.(*net.IPAddr).IP)
	return convert.Error(s.ep.SetSockOpt(&tcpip.RemoveMembershipOption{NIC: tcpip.NICID(ifi.Index), MulticastAddr: convert.Addr(a)}))
}
