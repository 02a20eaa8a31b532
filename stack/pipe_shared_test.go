package stack_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/internal/engine"
	"github.com/hextet/hextet/stack/offload"
	"gvisor.dev/gvisor/pkg/buffer"
)

func sharedPipe(t *testing.T) (a, b engine.Wire) {
	la, lb := stack.Pipe(1500)
	t.Cleanup(func() { la.Close(); lb.Close() })
	return la.(engine.Wire), lb.(engine.Wire)
}

// shared returns a super-segment like superSegment's with its payload in a few views.
func shared(n, size, views int) (offload.Packet, buffer.Buffer) {
	p := superSegment(n, size)
	whole := bytes.Join(p.Pieces, nil)
	p.Pieces = [][]byte{whole[:60]}
	var body buffer.Buffer
	for k := range views {
		v := buffer.NewViewWithData(whole[60+k*n/views : 60+(k+1)*n/views])
		p.Pieces = append(p.Pieces, v.AsSlice())
		body.Append(v)
	}
	return p, body
}

// However packets are written, and however they are read, the same ones come out.
func TestPipeSharesWhatItWouldCopy(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		a, b := sharedPipe(t)
		var want, got [][]byte
		for range 1 + rnd.IntN(5) {
			p, body := shared(1001+rnd.IntN(20_000), 1000, 1+rnd.IntN(4))
			packets := onWire(t, p)
			want = append(want, packets...)
			n, err := 0, error(nil)
			if rnd.IntN(3) > 0 {
				n, err = a.WriteShared(p, body)
			} else {
				n, err = a.WriteOffload([]offload.Packet{p})
			}
			if n != len(packets) || err != nil {
				t.Fatalf("%d of %d, %v", n, len(packets), err)
			}
		}
		for len(got) < len(want) {
			switch rnd.IntN(3) {
			case 0:
				bufs, sizes := [][]byte{make([]byte, 1500), make([]byte, 1500), make([]byte, 1500)}, make([]int, 3)
				n, err := b.ReadPackets(bufs, sizes)
				if err != nil {
					t.Fatal(err)
				}
				for i := range n {
					got = append(got, bufs[i][:sizes[i]])
				}
			case 1:
				b.ReadOffload(func(p offload.Packet) { got = append(got, onWire(t, p)...) })
			case 2:
				b.ReadShared(func(p offload.Packet, body *buffer.Buffer) {
					got = append(got, onWire(t, p)...)
					if body != nil && !bytes.Equal(body.Flatten(), bytes.Join(p.Pieces[1:], nil)) {
						t.Error("the body is not the payload")
					}
				})
			}
		}
		for i := range want {
			if !bytes.Equal(got[i], want[i]) {
				t.Fatalf("round %d, segment %d of %d:\n got % x\nwant % x", round, i, len(want), got[i], want[i])
			}
		}
	}
}

// The payload is the sender's own memory, which the receiver may keep.
func TestPipeSharesMemory(t *testing.T) {
	a, b := sharedPipe(t)
	p, body := shared(3000, 1000, 2)
	first, kept := &p.Pieces[1][0], buffer.Buffer{}
	if n, err := a.WriteShared(p, body); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	b.ReadShared(func(p offload.Packet, body *buffer.Buffer) {
		if &p.Pieces[1][0] != first {
			t.Error("the payload was copied")
		}
		kept.Merge(body)
	})
	defer kept.Release()
	if views := kept.AsViewList(); &views.Front().AsSlice()[0] != first {
		t.Error("what was kept is not the payload")
	}
}

// Sharing fails as copying does: the front of what does not fit is taken, and nothing that is malformed, or after
// the end.
func TestPipeSharesNoMore(t *testing.T) {
	a, b := sharedPipe(t)
	taken, writes := 0, 0
	for ; ; writes++ {
		p, body := shared(60_000, 1000, 1)
		n, err := a.WriteShared(p, body)
		if taken += n; err != nil {
			break
		}
	}
	if taken != 4096 || writes != 68 {
		t.Errorf("%d segments fit in %d writes, want 4096 in 68", taken, writes)
	}
	p, body := shared(3000, 1000, 1)
	p.ChecksumStart = 44
	if n, err := a.WriteShared(p, body); n != 0 || !errors.Is(err, offload.ErrMalformed) {
		t.Errorf("contradictory: %d, %v", n, err)
	}
	b.Close()
	if n, err := a.WriteShared(shared(3000, 1000, 1)); n != 0 || err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("unplugged: %d, %v", n, err)
	}
	a.Close()
	if n, err := a.WriteShared(shared(3000, 1000, 1)); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("write after close: %d, %v", n, err)
	}
}

// A payload in many pieces is copied into one.
func TestPipeDoesNotShareCrumbs(t *testing.T) {
	for views, whole := range map[int]bool{50: false, 500: true} {
		a, b := sharedPipe(t)
		p, body := shared(5000, 1000, views)
		want := bytes.Join(p.Pieces, nil)
		if n, err := a.WriteShared(p, body); n != 5 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		b.ReadShared(func(p offload.Packet, body *buffer.Buffer) {
			if (body == nil) != whole || !bytes.Equal(bytes.Join(p.Pieces, nil), want) {
				t.Errorf("%d views: a body %v, %d pieces", views, body != nil, len(p.Pieces))
			}
		})
	}
}
