package stack_test

import (
	"context"
	"flag"
	"net"
	"net/netip"
	"testing"

	"github.com/hextet/hextet/icmp6/conformance"
	"github.com/hextet/hextet/stack"
)

var updateResults = flag.Bool("update", false, "rewrite the column hextet of icmp6/conformance/RESULTS.md")

// conformant is a host on a Pipe as package conformance wants it.
type conformant struct {
	s *stack.Stack
	i *stack.Interface
	w *rawWire
}

var (
	_ conformance.OffsetSetter   = (*stack.RawConn)(nil)
	_ conformance.FilterSetter   = (*stack.RawConn)(nil)
	_ conformance.Connector      = (*stack.RawConn)(nil)
	_ conformance.HeaderSetter   = (*stack.RawConn)(nil)
	_ conformance.FragmentSetter = (*stack.RawConn)(nil)
)

func (c conformant) Interface() *net.Interface { return c.i.NetInterface() }

func (c conformant) Open(proto uint8, local netip.Addr) (conformance.Socket, error) {
	return c.s.ListenRaw(proto, local)
}

func (c conformant) Inject(packet []byte) error {
	_, err := c.w.l.WritePackets([][]byte{packet})
	return err
}

func (c conformant) Capture(ctx context.Context) ([]byte, error) {
	select {
	case p := <-c.w.packets:
		return p, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestConformance(t *testing.T) {
	suite := conformance.Suite{
		Table:  "../icmp6/conformance/RESULTS.md",
		Column: "hextet",
		Update: *updateResults,
	}
	suite.Run(t, func(t testing.TB) conformance.Backend {
		s, i, w := rawHost(t, stack.Config{}, plain(conformance.Host.String()+"/64"), plain(conformance.Second.String()+"/64"))
		return conformant{s, i, w}
	})
}
