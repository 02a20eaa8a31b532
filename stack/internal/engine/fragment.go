package engine

import (
	"encoding/binary"
	"slices"

	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// gVisor fragments by the interface's MTU and asks the route's only for the size of TCP segments. Here
// packets that fit the interface but not their route, or the path as far as it is known, are cut. Of the
// path TCP learns by itself, and it sends no packet twice in other pieces.

// WritePacket implements stack.NetworkEndpoint.
func (e *endpoint6) WritePacket(r *stack.Route, params stack.NetworkHeaderParams, pkt *stack.PacketBuffer) tcpip.Error {
	if loopbackEscapes(r) {
		return &tcpip.ErrNetworkUnreachable{}
	}
	if !e.modest(r, params, pkt) {
		return &tcpip.ErrNotPermitted{}
	}
	mtu := pathMTU(e.hooks, r, params, header.IPv6MinimumSize)
	if mtu >= int(e.MTU()) || fits(pkt, mtu) {
		return e.endpoint6Methods.WritePacket(r, params, pkt)
	}
	next, id := params.Protocol, e.hooks.Rand.Uint32()
	params.Protocol = header.IPv6FragmentHeader
	return eachFragment(pkt, mtu-header.IPv6FragmentHeaderSize, func(part []byte, offset int, more bool) tcpip.Error {
		// The Fragment header of RFC 8200 section 4.5.
		b := make([]byte, header.IPv6FragmentHeaderSize, header.IPv6FragmentHeaderSize+len(part))
		b[0] = uint8(next)
		binary.BigEndian.PutUint16(b[2:], uint16(offset)|bit(more))
		binary.BigEndian.PutUint32(b[4:], id)
		f := newFragment(r, append(b, part...))
		defer f.DecRef()
		return e.endpoint6Methods.WritePacket(r, params, f)
	})
}

// WritePacket implements stack.NetworkEndpoint.
func (e *endpoint4) WritePacket(r *stack.Route, params stack.NetworkHeaderParams, pkt *stack.PacketBuffer) tcpip.Error {
	if loopbackEscapes(r) {
		return &tcpip.ErrNetworkUnreachable{}
	}
	mtu := pathMTU(e.hooks, r, params, header.IPv4MinimumSize)
	if mtu >= int(e.MTU()) || fits(pkt, mtu) {
		return e.endpoint4Methods.WritePacket(r, params, pkt)
	}
	// params.DF forbids routers to fragment, not the sender: gVisor sees it so too.
	id := uint16(1 + e.hooks.Rand.IntN(1<<16-1)) // 0 would have gVisor choose one for each fragment
	return eachFragment(pkt, mtu, func(part []byte, offset int, more bool) tcpip.Error {
		b := make([]byte, header.IPv4MinimumSize, header.IPv4MinimumSize+len(part))
		h := header.IPv4(b)
		h.Encode(&header.IPv4Fields{
			TOS: params.TOS, ID: id, TTL: params.TTL, Protocol: uint8(params.Protocol),
			SrcAddr: r.LocalAddress(), DstAddr: r.RemoteAddress(),
		})
		flags := uint8(0)
		if more {
			flags = header.IPv4FlagMoreFragments
		}
		h.SetFlagsFragmentOffset(flags, uint16(offset))
		f := newFragment(r, append(b, part...))
		defer f.DecRef()
		return e.endpoint4Methods.WriteHeaderIncludedPacket(r, f) // fills in length and checksum
	})
}

// pathMTU returns how many bytes behind the IP header, which is size long, fit a packet.
func pathMTU(hooks *Hooks, r *stack.Route, params stack.NetworkHeaderParams, size int) int {
	mtu := int(r.MTU())
	if params.Protocol == header.TCPProtocolNumber {
		return mtu
	}
	if path := hooks.PathMTU(int(r.OutgoingNIC()), convert.NetAddr(r.RemoteAddress())); path != 0 {
		return min(mtu, path-size)
	}
	return mtu
}

// loopbackEscapes reports whether a route would carry a loopback source to a link: on a router gVisor
// lets any of its addresses leave by any interface.
//
// RFC 4291 section 2.5.3: "The loopback address must not be used as the source address in IPv6 packets
// that are sent outside of a single node"; RFC 1122 section 3.2.1.3 (g) says the same of 127/8.
func loopbackEscapes(r *stack.Route) bool {
	src := r.LocalAddress()
	return r.Loop()&stack.PacketOut != 0 && (header.IsV4LoopbackAddress(src) || header.IsV6LoopbackAddress(src))
}

// fits reports whether a packet needs no cutting. Segmentation offload is the link's.
func fits(pkt *stack.PacketBuffer, mtu int) bool {
	return pkt.GSOOptions.Type != stack.GSONone || len(pkt.TransportHeader().Slice())+pkt.Data().Size() <= mtu
}

// eachFragment cuts the payload of pkt into pieces of at most size bytes, all but the last a multiple of
// 8 (RFC 8200 section 4.5, RFC 791 section 3.2).
func eachFragment(pkt *stack.PacketBuffer, size int, write func(part []byte, offset int, more bool) tcpip.Error) tcpip.Error {
	payload := slices.Concat(pkt.TransportHeader().Slice(), pkt.Data().AsRange().ToSlice())
	size &^= 7
	for offset := 0; offset < len(payload); offset += size {
		end := min(offset+size, len(payload))
		if err := write(payload[offset:end], offset, end < len(payload)); err != nil {
			return err
		}
	}
	return nil
}

func newFragment(r *stack.Route, b []byte) *stack.PacketBuffer {
	return stack.NewPacketBuffer(stack.PacketBufferOptions{
		ReserveHeaderBytes: int(r.MaxHeaderLength()),
		Payload:            buffer.MakeWithData(b),
	})
}

func bit(b bool) uint16 {
	if b {
		return 1
	}
	return 0
}
