package networks

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/internal/peertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// there skips visibly what this machine or user can't do.
func there(t *testing.T, err error) {
	t.Helper()
	if u, ok := errors.AsType[*suite.UnavailableError](err); ok {
		peertest.Netns.Missing(t, "namespaces", u)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func wanted(t *testing.T, name string) {
	t.Helper()
	if strings.Contains(name, "linux") {
		peertest.Netns.Off(t)
	}
}

// Every kind of network comes up, its hosts reach each other, and it leaves nothing behind,
// neither goroutines nor, in the kernel, hosts.
func TestNetworks(t *testing.T) {
	for kind, make := range map[string]maker{"hextet": newSimulation, "hextet distant": newDistant, "gvisor": newGvisor, "linux": newKernel} {
		for what, p := range map[string]plan{"segment": {hosts: 11}, "router": {hosts: 4, routed: true}, "dad": {hosts: 2, dad: true}} {
			t.Run(kind+" "+what, func(t *testing.T) {
				wanted(t, kind)
				n, err := make(t.Context(), p)
				there(t, err)
				for _, err := range []error{complete(n, p), speak(n, p), n.close()} {
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
}

// Every case is set up, checked, and runs some turns.
func TestCases(t *testing.T) {
	for _, c := range Cases(true) {
		t.Run(c.Name, func(t *testing.T) {
			wanted(t, c.Name)
			b, err := c.Open(t.Context())
			there(t, err)
			if b.Close != nil {
				defer b.Close()
			}
			if b.Check != nil {
				if err := b.Check(); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := measure.Run(t.Context(), measure.Config{Rounds: 2, Round: time.Microsecond}, b.Contenders...); err != nil {
				t.Fatal(err)
			}
			if b.Err != nil {
				if err := b.Err(); err != nil {
					t.Error(err)
				}
			}
			for _, count := range b.Counts {
				if v, err := count.Get(); err != nil || v <= 0 {
					t.Errorf("%s: %v, %v", count.Name, v, err)
				}
				if count.PeerGet == nil {
					continue
				}
				if v, err := count.PeerGet(); err != nil || v <= 0 {
					t.Errorf("%s: %s: %v, %v", count.Name, count.Peer, v, err)
				}
			}
		})
	}
}

// A host without one of its addresses is not complete.
func TestCompleteNotices(t *testing.T) {
	p := plan{hosts: 2}
	n, err := newSimulation(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.(*simulation).hosts[1].Interface("eth0").RemoveAddress(p.prefix(1).Addr()); err != nil {
		t.Fatal(err)
	}
	if err := complete(n, p); err == nil || !strings.Contains(err.Error(), "1 hosts have their addresses, not 2") {
		t.Errorf("got %v", err)
	}
	if err := n.close(); err != nil {
		t.Error(err)
	}
}

// Addresses that are not assigned end a wait with the caller's, and are counted.
func TestGvisorWaits(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := newGvisor(ctx, plan{hosts: 2, dad: true}); n != nil || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "4 addresses") {
		t.Errorf("%v, %v", n, err)
	}
}

// broken is a network that can't be closed without an error.
type broken struct{ network }

func (b broken) close() error { return errors.Join(b.network.close(), errors.New("broken")) }

// A network that isn't taken away as it should is an error of its case.
func TestExchangeCloses(t *testing.T) {
	b := exchangeBench(suite.Row{}, newExchange(t.Context(), "peer", plan{hosts: 2}, func(ctx context.Context, p plan) (network, error) {
		n, err := newGvisor(ctx, p)
		return broken{n}, err
	}))
	defer b.Close()
	if err := b.Check(); err != nil {
		t.Fatal(err)
	}
	if err := b.Err(); err == nil || !strings.HasSuffix(err.Error(), "broken") {
		t.Errorf("got %v", err)
	}
}

// A fault is what becomes of the n-th datagram that the i-th host writes.
type fault func(i, n int, b []byte) [][]byte

// A faulty network has sockets with a fault.
type faulty struct {
	network
	fault fault
}

type faultyConn struct {
	net.PacketConn
	host, written int
	fault         fault
}

func (f faulty) listen(i int, port uint16) (net.PacketConn, error) {
	c, err := f.network.listen(i, port)
	return &faultyConn{PacketConn: c, host: i, fault: f.fault}, err
}

func (c *faultyConn) WriteTo(b []byte, to net.Addr) (int, error) {
	c.written++
	for _, b := range c.fault(c.host, c.written, b) {
		if _, err := c.PacketConn.WriteTo(b, to); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

func with(f fault) maker {
	return func(ctx context.Context, p plan) (network, error) {
		n, err := newSimulation(ctx, p)
		return faulty{n, f}, err
	}
}

func lose([]byte) [][]byte     { return nil }
func cut(b []byte) [][]byte    { return [][]byte{b[1:]} }
func repeat(b []byte) [][]byte { return [][]byte{b, b} }

// A host that is silent, or answers something else, is found by who speaks to it.
func TestSpeakNotices(t *testing.T) {
	for want, change := range map[string]func([]byte) [][]byte{"2001:db8::1/64 to 2001:db8::3/64: read": lose, "not 0000000000000002": cut} {
		s := starter{ctx: t.Context(), name: "faulty", plan: plan{hosts: 3}, make: with(func(i, _ int, b []byte) [][]byte {
			if i == 2 {
				return change(b)
			}
			return [][]byte{b}
		})}
		if err := s.check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A datagram that is lost, repeated or cut ends an exchange.
func TestExchangeNotices(t *testing.T) {
	for want, change := range map[string]func([]byte) [][]byte{
		"datagram 10, of 64 bytes, instead of 9": lose,
		"datagram 9, of 64 bytes, instead of 10": repeat,
		"of 63 bytes, instead of 9":              cut,
	} {
		x := simulated(t.Context(), "faulty", plan{hosts: 2}, with(func(i, n int, b []byte) [][]byte {
			if i == 1 && n == 11 { // the first one was an answer
				return change(b)
			}
			return [][]byte{b}
		}))
		if err := x.check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		x.run(1) // does nothing
		if err := x.close(); err != nil {
			t.Error(err)
		}
	}
}

// A connection that is gone after the day is an error.
func TestIdleNotices(t *testing.T) {
	d := &idler{ctx: t.Context(), keepAlive: time.Hour}
	d.open(0)
	if d.err != nil {
		t.Fatal(d.err)
	}
	if err := d.far.Close(); err != nil {
		t.Fatal(err)
	}
	d.shut(0)
	if d.err == nil || d.lab != nil {
		t.Errorf("got %v", d.err)
	}
}
