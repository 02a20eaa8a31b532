package capture

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memLink delivers batches from in and keeps what is written.
type memLink struct {
	hw     net.HardwareAddr
	in     chan [][]byte
	closed chan struct{}
	once   sync.Once

	mu  sync.Mutex
	out [][]byte
	err error // of WritePackets
}

func newMemLink() *memLink {
	return &memLink{in: make(chan [][]byte, 16), closed: make(chan struct{})}
}

func (l *memLink) MTU() int                       { return 1400 }
func (l *memLink) HardwareAddr() net.HardwareAddr { return l.hw }
func (l *memLink) Offload()                       {}

func (l *memLink) ReadPackets(bufs [][]byte, sizes []int) (int, error) {
	select {
	case batch := <-l.in:
		for i, p := range batch {
			sizes[i] = copy(bufs[i], p)
		}
		return len(batch), nil
	case <-l.closed:
		return 0, net.ErrClosed
	}
}

func (l *memLink) WritePackets(bufs [][]byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return 0, l.err
	}
	for _, b := range bufs {
		l.out = append(l.out, bytes.Clone(b))
	}
	return len(bufs), nil
}

func (l *memLink) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func buffers(n int) ([][]byte, []int) {
	bufs := make([][]byte, n)
	for i := range bufs {
		bufs[i] = make([]byte, 2000)
	}
	return bufs, make([]int, n)
}

func TestTapBothWays(t *testing.T) {
	var buf bytes.Buffer
	var sunk []Packet
	w := mustWriter(t, &buf, Options{
		Comment: func(p Packet) string {
			if p.Direction == Inbound {
				return fmt.Sprintf("%s%s got %d bytes", p.Comment, p.Interface, len(p.Data))
			}
			return ""
		},
		Sink: func(p Packet) { sunk = append(sunk, p.Clone()) },
	})
	l := newMemLink()
	tapped := w.Tap("server", l)
	if n, err := tapped.WritePackets([][]byte{[]byte("one"), []byte("four")}); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	l.in <- [][]byte{[]byte("reply"), {}}
	bufs, sizes := buffers(4)
	n, err := tapped.ReadPackets(bufs, sizes)
	if n != 2 || err != nil || string(bufs[0][:sizes[0]]) != "reply" || sizes[1] != 0 {
		t.Fatalf("read %d packets, %v: %q", n, err, bufs[0][:sizes[0]])
	}
	at := func(ns int64) time.Time { return time.Unix(1, ns).UTC() }
	want := []Packet{
		{at(1), "server", Raw, Outbound, []byte("one"), 3, ""},
		{at(1), "server", Raw, Outbound, []byte("four"), 4, ""},
		{at(2), "server", Raw, Inbound, []byte("reply"), 5, "server got 5 bytes"},
		{at(2), "server", Raw, Inbound, nil, 0, "server got 0 bytes"},
	}
	if got := mustReadAll(t, buf.Bytes()); !slices.EqualFunc(got, want, equal) {
		t.Errorf("file:\n got %+v\nwant %+v", got, want)
	}
	if !slices.EqualFunc(sunk, want, equal) {
		t.Errorf("sink:\n got %+v\nwant %+v", sunk, want)
	}
	if got := fmt.Sprintf("%s", l.out); got != "[one four]" {
		t.Errorf("the link got %s", got)
	}
}

func TestTapIsTheLink(t *testing.T) {
	w := mustWriter(t, &bytes.Buffer{}, Options{})
	l := newMemLink()
	l.hw = net.HardwareAddr{2, 0, 0, 0, 0, 1}
	tapped := w.Tap("eth", l)
	if tapped.MTU() != 1400 || tapped.HardwareAddr().String() != "02:00:00:00:00:01" {
		t.Errorf("MTU %d, address %s", tapped.MTU(), tapped.HardwareAddr())
	}
	if _, ok := tapped.(interface{ Offload() }); ok {
		t.Error("the tap shows a method of the link that it does not record")
	}
	if got := w.interfaces[0]; got != (wireInterface{"eth", Ethernet}) {
		t.Errorf("described as %+v", got)
	}
	done := make(chan error)
	go func() {
		bufs, sizes := buffers(1)
		_, err := tapped.ReadPackets(bufs, sizes)
		done <- err
	}()
	if err := tapped.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("blocked read after Close: %v", err)
	}
	if err := w.WritePacket(Packet{Interface: "other"}); err != nil {
		t.Errorf("closing a tap closed the writer: %v", err)
	}
}

