package engine

import (
	"bytes"
	"testing"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// A reassembled packet is in pieces. Whoever reads its payload leaves them where they are: gVisor still looks
// at the header in the first.
func TestPayloadOfPiecesStaysInPlace(t *testing.T) {
	head := make([]byte, header.IPv4MinimumSize)
	header.IPv4(head).Encode(&header.IPv4Fields{TotalLength: 20 + 3000, TTL: 64, Protocol: 253})
	b := buffer.MakeWithView(buffer.NewViewWithData(append(head, bytes.Repeat([]byte{1}, 1480)...)))
	if err := b.Append(buffer.NewViewWithData(bytes.Repeat([]byte{2}, 1520))); err != nil {
		t.Fatal(err)
	}
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: b})
	defer pkt.DecRef()
	pkt.NetworkProtocolNumber = header.IPv4ProtocolNumber
	before, ok := pkt.NetworkHeader().Consume(header.IPv4MinimumSize)
	if !ok {
		t.Fatal("no header")
	}
	rp := describe(253, pkt)
	want := append(bytes.Repeat([]byte{1}, 1480), bytes.Repeat([]byte{2}, 1520)...)
	if first, ok := rp.FirstByte(); !ok || first != 1 || rp.Len() != 3000 {
		t.Errorf("%d, %v of %d bytes", first, ok, rp.Len())
	}
	if got := rp.AppendPayload([]byte("kept")); !bytes.Equal(got, append([]byte("kept"), want...)) {
		t.Errorf("%d bytes, want %d", len(got), 4+len(want))
	}
	if after := pkt.NetworkHeader().Slice(); &after[0] != &before[0] {
		t.Error("the header was moved")
	}
}
