package lab

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// flood is a socket on which VXLAN packets come from start on until stop, and then an error, or, if that is nil,
// nothing more.
type flood struct {
	net.PacketConn
	start, stop, closed chan struct{}
	packets             atomic.Uint64
	err                 error
	once                sync.Once
}

func newFlood(err error) *flood {
	return &flood{start: make(chan struct{}), stop: make(chan struct{}), closed: make(chan struct{}), err: err}
}

func (c *flood) LocalAddr() net.Addr {
	return net.UDPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.1:4789"))
}

func (c *flood) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case <-c.start:
	case <-c.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
	select {
	case <-c.stop:
		if c.err != nil {
			return 0, netip.AddrPort{}, c.err
		}
		<-c.closed
		return 0, netip.AddrPort{}, net.ErrClosed
	default:
	}
	c.packets.Add(1)
	runtime.Gosched()
	frame := append([]byte{8, 7: 0}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 0x88, 0xb5) // RFC 7348 section 5, IEEE 802's local experimental ethertype
	return copy(b, append(frame, make([]byte, 46)...)), netip.MustParseAddrPort("192.0.2.2:4789"), nil
}

func (c *flood) WriteToUDPAddrPort(b []byte, _ netip.AddrPort) (int, error) { return len(b), nil }

func (c *flood) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

func realLab(t *testing.T, cfg Config) *Lab {
	t.Helper()
	cfg.RealTime = true
	l, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for limit := time.Now().Add(30 * time.Second); !done(); runtime.Gosched() {
		if time.Now().After(limit) {
			t.Fatal(what)
		}
	}
}

// filled returns an uplink through which came more than its lab, which is busy until free is called, has room for.
func filled(t *testing.T, l *Lab) (u *Uplink, came func() uint64, free func()) {
	t.Helper()
	conn := newFlood(nil)
	u = l.Uplink(UplinkConfig{Conn: conn})
	l.wires.Lock() // the first frame waits for it
	close(conn.start)
	until(t, "the uplink does not fill", func() bool { return len(u.room) == maxUplinkFrames })
	close(conn.stop)
	return u, conn.packets.Load, l.wires.Unlock
}

// However much comes through an uplink, only so many frames wait for a lab that is busy; they all arrive then.
func TestUplinkIsBounded(t *testing.T) {
	l := realLab(t, Config{})
	u, came, free := filled(t, l)
	l.sched.mu.Lock()
	waiting := len(l.sched.events)
	l.sched.mu.Unlock()
	free()
	if waiting > maxUplinkFrames {
		t.Errorf("%d frames wait, which should be at most %d", waiting, maxUplinkFrames)
	}
	until(t, "not all frames arrive", func() bool {
		c := u.Counters()
		return c.PacketsRead+c.ReadQueueFull == came() && len(l.Packets())+int(c.ReadQueueFull) == int(came())
	})
	if n := len(u.room); n != 0 {
		t.Errorf("%d tokens are left", n)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// A lab that is closed while frames wait does not wait for them.
func TestUplinkCloseWhileFull(t *testing.T) {
	l := realLab(t, Config{})
	_, _, free := filled(t, l)
	l.sched.finish()
	free()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// A socket that fails is told of when it does, and by Close, once.
func TestUplinkFails(t *testing.T) {
	var log bytes.Buffer
	broken := errors.New("the cable is cut")
	l := realLab(t, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	conn := newFlood(broken)
	close(conn.stop)
	u := l.Uplink(UplinkConfig{Conn: conn})
	close(conn.start)
	u.done.Wait()
	if !strings.Contains(log.String(), "segment=lan1") || !strings.Contains(log.String(), broken.Error()) {
		t.Errorf("logged: %s", &log)
	}
	if err := u.Close(); !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), `lab: uplink of segment "lan1": `) {
		t.Error(err)
	}
	if err := errors.Join(u.Close(), l.Close()); err != nil {
		t.Errorf("once more: %v", err)
	}
}
