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

var _ conformance.OffsetSetter = (*stack.RawConn)(nil)
var _ conformance.FilterSetter = (*stack.RawConn)(nil)
var _ conformance.Connector = (*stack.RawConn)(nil)

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

// Why cases are pending.
const (
	noHeaders  = "raw sockets send no extension headers yet"
	noPath     = "raw sockets know neither a path MTU nor the options about it yet"
	experiment = "gVisor takes 253 for an extension header of its own"
)

func TestConformance(t *testing.T) {
	suite := conformance.Suite{
		Table:  "../icmp6/conformance/RESULTS.md",
		Column: "hextet",
		Update: *updateResults,
		Pending: map[string]string{
			"header/send/hop-by-hop":     noHeaders,
			"header/send/options":        noHeaders,
			"header/send/taken-away":     noHeaders,
			"header/send/routing":        noHeaders,
			"header/send/routing-offset": noHeaders,
			"path/too-big":               noPath,
			"path/too-big-89":            noPath,
			"path/dont-fragment":         noPath,
			"path/minimum":               noPath,
			"path/minimum-for-groups":    noPath,
			"deliver/unknown-253":        experiment,
			"deliver/known-253":          experiment,
		},
	}
	suite.Run(t, func(t testing.TB) conformance.Backend {
		s, i, w := rawHost(t, stack.Config{}, plain(conformance.Host.String()+"/64"), plain(conformance.Second.String()+"/64"))
		return conformant{s, i, w}
	})
}
