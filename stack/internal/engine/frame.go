package engine

import (
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// MaxHeaderLength implements stack.LinkEndpoint.
func (e *LinkEndpoint) MaxHeaderLength() uint16 {
	if e.ethernet() {
		return header.EthernetMinimumSize
	}
	return 0
}

// AddHeader implements stack.LinkEndpoint.
func (e *LinkEndpoint) AddHeader(pkt *stack.PacketBuffer) {
	if !e.ethernet() {
		return
	}
	src := pkt.EgressRoute.LocalLinkAddress
	if len(src) == 0 {
		src = e.addr
	}
	header.Ethernet(pkt.LinkHeader().Push(header.EthernetMinimumSize)).Encode(&header.EthernetFields{
		SrcAddr: src,
		DstAddr: pkt.EgressRoute.RemoteLinkAddress,
		Type:    pkt.NetworkProtocolNumber,
	})
}

// ParseHeader implements stack.LinkEndpoint.
func (e *LinkEndpoint) ParseHeader(pkt *stack.PacketBuffer) bool {
	if !e.ethernet() {
		return true
	}
	_, ok := pkt.LinkHeader().Consume(header.EthernetMinimumSize)
	return ok
}

// deliver hands a received packet to gVisor. b is the reader's and is copied.
func (e *LinkEndpoint) deliver(b []byte) {
	e.Counters.RxPackets.Add(1)
	e.Counters.RxBytes.Add(uint64(len(b)))
	if disp := e.disp.Load(); disp != nil {
		e.deliverTo(*disp, b)
	}
}

// deliverTo is deliver once the packet is counted.
func (e *LinkEndpoint) deliverTo(disp stack.NetworkDispatcher, b []byte) {
	proto, ok := e.classify(b)
	if !ok || e.shortCut(b[e.MaxHeaderLength():]) {
		return
	}
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{
		Payload: buffer.MakeWithView(buffer.NewViewWithData(b)),
	})
	defer pkt.DecRef()
	e.ParseHeader(pkt)
	disp.DeliverNetworkPacket(proto, pkt)
}

// classify names the network protocol of a received packet, or counts why there is none.
func (e *LinkEndpoint) classify(b []byte) (tcpip.NetworkProtocolNumber, bool) {
	if e.ethernet() {
		if len(b) < header.EthernetMinimumSize {
			e.Counters.RxRunt.Add(1)
			return 0, false
		}
		h := header.Ethernet(b)
		if dst := h.DestinationAddress(); dst != e.addr && !header.IsMulticastEthernetAddress(dst) && dst != header.EthernetBroadcastAddress {
			e.Counters.RxOther.Add(1)
			return 0, false
		}
		switch h.Type() {
		case header.IPv4ProtocolNumber, header.IPv6ProtocolNumber, header.ARPProtocolNumber:
			return h.Type(), true
		}
		e.Counters.RxUnknown.Add(1)
		return 0, false
	}
	if len(b) < header.IPv4MinimumSize {
		e.Counters.RxRunt.Add(1)
		return 0, false
	}
	switch header.IPVersion(b) {
	case header.IPv4Version:
		return header.IPv4ProtocolNumber, true
	case header.IPv6Version:
		return header.IPv6ProtocolNumber, true
	}
	e.Counters.RxUnknown.Add(1)
	return 0, false
}

// WritePackets implements stack.LinkEndpoint. What the link refuses is dropped and counted, as a
// network card would: it is no error of the sender's.
func (e *LinkEndpoint) WritePackets(pkts stack.PacketBufferList) (int, tcpip.Error) {
	list := pkts.AsSlice()
	if e.off != nil {
		e.writeOffload(list)
		return len(list), nil
	}
	w := writeBatches.Get().(*writeBatch)
	for _, pkt := range list {
		if !e.leaves(pkt) {
			continue
		}
		v := pkt.ToView()
		w.views, w.bufs = append(w.views, v), append(w.bufs, v.AsSlice())
	}
	e.write(w.bufs)
	w.free()
	return len(list), nil
}

// leaves reports whether pkt is for the link, and counts it if it should be but can't.
func (e *LinkEndpoint) leaves(pkt *stack.PacketBuffer) bool {
	if staysHere(pkt) {
		return false
	}
	if e.ethernet() && len(pkt.EgressRoute.RemoteLinkAddress) == 0 {
		// The source was removed on the way: gVisor does not look a neighbour up for it.
		e.Counters.TxDropped.Add(1)
		return false
	}
	return true
}

// staysHere reports whether pkt is for group members on this host only: a multicast packet whose hop
// limit, or time to live, is 0. They have their copy.
func staysHere(pkt *stack.PacketBuffer) bool {
	h := pkt.NetworkHeader().Slice()
	switch {
	case pkt.NetworkProtocolNumber == header.IPv6ProtocolNumber && len(h) >= header.IPv6MinimumSize:
		return header.IPv6(h).HopLimit() == 0 && header.IsV6MulticastAddress(header.IPv6(h).DestinationAddress())
	case pkt.NetworkProtocolNumber == header.IPv4ProtocolNumber && len(h) >= header.IPv4MinimumSize:
		return header.IPv4(h).TTL() == 0 && header.IsV4MulticastAddress(header.IPv4(h).DestinationAddress())
	}
	return false
}
