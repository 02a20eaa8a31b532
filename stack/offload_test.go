package stack_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/capture"
	"github.com/hextet/hextet/stack/offload"
)

// watched counts what crosses a link, and may change it.
type watched struct {
	stack.OffloadLink
	largest atomic.Int64 // packet read
	runs    atomic.Int64
	write   func(l stack.OffloadLink, p offload.Packet) (int, error) // nil: as it is
}

func (w *watched) ReadOffload(deliver func(offload.Packet)) error {
	return w.OffloadLink.ReadOffload(func(p offload.Packet) {
		w.largest.Store(max(w.largest.Load(), int64(p.Len())))
		if p.Type != offload.None {
			w.runs.Add(1)
		}
		deliver(p)
	})
}

func (w *watched) WriteOffload(pkts []offload.Packet) (n int, err error) {
	if w.write == nil {
		return w.OffloadLink.WriteOffload(pkts)
	}
	for _, p := range pkts {
		k, err := w.write(w.OffloadLink, p)
		if n += k; err != nil {
			return n, err
		}
	}
	return n, nil
}

// watchedPair is two hosts on a wire whose first end is w.
func watchedPair(t *testing.T, w *watched) (a, b *stack.Stack, ai, bi *stack.Interface) {
	t.Helper()
	la, lb := stack.Pipe(1500)
	w.OffloadLink = la.(stack.OffloadLink)
	a, b = newStack(t, stack.Config{}), newStack(t, stack.Config{})
	ai = attach(t, a, "eth0", w, plain("2001:db8::1/64"), plain("192.0.2.1/24"))
	bi = attach(t, b, "eth0", lb, plain("2001:db8::2/64"), plain("192.0.2.2/24"))
	return a, b, ai, bi
}

// A bulk transfer crosses in super-segments, and the counters say how many packets the wire saw.
func TestBulkTransferIsOffloaded(t *testing.T) {
	for _, dst := range []string{"192.0.2.2", "2001:db8::2"} {
		w := &watched{}
		a, b, ai, bi := watchedPair(t, w)
		talkTCP(t, a, b, dst)
		if w.largest.Load() < 30_000 || w.runs.Load() == 0 {
			t.Errorf("%s: %d runs, the largest packet %d bytes", dst, w.runs.Load(), w.largest.Load())
		}
		// 1 MiB each way, in segments of at most 1460 bytes.
		var sent, got stack.Counters
		eventually(t, func() bool { // the last acknowledgement is on its way
			got, sent = ai.Counters(), bi.Counters()
			return sent.TxPackets == got.RxPackets
		})
		if sent.TxPackets < 1<<20/1460 || sent.TxBytes < 1<<20+40*(1<<20/1460) || sent.TxBytes > 1500*sent.TxPackets {
			t.Errorf("%s: sent %+v", dst, sent)
		}
		if sent.TxPackets != got.RxPackets || sent.TxBytes != got.RxBytes || sent.TxDropped != 0 {
			t.Errorf("%s: sent %+v, received %+v", dst, sent, got)
		}
	}
}

// A wire that loses and reorders single segments, and so cuts a run into several, costs time and no
// byte.
func TestLossInsideRuns(t *testing.T) {
	for _, dst := range []string{"192.0.2.2", "2001:db8::2"} {
		var mu sync.Mutex
		r := rand.New(rand.NewPCG(5, 6))
		var lost, late, split atomic.Int64
		w := &watched{write: func(l stack.OffloadLink, p offload.Packet) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			s, err := p.Segments()
			if err != nil {
				return 0, err
			}
			var held *offload.Packet
			for first := 0; first < s.Len(); {
				end := first + 1 + r.IntN(s.Len()-first)
				b, info := s.AppendRun(nil, first, end)
				run := offload.Packet{Info: info, Pieces: [][]byte{b}}
				if first > 0 {
					split.Add(1)
				}
				if first = end; first < s.Len() && r.IntN(50) == 0 {
					first++ // this one is lost
					lost.Add(1)
				}
				if held == nil && r.IntN(20) == 0 {
					held = &run
					late.Add(1)
					continue
				}
				l.WriteOffload([]offload.Packet{run})
			}
			if held != nil {
				l.WriteOffload([]offload.Packet{*held})
			}
			return s.Len(), nil
		}}
		a, b, _, _ := watchedPair(t, w)
		for range 3 {
			talkTCP(t, a, b, dst)
		}
		if lost.Load() == 0 || late.Load() == 0 || split.Load() == 0 {
			t.Errorf("%s: lost %d, late %d, split %d", dst, lost.Load(), late.Load(), split.Load())
		}
	}
}

