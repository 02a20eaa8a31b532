package stack

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/hextet/hextet/srcselect"
	"github.com/hextet/hextet/stack/internal/convert"
	"github.com/hextet/hextet/stack/internal/engine"
	"github.com/hextet/hextet/stack/internal/turn"
	"gvisor.dev/gvisor/pkg/tcpip"
	gvisor "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// IPv6 works from 1280 bytes on (RFC 8200 section 5); no IP packet without a jumbo payload option is
// longer than 65535.
const (
	minMTU = 1280
	maxMTU = 65535
)

// Config configures a Stack. The zero Config works.
type Config struct {
	// Clock times everything the stack does. nil: real time.
	Clock Clock

	// Logger is told about links that fail and addresses that turn out duplicate. nil: nobody.
	Logger *slog.Logger

	// Select configures source selection. Zero: RFC 6724 with its default policy table, which SetPolicy
	// replaces.
	// AnyInterface is not supported here: the stack is a strong host.
	Select srcselect.Config

	// Nameservers are asked by Resolver and for host names in dialled addresses, in this order.
	// Empty: names don't resolve, only literal addresses can be dialled.
	Nameservers []netip.AddrPort

	// NoTCP leaves TCP out, and with it the goroutines that gVisor's TCP keeps, so that the stack
	// can live in a testing/synctest bubble.
	NoTCP bool
}

// A Stack is one host: interfaces, addresses, routes and sockets. Its methods may be called from
// several goroutines at once.
type Stack struct {
	cfg   Config
	clock Clock
	log   *slog.Logger
	gv    *gvisor.Stack
	book  addressBook
	rib   routeTable
	raw   rawDemux
	conns connSet
	udp   udpTable
	watch watchers
	done  chan struct{} // closed at the end of Close

	turn     turn.Host // nil: real goroutines
	settling sync.Mutex
	settled  bool // for good
	rand     *rand.Rand
	secure   io.Reader // what nobody may guess

	gen    generation
	paths  pathMTUs
	errors connErrors

	routed engine.RouterCounters
	lo     atomic.Pointer[Interface] // see loopback; not among ifaces

	ifaces atomic.Pointer[[]*Interface] // oldest first; replaced under mu, read without

	mu     sync.Mutex // taken before gVisor's locks, never under them
	last   int        // the highest interface index given out
	closed bool
}

// New returns a host without interfaces. It must be closed.
func New(cfg Config) (*Stack, error) {
	if cfg.Select.AnyInterface {
		return nil, errors.New("stack: Config.Select.AnyInterface: a stack is a strong host; packets to another interface's address would not come back")
	}
	for i, ns := range cfg.Nameservers {
		if !ns.IsValid() || ns.Port() == 0 {
			return nil, fmt.Errorf("stack: Config.Nameservers[%d]: %v is no address with a port", i, ns)
		}
	}
	s := &Stack{
		cfg:   cfg,
		clock: cfg.Clock,
		log:   cfg.Logger,
		done:  make(chan struct{}),
	}
	s.ifaces.Store(new([]*Interface))
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var engineClock tcpip.Clock
	if s.clock == nil {
		s.clock = realClock{}
	} else {
		engineClock = convert.EngineClock(s.clock)
	}
	s.attend()
	s.book.init(srcselect.NewSelector(cfg.Select), &s.watch, &s.gen)
	s.rib.init(&s.watch)
	s.raw.init()
	s.gv = engine.New(engine.Options{
		Hooks: engine.Hooks{
			Source: s.source, EchoReply: s.echoReply, Advertisement: s.receiveAdvertisement, Neighbor: s.neighbor,
			Raw: s.raw.deliver, RawOpen: s.raw.open, RawTCP: s.raw.openTCP, Datagram: s.udp.deliver,
			Claim: s.claim, Unique: s.unique, Error: s.icmpError, PathMTU: s.knownPathMTU, Rand: s.rand,
		},
		Router: engine.RouterHooks{Path: s.path, ErrorSource: s.errorSource},
		Routed: &s.routed,
		Clock:  engineClock,
		NoTCP:  cfg.NoTCP,
		Seed:   s.seed(),
	})
	if s.turn != nil {
		s.turn.Attend(s.settle)
	}
	return s, nil
}

// Close closes all conns and listeners, detaches all interfaces with their links and stops every
// goroutine of the stack before it returns. Calls that wait return with net.ErrClosed. Closing twice
// is no error.
func (s *Stack) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()

	s.conns.closeAll()
	var errs []error
	for _, i := range s.Interfaces() {
		errs = append(errs, i.Detach())
	}
	s.settleNoMore()
	s.gv.Destroy()
	close(s.done)
	return errors.Join(errs...)
}
