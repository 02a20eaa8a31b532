package capture

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// tick returns a clock that starts at 1970 + 1 s and advances by 1 ns a call.
func tick() func() time.Time {
	now := time.Unix(1, 0)
	return func() time.Time {
		now = now.Add(1)
		return now
	}
}

func mustWriter(t *testing.T, buf *bytes.Buffer, opts Options) *Writer {
	t.Helper()
	if opts.Now == nil {
		opts.Now = tick()
	}
	w, err := NewWriter(buf, opts)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func mustReadAll(t *testing.T, b []byte) []Packet {
	t.Helper()
	ps, err := ReadAll(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return ps
}

func TestWriterFile(t *testing.T) {
	var buf bytes.Buffer
	w := mustWriter(t, &buf, Options{})
	if want := unhex(t, goldenSection); !bytes.Equal(buf.Bytes(), want) {
		t.Fatalf("before the first packet: % x", buf.Bytes())
	}
	for range 2 { // one interface description only
		if err := w.WritePacket(Packet{Interface: "clien", Data: []byte{0x60}}); err != nil {
			t.Fatal(err)
		}
	}
	if n := bytes.Count(buf.Bytes(), unhex(t, goldenInterface)); n != 1 {
		t.Errorf("%d descriptions of the interface, want 1", n)
	}
	if got, want := w.Counters(), (Counters{Packets: 2, Bytes: 2}); got != want {
		t.Errorf("counters %+v, want %+v", got, want)
	}
	got := mustReadAll(t, buf.Bytes())
	want := Packet{Time: time.Unix(1, 1).UTC(), Interface: "clien", LinkType: Raw, Data: []byte{0x60}, Length: 1}
	if len(got) != 2 || !equal(got[0], want) {
		t.Errorf("got %+v, want 2 times %+v", got, want)
	}
}

func equal(a, b Packet) bool {
	data := bytes.Equal(a.Data, b.Data)
	a.Data, b.Data = nil, nil
	return data && a.Time.Equal(b.Time) && a.Interface == b.Interface && a.LinkType == b.LinkType &&
		a.Direction == b.Direction && a.Length == b.Length && a.Comment == b.Comment
}

func TestWriterInterfaces(t *testing.T) {
	var buf bytes.Buffer
	w := mustWriter(t, &buf, Options{})
	in := []Packet{
		{Interface: "a", Data: []byte{1}},
		{Interface: "b", Data: []byte{2}},
		{Interface: "a", LinkType: Ethernet, Data: []byte{3}},
		{Interface: "", Data: []byte{4}},
		{Interface: "a", Data: []byte{5}},
	}
	for _, p := range in {
		if err := w.WritePacket(p); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, p := range mustReadAll(t, buf.Bytes()) {
		got = append(got, p.Interface+"/"+string('0'+rune(p.LinkType%10)))
	}
	if want := []string{"a/1", "b/1", "a/1", "/1", "a/1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := len(w.interfaces); n != 4 {
		t.Errorf("%d interfaces, want 4", n)
	}
}

func TestSnapLen(t *testing.T) {
	var buf bytes.Buffer
	var seen Packet
	w := mustWriter(t, &buf, Options{SnapLen: 5, Sink: func(p Packet) { seen = p.Clone() }})
	if err := w.WritePacket(Packet{Data: []byte("123456789")}); err != nil {
		t.Fatal(err)
	}
	for _, p := range append(mustReadAll(t, buf.Bytes()), seen) {
		if string(p.Data) != "12345" || p.Length != 9 {
			t.Errorf("got %q of %d bytes, want 12345 of 9", p.Data, p.Length)
		}
	}
	if c := w.Counters(); c.Bytes != 5 {
		t.Errorf("counted %d bytes, want 5", c.Bytes)
	}
}

func TestBadOptions(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func() error
		want string
	}{
		{"negative SnapLen", func() error { _, err := NewWriter(&bytes.Buffer{}, Options{SnapLen: -1}); return err }, "SnapLen -1"},
		{"huge SnapLen", func() error { _, err := NewWriter(&bytes.Buffer{}, Options{SnapLen: 262145}); return err }, "SnapLen 262145"},
		{"nil writer", func() error { _, err := NewWriter(nil, Options{}); return err }, "no io.Writer"},
		{"no directory", func() error { _, err := Create("/nowhere/x.pcapng", Options{}); return err }, "/nowhere/x.pcapng"},
		{"no file", func() error { _, err := ReadFile("/nowhere/x.pcapng"); return err }, "/nowhere/x.pcapng"},
		{"full at once", func() error { _, err := NewWriter(&failing{room: 3}, Options{}); return err }, "disk full"},
	} {
		if err := c.do(); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "capture: ") {
			t.Errorf("%s: error %v, want capture: ... %q", c.name, err, c.want)
		}
	}
}

var errDiskFull = errors.New("disk full")

// failing accepts room bytes, then fails for good.
type failing struct {
	buf  bytes.Buffer
	room int
}

func (f *failing) Write(b []byte) (int, error) {
	n, _ := f.buf.Write(b[:min(len(b), f.room)])
	f.room -= n
	if n < len(b) {
		return n, errDiskFull
	}
	return n, nil
}

func TestWriteErrorIsSticky(t *testing.T) {
	f := &failing{room: 44 + 44 + 50} // section, interface, a packet and a bit
	seen := 0
	w, err := NewWriter(f, Options{Now: tick(), Sink: func(Packet) { seen++ }})
	if err != nil {
		t.Fatal(err)
	}
	p := Packet{Interface: "clien", Data: []byte("1234")}
	if err := w.WritePacket(p); err != nil || w.Err() != nil {
		t.Fatal(err, w.Err())
	}
	for range 3 {
		if err := w.WritePacket(p); !errors.Is(err, errDiskFull) {
			t.Errorf("error %v, want disk full", err)
		}
		f.room = 1000 // room again: too late, the file would have a hole
	}
	if got, want := w.Counters(), (Counters{Packets: 1, Bytes: 4, Dropped: 3}); got != want {
		t.Errorf("counters %+v, want %+v", got, want)
	}
	if seen != 4 {
		t.Errorf("the sink saw %d packets, want 4", seen)
	}
	if f.buf.Len() != 44+44+50 {
		t.Errorf("%d bytes written, want none after the error", f.buf.Len())
	}
	for _, err := range []error{w.Err(), w.Flush(), w.Close(), w.Close()} {
		if !errors.Is(err, errDiskFull) && !errors.Is(err, os.ErrClosed) {
			t.Errorf("error %v, want disk full", err)
		}
	}
}

type shortWriter struct{}

func (shortWriter) Write(b []byte) (int, error) { return len(b) / 2, nil }

func TestShortWrite(t *testing.T) {
	if _, err := NewWriter(shortWriter{}, Options{}); err == nil || !strings.Contains(err.Error(), "short write") {
		t.Errorf("error %v, want short write", err)
	}
}

func TestCreateFlushClose(t *testing.T) {
	name := filepath.Join(t.TempDir(), "run.pcapng")
	w, err := Create(name, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if ps, err := ReadFile(name); err != nil || len(ps) != 0 {
		t.Errorf("just created: %v, %v", ps, err)
	}
	for n := 1; n <= 2; n++ {
		if err := w.WritePacket(Packet{Interface: "a", Data: []byte{byte(n)}}); err != nil {
			t.Fatal(err)
		}
		if n == 1 {
			err = w.Flush()
		} else {
			err = w.Close()
		}
		ps, rerr := ReadFile(name)
		if err != nil || rerr != nil || len(ps) != n {
			t.Errorf("step %d: %d packets, errors %v, %v", n, len(ps), err, rerr)
		}
	}
	if err := w.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if err := w.WritePacket(Packet{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("WritePacket after Close: %v", err)
	}
	if err := w.Flush(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Flush after Close: %v", err)
	}
	if err := w.Err(); err != nil {
		t.Errorf("Err after a clean Close: %v", err)
	}
	if got, want := w.Counters(), (Counters{Packets: 2, Bytes: 2, Dropped: 1}); got != want {
		t.Errorf("counters %+v, want %+v", got, want)
	}
}
