package engine

import (
	"net"
	"testing"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// A frame without a destination, as gVisor makes one when the source is removed while it sends, is dropped.
func TestFrameWithoutDestination(t *testing.T) {
	sent := 0
	e := NewLinkEndpoint(&countingLink{n: &sent}, nil)
	for _, to := range []string{"", "\x02\x00\x00\x00\x00\x02"} {
		pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{ReserveHeaderBytes: header.EthernetMinimumSize, Payload: newPayload(make([]byte, 40))})
		pkt.NetworkProtocolNumber = header.IPv6ProtocolNumber
		pkt.EgressRoute.RemoteLinkAddress = tcpip.LinkAddress(to)
		e.AddHeader(pkt)
		var list stack.PacketBufferList
		list.PushBack(pkt)
		if n, err := e.WritePackets(list); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		list.Reset()
	}
	if sent != 1 || e.Counters.TxPackets.Load() != 1 || e.Counters.TxDropped.Load() != 1 {
		t.Errorf("%d frames, %d counted, %d dropped; want one each", sent, e.Counters.TxPackets.Load(), e.Counters.TxDropped.Load())
	}
}

// countingLink counts what is written.
type countingLink struct {
	Link
	n *int
}

func (countingLink) MTU() int                       { return 1500 }
func (countingLink) HardwareAddr() net.HardwareAddr { return net.HardwareAddr{2, 0, 0, 0, 0, 1} }
func (l countingLink) WritePackets(bufs [][]byte) (int, error) {
	*l.n += len(bufs)
	return len(bufs), nil
}
