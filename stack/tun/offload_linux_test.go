package tun

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"testing"

	"github.com/hextet/hextet/stack/offload"
	"golang.org/x/sys/unix"
)

var _ offload.Link = (*Device)(nil)

// vnetPair is pair with a virtio header in front of each packet.
func vnetPair(t *testing.T) (d *Device, kernel int) {
	t.Helper()
	d, kernel = pair(t)
	d.vnet = true
	return d, kernel
}

// superSegment stands for n/size segments, rounded up, between addresses of zeros.
func superSegment(n, size int, flags byte) offload.Packet {
	b := make([]byte, 60, 60+n)
	b[0], b[6], b[52], b[53] = 0x60, 6, 5<<4, flags
	binary.BigEndian.PutUint16(b[4:], uint16(20+n))
	binary.BigEndian.PutUint16(b[56:], uint16(6+20+n))
	for i := range n {
		b = append(b, byte(i))
	}
	return offload.Packet{
		Info:   offload.Info{Type: offload.TCP6, SegmentSize: size, Checksum: offload.Partial, ChecksumStart: 40, ChecksumOffset: 16},
		Pieces: [][]byte{b[:70], b[70:]},
	}
}

func onWire(t *testing.T, p offload.Packet) (packets []string) {
	t.Helper()
	s, err := p.Segments()
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Len() {
		packets = append(packets, string(s.Append(nil, i)))
	}
	return packets
}

func flat(p offload.Packet) string { return string(bytes.Join(p.Pieces, nil)) }

func readKernel(t *testing.T, fd int) string {
	t.Helper()
	buf := make([]byte, 1<<17)
	n, err := unix.Read(fd, buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func TestWriteOffload(t *testing.T) {
	d, kernel := vnetPair(t)
	large := superSegment(3000, 1000, 0x98) // CWR, ACK, PSH
	verified := large
	verified.Checksum, verified.ChecksumStart, verified.ChecksumOffset = offload.Verified, 0, 0
	one := superSegment(500, 1000, 0x10)
	if n, err := d.WriteOffload([]offload.Packet{large, verified, one, {Pieces: [][]byte{[]byte("pl"), []byte("ain")}}}); n != 8 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if n, err := d.WritePackets([][]byte{[]byte("more")}); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	for i, want := range []string{
		string(native(1, 0x84, 60, 1000, 40, 16)) + flat(large),
		string(native(1, 0x84, 60, 1000, 40, 16)) + flat(large), // the kernel takes no other
		string(native(1, 0, 0, 0, 40, 16)) + flat(one),
		string(native(0, 0, 0, 0, 0, 0)) + "plain",
		string(native(0, 0, 0, 0, 0, 0)) + "more",
	} {
		if got := readKernel(t, kernel); got != want {
			t.Errorf("packet %d:\n got % x\nwant % x", i, got, want)
		}
	}
	if got, want := d.Counters(), (Counters{PacketsWritten: 9, BytesWritten: 2*3180 + 560 + 5 + 4}); got != want {
		t.Errorf("counters %+v, want %+v", got, want)
	}
	bad := large
	bad.ChecksumStart = 41
	if n, err := d.WriteOffload([]offload.Packet{one, bad}); n != 1 || !errors.Is(err, offload.ErrMalformed) {
		t.Errorf("contradictory: %d, %v", n, err)
	}
	if n, err := d.WriteOffload(nil); n != 0 || err != nil {
		t.Errorf("nothing: %d, %v", n, err)
	}
}

// Without virtio headers the device cuts by itself.
func TestWriteOffloadCuts(t *testing.T) {
	d, kernel := pair(t)
	large := superSegment(3000, 1000, 0x10)
	if n, err := d.WriteOffload([]offload.Packet{large}); n != 3 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	for i, want := range onWire(t, large) {
		if got := readKernel(t, kernel); got != want {
			t.Errorf("packet %d:\n got % x\nwant % x", i, got, want)
		}
	}
}

func TestReadOffload(t *testing.T) {
	d, kernel := vnetPair(t)
	large := superSegment(3000, 1000, 0x10)
	header := string(native(1, 4, 60, 1000, 40, 16))
	send(t, kernel, "short", string(native(1, 5, 0, 0, 0, 0))+"UDP_L4", header+flat(large), string(native(2, 0, 0, 0, 0, 0))+"x")
	for i, want := range []offload.Packet{large, {Info: offload.Info{Checksum: offload.Verified}, Pieces: [][]byte{[]byte("x")}}} {
		var got []string
		if err := d.ReadOffload(func(p offload.Packet) {
			if p.Info != want.Info {
				t.Errorf("packet %d: %+v, want %+v", i, p.Info, want.Info)
			}
			got = append(got, flat(p))
		}); err != nil || len(got) != 1 || got[0] != flat(want) {
			t.Errorf("packet %d: %d packets, %v", i, len(got), err)
		}
	}
	if got, want := d.Counters(), (Counters{PacketsRead: 4, BytesRead: 3181, ReadDrops: 2}); got != want {
		t.Errorf("counters %+v, want %+v", got, want)
	}
	failed := make(chan error)
	go func() { failed <- d.ReadOffload(func(offload.Packet) {}) }()
	d.Close()
	if err := <-failed; !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// A plain reader gets the segments of what the kernel left whole, over as many calls as it takes.
func TestReadPacketsCuts(t *testing.T) {
	d, kernel := vnetPair(t)
	large := superSegment(3000, 1000, 0x10)
	broken := string(native(1, 4, 60, 1000, 44, 16)) + flat(large)
	send(t, kernel, string(native(1, 4, 60, 1000, 40, 16))+flat(large), broken, string(native(0, 0, 0, 0, 0, 0))+"x")
	bufs, sizes := buffers(2, 1500)
	var got []string
	for range 2 {
		n, err := d.ReadPackets(bufs, sizes)
		if n != 2 || err != nil {
			t.Fatal(n, err)
		}
		got = append(got, string(bufs[0][:sizes[0]]), string(bufs[1][:sizes[1]]))
	}
	for i, want := range append(onWire(t, large), "x") {
		if got[i] != want {
			t.Errorf("packet %d:\n got % x\nwant % x", i, got[i], want)
		}
	}
	if got, want := d.Counters(), (Counters{PacketsRead: 4, BytesRead: 3181, ReadDrops: 1}); got != want {
		t.Errorf("counters %+v, want %+v", got, want)
	}
}

// A sender of many small writes has more pieces than writev takes at once.
func TestWriteOffloadOfManyPieces(t *testing.T) {
	d, kernel := vnetPair(t)
	whole := superSegment(3000, 1000, 0x10)
	p := whole
	p.Pieces = [][]byte{[]byte(flat(whole))[:60]}
	for _, b := range []byte(flat(whole))[60:] {
		p.Pieces = append(p.Pieces, []byte{b})
	}
	if n, err := d.WriteOffload([]offload.Packet{p}); n != 3 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if got, want := readKernel(t, kernel), string(native(1, 4, 60, 1000, 40, 16))+flat(whole); got != want {
		t.Errorf("%d octets, % x", len(got), got[:min(len(got), 70)])
	}
	if c := d.Counters(); c.WriteDrops != 0 {
		t.Errorf("%+v", c)
	}
}