// A link on the way that has no offload, on either side, costs speed only.
func TestOffloadOnOneSideOnly(t *testing.T) {
	for _, dst := range []string{"192.0.2.2", "2001:db8::2"} {
		la, lb := stack.Pipe(1500)
		a, b := newStack(t, stack.Config{}), newStack(t, stack.Config{})
		attach(t, a, "eth0", la, plain("2001:db8::1/64"), plain("192.0.2.1/24"))
		attach(t, b, "eth0", struct{ stack.Link }{lb}, plain("2001:db8::2/64"), plain("192.0.2.2/24"))
		talkTCP(t, a, b, dst)
	}
}

// What a link says about a packet and the packet contradicts is counted and dropped.
func TestBadOffloadIsCounted(t *testing.T) {
	s := newStack(t, stack.Config{})
	bad := superSegment(3000, 1000)
	bad.ChecksumStart = 44
	elsewhere := offload.Packet{Info: offload.Info{Network: 14}, Pieces: [][]byte{make([]byte, 80)}}
	l := &fixedLink{packets: []offload.Packet{bad, elsewhere, superSegment(3000, 1000)}, done: make(chan struct{})}
	i := attach(t, s, "eth0", l)
	eventually(t, func() bool { return i.Counters().RxPackets == 5 })
	i.Detach()
	if c := i.Counters(); c.RxOffload != 2 || c.RxBytes != 3060+80+3*1060 {
		t.Errorf("%+v", c)
	}
}

// fixedLink delivers packets, once.
type fixedLink struct {
	stack.OffloadLink
	mac     net.HardwareAddr
	packets []offload.Packet
	done    chan struct{}
}

func (l *fixedLink) MTU() int                       { return 1500 }
func (l *fixedLink) HardwareAddr() net.HardwareAddr { return l.mac }
func (l *fixedLink) Close() error                   { close(l.done); return nil }

func (l *fixedLink) WriteOffload(pkts []offload.Packet) (int, error) { return len(pkts), nil }

func (l *fixedLink) ReadOffload(deliver func(offload.Packet)) error {
	if len(l.packets) == 0 {
		<-l.done
		return net.ErrClosed
	}
	for _, p := range l.packets {
		deliver(p)
	}
	l.packets = nil
	return nil
}

// A raw socket of TCP sees what was on the wire: segments of the MTU with right checksums.
func TestRawSocketSeesSegments(t *testing.T) {
	for _, tt := range []struct{ network, dst string }{{"ip4:tcp", "192.0.2.2"}, {"ip6:tcp", "2001:db8::2"}} {
		a, b, _, _ := pair(t)
		raw, err := b.ListenPacket(t.Context(), tt.network, "")
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		raw.SetReadDeadline(time.Now().Add(30 * time.Second))
		talkTCP(t, a, b, tt.dst)
		full := 0
		buf := make([]byte, 1<<16)
		for full < 10 {
			n, from, err := raw.ReadFrom(buf)
			if err != nil {
				t.Fatalf("%s: %v after %d full segments", tt.network, err, full)
			}
			to := net.ParseIP(tt.dst)
			src := from.(*net.IPAddr).IP
			if to4 := to.To4(); to4 != nil {
				to, src = to4, src.To4()
			}
			hi, lo := ones(append(append(append(bytes.Clone(src), to...), 0, 6, byte(n>>8), byte(n)), buf[:n]...))
			if n > 1480 || hi != 0 || lo != 0 {
				t.Fatalf("%s: a segment of %d bytes, checksum off by %02x%02x", tt.network, n, hi, lo)
			}
			if n > 1400 {
				full++
			}
		}
	}
}

// A router forwards segments, not runs of them, for which its answer would be Packet Too Big; what is
// for itself it takes whole.
func TestRouterBetweenOffloadLinks(t *testing.T) {
	for _, dst := range []string{"192.0.2.2", "2001:db8::2"} {
		w := &watched{}
		a, r, _, _ := watchedPair(t, w) // r is the router, with .2
		lr, lc := stack.Pipe(1500)
		attach(t, r, "eth1", lr, plain("2001:db8:1::1/64"), plain("198.51.100.1/24"))
		for _, i := range r.Interfaces() {
			if err := i.SetForward(true); err != nil {
				t.Fatal(err)
			}
		}
		c := newStack(t, stack.Config{})
		attach(t, c, "eth0", lc, plain("2001:db8:1::2/64"), plain("198.51.100.2/24"))
		for _, route := range []struct {
			s        *stack.Stack
			dst, via string
		}{
			{a, "2001:db8:1::/64", "2001:db8::2"}, {a, "198.51.100.0/24", "192.0.2.2"},
			{c, "2001:db8::/64", "2001:db8:1::1"}, {c, "192.0.2.0/24", "198.51.100.1"},
		} {
			if err := route.s.AddRoute(stack.Route{Destination: netip.MustParsePrefix(route.dst), NextHop: netip.MustParseAddr(route.via)}); err != nil {
				t.Fatal(err)
			}
		}
		far := "2001:db8:1::2"
		if dst == "192.0.2.2" {
			far = "198.51.100.2"
		}
		talkTCP(t, a, c, far)
		if w.runs.Load() != 0 {
			t.Errorf("%s: %d runs came back through a router", far, w.runs.Load())
		}
		talkTCP(t, a, r, dst)
		if w.runs.Load() == 0 {
			t.Errorf("%s: the router itself sent no run", dst)
		}
	}
}

