package capture

import (
	"bytes"
	"net"
	"testing"

	"github.com/hextet/hextet/stack/offload"
)

// offLink is a link that carries super-segments.
type offLink struct {
	*memLink
	in      []offload.Packet
	written []offload.Packet
}

func (l *offLink) ReadOffload(deliver func(offload.Packet)) error {
	if len(l.in) == 0 {
		return net.ErrClosed
	}
	for _, p := range l.in {
		deliver(p)
	}
	l.in = nil
	return nil
}

func (l *offLink) WriteOffload(pkts []offload.Packet) (int, error) {
	l.written = append(l.written, pkts...)
	return len(pkts), nil
}

// superSegment stands for three segments of 8, 8 and 4 bytes between addresses of zeros.
func superSegment() offload.Packet {
	b := make([]byte, 60, 80)
	b[0], b[5], b[6], b[52], b[53], b[57] = 0x60, 40, 6, 5<<4, 0x18, 46
	b = append(b, "abcdefghijklmnopqrst"...)
	return offload.Packet{
		Info:   offload.Info{Type: offload.TCP6, SegmentSize: 8, Checksum: offload.Partial, ChecksumStart: 40, ChecksumOffset: 16},
		Pieces: [][]byte{b[:65], b[65:]},
	}
}

// The file has what was on the wire; the link and the stack have the super-segment.
func TestTapOfAnOffloadLink(t *testing.T) {
	var buf bytes.Buffer
	w := mustWriter(t, &buf, Options{})
	broken := superSegment()
	broken.ChecksumStart = 41
	l := &offLink{memLink: newMemLink(), in: []offload.Packet{superSegment(), {Pieces: [][]byte{[]byte("si"), []byte("ngle")}}}}
	tapped, ok := w.Tap("a", l).(offload.Link)
	if !ok {
		t.Fatal("the tap of an offload link is none")
	}
	if n, err := tapped.WriteOffload([]offload.Packet{superSegment(), broken}); n != 2 || err != nil {
		t.Fatalf("the link's own answer was 2, got %d, %v", n, err)
	}
	if len(l.written) != 2 || l.written[0].SegmentSize != 8 || len(l.written[0].Pieces) != 2 {
		t.Errorf("the link got %+v", l.written)
	}
	var delivered []offload.Packet
	if err := tapped.ReadOffload(func(p offload.Packet) { delivered = append(delivered, p) }); err != nil {
		t.Fatal(err)
	}
	if len(delivered) != 2 || delivered[0].SegmentSize != 8 {
		t.Errorf("the stack got %+v", delivered)
	}
	if err := tapped.ReadOffload(nil); err != net.ErrClosed {
		t.Errorf("the link's own error: %v", err)
	}

	got := mustReadAll(t, buf.Bytes())
	wantData := []string{"abcdefgh", "ijklmnop", "qrst", "abcdefghijklmnopqrst", "abcdefgh", "ijklmnop", "qrst"}
	if len(got) != len(wantData)+1 || string(got[7].Data) != "single" {
		t.Fatalf("%d packets recorded", len(got))
	}
	for i, want := range wantData {
		p := got[i]
		if data := string(p.Data[60:]); data != want || p.Length != 60+len(want) {
			t.Errorf("packet %d: %q of %d bytes", i, data, p.Length)
		}
		if (p.Direction == Outbound) != (i < 4) || p.Interface != "a" {
			t.Errorf("packet %d: %v on %s", i, p.Direction, p.Interface)
		}
		sum := uint32(6 + len(p.Data) - 40)
		for j := 40; j < len(p.Data); j += 2 {
			sum += uint32(p.Data[j])<<8 | uint32(p.Data[j+1])
		}
		if valid := sum>>16+sum&0xffff == 0xffff; valid != (i != 3) { // the broken one as it was
			t.Errorf("packet %d: checksum valid %v", i, valid)
		}
	}
	if got, want := w.Counters(), (Counters{Packets: 8, Bytes: 2*(68+68+64) + 80 + 6}); got != want {
		t.Errorf("counters %+v, want %+v", got, want)
	}
	w.Close()
	tapped.WriteOffload([]offload.Packet{superSegment(), broken})
	if got := w.Counters().Dropped; got != 4 {
		t.Errorf("%d packets dropped after Close, want 4", got)
	}
}