// A full disk, a closed writer and a failing link: each affects its own side only.
func TestTapNeverDisturbs(t *testing.T) {
	f := &failing{room: 100}
	w, err := NewWriter(f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := newMemLink()
	tapped := w.Tap("a", l)
	for range 5 {
		if n, err := tapped.WritePackets([][]byte{make([]byte, 100)}); n != 1 || err != nil {
			t.Fatalf("write: %d, %v", n, err)
		}
	}
	w.Close()
	l.in <- [][]byte{[]byte("in")}
	bufs, sizes := buffers(1)
	if n, err := tapped.ReadPackets(bufs, sizes); n != 1 || err != nil {
		t.Fatalf("read: %d, %v", n, err)
	}
	if len(l.out) != 5 {
		t.Errorf("the link got %d packets, want 5", len(l.out))
	}
	if got, want := w.Counters(), (Counters{Dropped: 6}); got != want {
		t.Errorf("counters %+v, want %+v", got, want)
	}

	var buf bytes.Buffer
	w = mustWriter(t, &buf, Options{})
	l.err = errors.New("carrier lost")
	if n, err := w.Tap("a", l).WritePackets([][]byte{{1}}); n != 0 || err != l.err {
		t.Errorf("got %d, %v, want the link's own answer", n, err)
	}
	if n := len(mustReadAll(t, buf.Bytes())); n != 1 {
		t.Errorf("%d packets recorded, want what the stack tried to send", n)
	}
}

func TestTapOfAClosedWriter(t *testing.T) {
	var buf bytes.Buffer
	w := mustWriter(t, &buf, Options{Sink: func(Packet) { t.Error("the sink saw a packet after Close") }})
	before := w.Tap("before", newMemLink())
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	size := buf.Len()
	for _, tapped := range []Link{before, w.Tap("after", newMemLink())} {
		if n, err := tapped.WritePackets([][]byte{{1}, {2}}); n != 2 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
	}
	if got, want := w.Counters(), (Counters{Dropped: 4}); got != want {
		t.Errorf("counters %+v, want %+v", got, want)
	}
	if buf.Len() != size {
		t.Errorf("%d bytes written after Close", buf.Len()-size)
	}
}

// prompt answers before WritePackets returns, as a link of one process may.
type prompt struct {
	*memLink
	answer func()
}

func (l prompt) WritePackets(bufs [][]byte) (int, error) {
	l.answer()
	return len(bufs), nil
}

func TestQuestionBeforeAnswer(t *testing.T) {
	var buf bytes.Buffer
	w := mustWriter(t, &buf, Options{})
	l := prompt{memLink: newMemLink()}
	l.answer = func() { w.WritePacket(Packet{Data: []byte("answer")}) }
	w.Tap("a", l).WritePackets([][]byte{[]byte("question")})
	if got := mustReadAll(t, buf.Bytes()); len(got) != 2 || string(got[0].Data) != "question" || string(got[1].Data) != "answer" {
		t.Errorf("recorded %v", got)
	}
}

// liar breaks the contract: more packets than buffers, sizes outside of them.
type liar struct{ *memLink }

func (liar) ReadPackets(bufs [][]byte, sizes []int) (int, error) {
	sizes[0], sizes[1] = 1<<20, -1
	return 7, nil
}

func TestTapOfALinkThatLies(t *testing.T) {
	var buf bytes.Buffer
	w := mustWriter(t, &buf, Options{})
	bufs, sizes := buffers(2)
	if n, err := w.Tap("liar", liar{newMemLink()}).ReadPackets(bufs, sizes); n != 7 || err != nil {
		t.Errorf("got %d, %v, want the link's own answer", n, err)
	}
	got := mustReadAll(t, buf.Bytes())
	if len(got) != 2 || len(got[0].Data) != 2000 || len(got[1].Data) != 0 {
		t.Errorf("recorded %d packets", len(got))
	}
}

func TestConcurrentTaps(t *testing.T) {
	const links, packets = 4, 200
	var buf bytes.Buffer
	w := mustWriter(t, &buf, Options{Now: time.Now})
	var wg sync.WaitGroup
	for i := range links {
		l := newMemLink()
		tapped := w.Tap(fmt.Sprint("link", i), l)
		wg.Go(func() {
			for k := range packets {
				tapped.WritePackets([][]byte{{byte(i), byte(k)}})
			}
		})
		wg.Go(func() {
			bufs, sizes := buffers(1)
			for k := range packets {
				l.in <- [][]byte{{byte(i), byte(k)}}
				tapped.ReadPackets(bufs, sizes)
				w.Counters()
			}
		})
	}
	wg.Wait()
	next := map[string]byte{}
	got := mustReadAll(t, buf.Bytes())
	for i, p := range got {
		key := p.Interface + p.Direction.String()
		if want := []byte{p.Interface[4] - '0', next[key]}; !bytes.Equal(p.Data, want) {
			t.Fatalf("%s: packet % x, want % x", key, p.Data, want)
		}
		next[key]++
		if i > 0 && p.Time.Before(got[i-1].Time) {
			t.Fatalf("packet %d is before packet %d", i, i-1)
		}
	}
	if len(got) != 2*links*packets || len(next) != 2*links {
		t.Errorf("%d packets in %d sequences", len(got), len(next))
	}
	if err := w.Flush(); err != nil && !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}