// A router that cuts a run still knows whom the frame was for: RFC 1812 section 5.3.4 has it forward nothing that
// came as a broadcast.
func TestRouterRefusesBroadcastRuns(t *testing.T) {
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	for _, tt := range []struct {
		to            net.HardwareAddr
		sent, refused uint64
	}{
		{mac, 3, 0},
		{net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 0, 3},
		{net.HardwareAddr{0x33, 0x33, 0, 0, 0, 1}, 0, 3},
	} {
		run := superSegment(3000, 1000)
		frame := append(append(bytes.Clone(tt.to), 2, 0, 0, 0, 0, 2, 0x86, 0xdd), bytes.Join(run.Pieces, nil)...)
		frame[14+7] = 64 // the hop limit
		for at, a := range map[int]string{14 + 8: "2001:db8::9", 14 + 24: "2001:db8:1::9"} {
			copy(frame[at:], netip.MustParseAddr(a).AsSlice())
		}
		run.Network, run.ChecksumStart, run.Pieces = 14, run.ChecksumStart+14, [][]byte{frame}

		r := newStack(t, stack.Config{})
		_, far := stack.Pipe(1500)
		attach(t, r, "eth1", far, plain("2001:db8:1::1/64")).SetForward(true)
		l := &fixedLink{mac: mac, packets: []offload.Packet{run}, done: make(chan struct{})}
		i, err := r.Attach(stack.InterfaceConfig{Name: "eth0", Link: l, Forward: true})
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { f := r.Counters().Forward; return f.Sent+f.Refused == 3 })
		if f := r.Counters().Forward; f.Sent != tt.sent || f.Refused != tt.refused {
			t.Errorf("to %v: %+v", tt.to, f)
		}
		i.Detach()
	}
}

// Whoever looks at the wire sees packets of the MTU with full checksums while runs cross it.
func TestTapSeesTheWire(t *testing.T) {
	for _, dst := range []string{"192.0.2.2", "2001:db8::2"} {
		var mu sync.Mutex
		largest, wrong, packets := 0, 0, uint64(0)
		w, err := capture.NewWriter(io.Discard, capture.Options{Sink: func(p capture.Packet) {
			mu.Lock()
			defer mu.Unlock()
			packets++
			largest = max(largest, p.Length)
			pseudo, tcp := p.Data[8:40], 40
			if p.Data[0]>>4 == 4 {
				pseudo, tcp = p.Data[12:20], 20
			} else if p.Data[6] != 6 {
				return
			}
			n := len(p.Data) - tcp
			if hi, lo := ones(append(append(bytes.Clone(pseudo), 0, 6, byte(n>>8), byte(n)), p.Data[tcp:]...)); hi|lo != 0 {
				wrong++
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		w1 := &watched{}
		la, lb := stack.Pipe(1500)
		w1.OffloadLink = la.(stack.OffloadLink)
		a, b := newStack(t, stack.Config{}), newStack(t, stack.Config{})
		ai := attach(t, a, "eth0", w.Tap("a", w1), plain("2001:db8::1/64"), plain("192.0.2.1/24"))
		attach(t, b, "eth0", lb, plain("2001:db8::2/64"), plain("192.0.2.2/24"))
		talkTCP(t, a, b, dst)
		a.Close()
		c := ai.Counters()
		if wrong != 0 || largest > 1500 || largest < 1400 || packets != c.RxPackets+c.TxPackets+c.TxDropped || w1.largest.Load() < 30_000 {
			t.Errorf("%s: %d of %d packets have wrong checksums, the largest has %d bytes; the link has seen %d bytes in one; %+v",
				dst, wrong, packets, largest, w1.largest.Load(), c)
		}
	}
}
