package udp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gvisor.dev/gvisor/pkg/tcpip/header"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A wire is both sockets of a flow. change says what becomes of a datagram, and over that
// no more will come: a reader that is still there then waits in vain.
type wire struct {
	net.Conn
	datagrams chan []byte
	change    func(b []byte) (all [][]byte, over bool, err error)
	closed    bool
}

func newWire(change func(b []byte) ([][]byte, bool, error)) *flow {
	w := &wire{datagrams: make(chan []byte, 2*batch), change: change}
	return newFlow("fake", &pair{from: w, to: w}, 64)
}

func (w *wire) Write(b []byte) (int, error) {
	all, over, err := w.change(bytes.Clone(b))
	for _, d := range all {
		w.datagrams <- d
	}
	if over && !w.closed {
		w.closed = true
		close(w.datagrams)
	}
	return len(b), err
}

func (w *wire) ReadFrom(b []byte) (int, net.Addr, error) {
	if d, ok := <-w.datagrams; ok {
		return copy(b, d), w.LocalAddr(), nil
	}
	return 0, nil, os.ErrDeadlineExceeded
}

func (*wire) WriteTo([]byte, net.Addr) (int, error) { return 0, errors.ErrUnsupported }
func (*wire) SetReadDeadline(time.Time) error       { return nil }
func (*wire) LocalAddr() net.Addr                   { return &net.UDPAddr{IP: net.IPv6loopback, Port: 1} }

func number(b []byte) uint64 { return binary.BigEndian.Uint64(b) }

func TestTurn(t *testing.T) {
	broken := errors.New("broken")
	var kept []byte
	for _, tt := range []struct {
		what   string
		change func([]byte) ([][]byte, bool, error)
		lost   int
		err    string
	}{
		{"sound", func(b []byte) ([][]byte, bool, error) { return [][]byte{b}, false, nil }, 0, ""},
		{"some lost", func(b []byte) ([][]byte, bool, error) {
			if n := number(b); n == 0 || n%100 == 50 {
				return nil, false, nil
			}
			return [][]byte{b}, false, nil
		}, 1 + batch/100, ""},
		{"the last one lost", func(b []byte) ([][]byte, bool, error) {
			if number(b) == batch-1 {
				return nil, true, nil
			}
			return [][]byte{b}, false, nil
		}, 1, ""},
		{"all lost", func(b []byte) ([][]byte, bool, error) { return nil, number(b) == window-1, nil }, batch, ""},
		{"two exchanged", func(b []byte) ([][]byte, bool, error) {
			switch number(b) {
			case 5:
				kept = b
				return nil, false, nil
			case 6:
				return [][]byte{b, kept}, false, nil
			}
			return [][]byte{b}, false, nil
		}, -1, "datagram 5, of 64 bytes, instead of 7"},
		{"doubled", func(b []byte) ([][]byte, bool, error) { return [][]byte{b, b}, false, nil }, -1, "datagram 0, of 64 bytes, instead of 1"},
		{"cut short", func(b []byte) ([][]byte, bool, error) { return [][]byte{b[:60]}, false, nil }, -1, "of 60 bytes"},
		{"write fails", func(b []byte) ([][]byte, bool, error) { return nil, true, broken }, -1, "broken"},
	} {
		f := newWire(tt.change)
		f.turn()
		if tt.err == "" && (f.err != nil || f.lost != tt.lost) || tt.err != "" && (f.err == nil || !strings.Contains(f.err.Error(), tt.err)) {
			t.Errorf("%s: %d lost, %v", tt.what, f.lost, f.err)
		}
	}
}

func TestLost(t *testing.T) {
	sound, lossy, broken := &flow{}, &flow{name: "lossy", lost: 3}, &flow{err: errors.New("broken")}
	if n, err := lost(sound, sound, lossy); n != 3 || err != nil {
		t.Errorf("ours lost %v, %v; want 3", n, err)
	}
	if _, err := lost(lossy, sound); err == nil || !strings.Contains(err.Error(), "lossy lost 3 datagrams") {
		t.Errorf("a peer that loses: %v", err)
	}
	for _, flows := range [][2]*flow{{sound, broken}, {broken, sound}} {
		if _, err := lost(flows[0], flows[1]); !errors.Is(err, broken.err) {
			t.Errorf("an error: %v", err)
		}
	}
}

func TestCheckNotices(t *testing.T) {
	if err := newWire(func(b []byte) ([][]byte, bool, error) { return [][]byte{b}, false, nil }).check(); err != nil {
		t.Error(err)
	}
	for what, change := range map[string]func(b []byte) []byte{
		"another byte": func(b []byte) []byte { b[63]++; return b },
		"a byte less":  func(b []byte) []byte { return b[:63] },
		"a byte more":  func(b []byte) []byte { return append(b, 0) },
	} {
		f := newWire(func(b []byte) ([][]byte, bool, error) { return [][]byte{change(b)}, false, nil })
		if err := f.check(); err == nil {
			t.Errorf("%s: not noticed", what)
		}
	}
}

// A host that would leave the checksum to others, or believe any, is noticed.
func TestProbeNotices(t *testing.T) {
	for _, open := range []func() (*probe, error){ourProbe, gonetProbe} {
		for what, change := range map[string]func(*probe){
			"sum not finished": func(p *probe) {
				out := p.out
				p.out = func() ([]byte, error) {
					b, err := out()
					if err == nil {
						b[header.IPv6MinimumSize+6]++
					}
					return b, err
				}
			},
			"nothing sent": func(p *probe) {
				p.out = func() ([]byte, error) { return nil, errors.New("nothing is sent") }
			},
			"wrong sum believed": func(p *probe) {
				in := p.in
				p.in = func(b []byte) error {
					u := header.UDP(b[header.IPv6MinimumSize:])
					ip := header.IPv6(b)
					u.SetChecksum(0)
					sum := header.PseudoHeaderChecksum(header.UDPProtocolNumber, ip.SourceAddress(), ip.DestinationAddress(), u.Length())
					u.SetChecksum(^u.CalculateChecksum(sumOf(u.Payload(), sum)))
					return in(b)
				}
			},
		} {
			p, err := open()
			if err != nil {
				t.Fatal(err)
			}
			change(p)
			if err := p.check(64); err == nil {
				t.Errorf("%s: not noticed", what)
			}
		}
	}
}

func TestReceive(t *testing.T) {
	for _, size := range sizes {
		b, err := receiveBench(size)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Check(); err != nil {
			t.Error(err)
		}
		for _, c := range b.Contenders {
			c.Run(2)
		}
		if n, err := b.Counts[0].Get(); n != 0 || err != nil {
			t.Errorf("%d bytes: %v lost, %v", size, n, err)
		}
		b.Close()
	}
}
