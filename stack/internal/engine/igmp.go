package engine

import (
	"encoding/binary"
	"net/netip"

	"github.com/hextet/hextet/icmp6/checksum"
	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// interface4 is the interface as gVisor's IPv4 sees it. IGMP chooses a source by itself, without asking
// the endpoint, so its messages are corrected on their way out.
type interface4 struct {
	stack.NetworkInterface
	hooks *Hooks
}

// WritePacketToRemote implements stack.NetworkInterface. IGMP uses it.
func (n interface4) WritePacketToRemote(to tcpip.LinkAddress, pkt *stack.PacketBuffer) tcpip.Error {
	h := header.IPv4(pkt.NetworkHeader().Slice())
	if len(h) >= header.IPv4MinimumSize && h.Protocol() == uint8(header.IGMPProtocolNumber) {
		n.speak(h)
	}
	return n.NetworkInterface.WritePacketToRemote(to, pkt)
}

// speak gives an IGMP message a source that may speak.
//
// RFC 3376 section 4.2.13: "An IGMP report is sent with a valid IP source address for the destination
// subnet. The 0.0.0.0 source address may be used by a system that has not yet acquired an IP address."
// One whose addresses are all to keep quiet is such a system. Routers accept it by the same section.
func (n interface4) speak(h header.IPv4) {
	src := tcpip.AddrFrom4([4]byte{})
	if p, ok := n.hooks.Source(int(n.ID()), convert.NetAddr(h.DestinationAddress()), netip.Addr{}); ok {
		src = convert.Addr(p.Addr())
	}
	if src == h.SourceAddress() {
		return
	}
	h.SetSourceAddress(src)
	h.SetChecksum(0)
	binary.BigEndian.PutUint16(h[10:], ^checksum.Sum(h[:h.HeaderLength()], 0))
}
