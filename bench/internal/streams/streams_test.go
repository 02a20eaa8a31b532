package streams

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/pairs"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/internal/peertest"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/capture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every case is set up, checked, and runs some turns.
func TestCases(t *testing.T) {
	for _, c := range Cases(false) {
		t.Run(c.Name, func(t *testing.T) {
			if strings.Contains(c.Name, "kernel") {
				peertest.Netns.Off(t)
			}
			b, err := c.Open(t.Context())
			if unavailable, ok := errors.AsType[*suite.UnavailableError](err); ok {
				peertest.Netns.Missing(t, "namespaces", unavailable)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			if err := b.Check(); err != nil {
				t.Fatal(err)
			}
			if _, err := measure.Run(t.Context(), measure.Config{Rounds: 2, Round: time.Microsecond}, b.Contenders...); err != nil {
				t.Fatal(err)
			}
			if err := b.Err(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A forger is the sending end of a connection that changes one byte of each write.
type forger struct{ net.Conn }

func (f *forger) Write(b []byte) (int, error) {
	b = bytes.Clone(b)
	b[len(b)/2] ^= 1
	return f.Conn.Write(b)
}

func TestCheckNotices(t *testing.T) {
	from, to := net.Pipe()
	s := newStream(&forger{from}, to)
	defer s.close()
	if err := s.check(); err == nil || !strings.Contains(err.Error(), "other bytes") {
		t.Errorf("got %v", err)
	}
}

// A connection that ends early gives an error and does not stop the run.
func TestRunFails(t *testing.T) {
	from, to := net.Pipe()
	s := newStream(from, to)
	defer s.close()
	s.run(1)
	if s.err != nil {
		t.Fatal(s.err)
	}
	to.Close()
	s.run(1)
	if !errors.Is(s.err, io.ErrClosedPipe) {
		t.Errorf("got %v", s.err)
	}
	s.run(1)
}

// The check of the tap sees what a transfer puts on the wire, and each thing that can be
// wrong with it.
func TestPayloadNotices(t *testing.T) {
	var file buffer
	wrap, err := tap(&file)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench()
	defer b.close()
	p, err := b.open(pairs.Hextet(t.Context(), pairs.IPv6(1), wrap))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.add(t.Context(), p, "tap", false); err != nil {
		t.Fatal(err)
	}
	b.streams[0].run(1)
	if n, err := payload(file.bytes()); err != nil || n != turnBytes {
		t.Fatalf("%d bytes, %v", n, err)
	}
	for want, change := range map[string]func([]byte) []byte{
		"wrong TCP checksum": func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"bytes in a packet":  func(b []byte) []byte { return append(b, make([]byte, 1500)...) },
	} {
		if _, err := payload(forged(t, file.bytes(), change)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

// forged returns a capture whose packets were changed.
func forged(t *testing.T, file []byte, change func([]byte) []byte) []byte {
	var out bytes.Buffer
	w, err := capture.NewWriter(&out, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := w.Tap("forged", sink{})
	for p, err := range capture.Packets(bytes.NewReader(file)) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.WritePackets([][]byte{change(bytes.Clone(p.Data))}); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// sink is a link that takes everything.
type sink struct{ stack.Link }

func (sink) MTU() int                                { return 1500 }
func (sink) HardwareAddr() net.HardwareAddr          { return nil }
func (sink) WritePackets(bufs [][]byte) (int, error) { return len(bufs), nil }
