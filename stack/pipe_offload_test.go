package stack_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/offload"
)

// superSegment is an IPv6 packet with a TCP header and n bytes of data, to be cut every size bytes.
func superSegment(n, size int) offload.Packet {
	b := make([]byte, 60, 60+n)
	b[0], b[6], b[52], b[53] = 0x60, 6, 5<<4, 0x18
	binary.BigEndian.PutUint16(b[4:], uint16(20+n))
	binary.BigEndian.PutUint16(b[56:], uint16(6+20+n)) // the sum of a pseudo-header with addresses of zeros
	for i := range n {
		b = append(b, byte(i))
	}
	return offload.Packet{
		Info:   offload.Info{Type: offload.TCP6, SegmentSize: size, Checksum: offload.Partial, ChecksumStart: 40, ChecksumOffset: 16},
		Pieces: [][]byte{b[:70], b[70:]},
	}
}

// onWire returns what p stands for, segment by segment.
func onWire(t *testing.T, p offload.Packet) (packets [][]byte) {
	t.Helper()
	s, err := p.Segments()
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Len() {
		packets = append(packets, s.Append(nil, i))
	}
	return packets
}

func offloadPipe(t *testing.T, mtu int) (a, b stack.OffloadLink) {
	la, lb := stack.Pipe(mtu)
	t.Cleanup(func() { la.Close(); lb.Close() })
	return la.(stack.OffloadLink), lb.(stack.OffloadLink)
}

// An end that knows nothing of super-segments reads what they stand for, a few at a time, and packets
// of either kind stay in order.
func TestPipeCutsForAPlainReader(t *testing.T) {
	a, b := offloadPipe(t, 1500)
	large, small := superSegment(10_001, 1000), []byte("small")
	if n, err := a.WriteOffload([]offload.Packet{large, {Pieces: [][]byte{small[:2], small[2:]}}}); n != 12 || err != nil {
		t.Fatalf("WriteOffload: %d, %v", n, err)
	}
	if n, err := a.WritePackets([][]byte{small}); n != 1 || err != nil {
		t.Fatalf("WritePackets: %d, %v", n, err)
	}
	want := append(onWire(t, large), small, small)
	bufs, sizes := [][]byte{make([]byte, 1500), make([]byte, 1500), make([]byte, 1500)}, make([]int, 3)
	for len(want) > 0 {
		n, err := b.ReadPackets(bufs, sizes)
		if err != nil || n < 1 {
			t.Fatalf("ReadPackets: %d, %v", n, err)
		}
		for i := range n {
			if !bytes.Equal(bufs[i][:sizes[i]], want[i]) {
				t.Fatalf("%d packets before the end:\n got % x\nwant % x", len(want), bufs[i][:sizes[i]], want[i])
			}
		}
		want = want[n:]
	}
}

// A reader that asks for super-segments gets them whole, and the rest of one that it has begun to read
// otherwise.
func TestPipeDeliversWhole(t *testing.T) {
	a, b := offloadPipe(t, 1500)
	large := superSegment(10_001, 1000)
	a.WriteOffload([]offload.Packet{large, large})
	want := onWire(t, large)
	bufs, sizes := [][]byte{make([]byte, 1500), make([]byte, 1500), make([]byte, 1500)}, make([]int, 3)
	if n, err := b.ReadPackets(bufs, sizes); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	var got [][]byte
	var sizesOfRuns []int
	if err := b.ReadOffload(func(p offload.Packet) {
		packets := onWire(t, p)
		got = append(got, packets...)
		sizesOfRuns = append(sizesOfRuns, len(packets))
	}); err != nil {
		t.Fatal(err)
	}
	want = append(want[3:], want...)
	if fmt.Sprint(sizesOfRuns) != "[8 11]" || len(got) != len(want) {
		t.Fatalf("runs of %v segments", sizesOfRuns)
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("segment %d:\n got % x\nwant % x", i, got[i], want[i])
		}
	}
}

// The queue counts segments: a full one takes the front of a super-segment, which is what a ring of
// packets would do.
func TestPipeQueueCountsSegments(t *testing.T) {
	a, b := offloadPipe(t, 1500)
	const limit, each = 4096, 60
	large := superSegment(each*1000, 1000)
	taken := 0
	for {
		n, err := a.WriteOffload([]offload.Packet{large})
		if taken += n; err != nil {
			break
		}
	}
	if taken != limit {
		t.Errorf("%d segments fit, want %d", taken, limit)
	}
	if n, err := a.WritePackets([][]byte{{1}}); n != 0 || err == nil {
		t.Errorf("one more: %d, %v", n, err)
	}
	whole, read, runs := onWire(t, large), 0, 0
	if err := b.ReadOffload(func(p offload.Packet) {
		for i, packet := range onWire(t, p) {
			if !bytes.Equal(packet, whole[i]) {
				t.Fatalf("segment %d of run %d differs", i, runs)
			}
			read++
		}
		runs++
	}); err != nil {
		t.Fatal(err)
	}
	if read != limit || runs != limit/each+1 {
		t.Errorf("%d segments in %d packets", read, runs)
	}
	if n, err := a.WriteOffload([]offload.Packet{large}); n != each || err != nil {
		t.Errorf("into the empty queue: %d, %v", n, err)
	}
}

func TestPipeRefusesOffload(t *testing.T) {
	a, b := offloadPipe(t, 1500)
	good := superSegment(3000, 1440)
	contradictory := superSegment(3000, 1440)
	contradictory.ChecksumStart = 44
	if n, err := a.WriteOffload([]offload.Packet{good, contradictory, good}); n != 3 || !errors.Is(err, offload.ErrMalformed) {
		t.Errorf("contradictory: %d, %v", n, err)
	}
	if n, err := a.WriteOffload([]offload.Packet{superSegment(3000, 1441)}); n != 0 || err == nil {
		t.Errorf("segments of 1501 bytes: %d, %v", n, err)
	}
	b.Close()
	if n, err := a.WriteOffload([]offload.Packet{good}); n != 0 || err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("unplugged: %d, %v", n, err)
	}
	if err := b.ReadOffload(func(offload.Packet) {}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
	a.Close()
	if n, err := a.WriteOffload([]offload.Packet{good}); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("write after close: %d, %v", n, err)
	}
}
