package pairs

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/internal/peertest"
	"github.com/hextet/hextet/stack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kinds are all ways to make a pair.
var kinds = map[string]func(context.Context, Plan) (*Pair, error){
	"hextet":       func(ctx context.Context, p Plan) (*Pair, error) { return Hextet(ctx, p, nil) },
	"gvisor":       GVisor,
	"loopback":     Loopback,
	"wireguard-go": WireguardGo,
	"hextet tun":   HextetTUN,
	"gvisor tun":   GVisorTUN,
}

// Every pair connects, again and again, carries bytes both ways, ends connections and
// leaves nothing behind.
func TestPairs(t *testing.T) {
	for kind, open := range kinds {
		for family, plan := range map[string]Plan{"IPv6": IPv6(3), "IPv4": IPv4(3)} {
			t.Run(kind+" "+family, func(t *testing.T) {
				if strings.HasSuffix(kind, "tun") {
					peertest.Netns.Off(t)
				}
				p := opened(t, open, plan)
				for range 3 {
					near, far, err := p.Connect(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					if near.LocalAddr().String() != far.RemoteAddr().String() {
						t.Errorf("near %v, far %v", near.LocalAddr(), far.RemoteAddr())
					}
					if kind != "loopback" && !slices.ContainsFunc(plan.Near, func(p netip.Prefix) bool { return p.Addr() == addr(far.RemoteAddr()) }) {
						t.Errorf("%v speaks", far.RemoteAddr())
					}
					exchange(t, near, far)
					exchange(t, far, near)
					if err := Disconnect(near, far); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
}

// opened skips visibly where the user may not have a pair.
func opened(t *testing.T, open func(context.Context, Plan) (*Pair, error), plan Plan) *Pair {
	t.Helper()
	p, err := open(t.Context(), plan)
	if unavailable, ok := errors.AsType[*suite.UnavailableError](err); ok {
		peertest.Netns.Missing(t, "namespaces", unavailable)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func addr(a net.Addr) netip.Addr { return netip.MustParseAddrPort(a.String()).Addr() }

func exchange(t *testing.T, from, to net.Conn) {
	t.Helper()
	if _, err := io.WriteString(from, "hello"); err != nil {
		t.Fatal(err)
	}
	var got [5]byte
	if _, err := io.ReadFull(to, got[:]); err != nil || string(got[:]) != "hello" {
		t.Fatalf("%q, %v", got, err)
	}
}

// Who is quiet speaks from the first address only.
func TestQuiet(t *testing.T) {
	plan := IPv6(100)
	plan.Quiet = true
	p := opened(t, kinds["hextet"], plan)
	near, far, err := p.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := addr(far.RemoteAddr()); got != plan.Near[0].Addr() {
		t.Errorf("%v speaks, not %v", got, plan.Near[0])
	}
	if err := Disconnect(near, far); err != nil {
		t.Error(err)
	}
}

// The end of the context ends a wait for a connection that does not come.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p, err := Hextet(ctx, IPv4(1), func(l stack.Link) stack.Link { return l })
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	cancel()
	if c, err := p.listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, %v", c, err)
	}
}

// A wire can be taken away under a transfer: whoever writes hears of it, and nothing
// panics or stays.
func TestCloseUnderWay(t *testing.T) {
	for _, kind := range []string{"hextet", "gvisor", "wireguard-go"} {
		t.Run(kind, func(t *testing.T) {
			p := opened(t, kinds[kind], IPv6(1))
			near, far, err := p.Connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			writing := make(chan error, 1)
			go func() {
				buf := make([]byte, 1<<16)
				for {
					if _, err := near.Write(buf); err != nil {
						writing <- err
						return
					}
				}
			}()
			if _, err := io.ReadFull(far, make([]byte, 1<<20)); err != nil {
				t.Fatal(err)
			}
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
			<-writing
		})
	}
}
