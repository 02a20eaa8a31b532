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
	disp := e.disp.Load()
	if disp == nil {
		return
	}
	proto, ok := e.classify(b)
	if !ok {
		return
	}
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{
		Payload: buffer.MakeWithView(buffer.NewViewWithData(b)),
	})
	defer pkt.DecRef()
	e.ParseHeader(pkt)
	(*disp).DeliverNetworkPacket(proto, pkt)
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
	var (
		viewArray [4]*buffer.View
		bufArray  [4][]byte
	)
	views, bufs := viewArray[:0], bufArray[:0]
	var bytes uint64
	for _, pkt := range list {
		if staysHere(pkt) {
			continue
		}
		v := pkt.ToView()
		if v.Size() > int(e.mtu)+int(e.MaxHeaderLength()) {
			e.Counters.TxOversize.Add(1)
			v.Release()
			continue
		}
		views, bufs = append(views, v), append(bufs, v.AsSlice())
		bytes += uint64(v.Size())
	}
	n := 0
	if len(bufs) > 0 {
		n, _ = e.link.WritePackets(bufs)
		n = min(max(n, 0), len(bufs))
	}
	e.Counters.TxPackets.Add(uint64(n))
	if n == len(bufs) {
		e.Counters.TxBytes.Add(bytes)
	} else {
		for _, b := range bufs[:n] {
			e.Counters.TxBytes.Add(uint64(len(b)))
		}
		e.Counters.TxDropped.Add(uint64(len(bufs) - n))
	}
	for _, v := range views {
		v.Release()
	}
	return len(list), nil
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
