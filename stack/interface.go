package stack

import (
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"github.com/hextet/hextet/stack/internal/engine"
	"gvisor.dev/gvisor/pkg/tcpip"
)

// EchoReply says whether an interface answers echo requests.
type EchoReply uint8

const (
	// EchoReplyOn, the zero value, answers, as every node must (RFC 4443 section 4.2, RFC 1122
	// section 3.2.2.6).
	EchoReplyOn EchoReply = iota
	// EchoReplyOff leaves echo requests to raw sockets.
	EchoReplyOff
)

// InterfaceConfig configures Attach.
type InterfaceConfig struct {
	// Name is what routes and zones call the interface. Empty: "if" and its index.
	Name string

	// Link carries the packets. It is required; Attach takes it over and Detach closes it.
	Link Link

	// DAD makes IPv6 addresses pass duplicate address detection (RFC 4862 section 5.4, one probe)
	// before they are used. False: they work at once, as with DupAddrDetectTransmits 0. A link
	// of bare IP packets has no use for it.
	DAD bool

	// EchoReply says whether echo requests are answered. Zero: yes.
	EchoReply EchoReply

	// Forward makes the interface one of a router's: packets that come by it and are for others leave
	// by the interface that the routes name, if that one forwards too. The longest Destination decides,
	// then the lowest Metric; source selection has no say, since it is not the router who speaks.
	// Unicast only, and never from or to link-local addresses. False: such packets are dropped.
	//
	// Packets for any address of its forwarding interfaces reach a router. Its ICMP errors (Time
	// Exceeded, Packet Too Big, Fragmentation Needed, Destination Unreachable) leave from an address
	// that may speak: of the interface by which they leave, else of another one, else not at all.
	Forward bool
}

// An Interface is one attachment of a Stack to a Link.
type Interface struct {
	s     *Stack
	index int
	name  string
	mtu   int
	hw    net.HardwareAddr
	link  Link
	ep    *engine.LinkEndpoint
	echo  atomic.Bool

	forward   atomic.Bool
	lastAsker atomic.Pointer[netip.Addr] // see asker

	fail atomic.Pointer[error]
	down chan struct{} // closed when the link failed or the interface was detached
	once sync.Once     // closes down

	admin  sync.Mutex  // serialises changes of addresses
	gone   atomic.Bool // detached, or about to be
	detach sync.Once
}

// Attach adds an interface and starts to read its link. An Ethernet interface gets its link-local
// address (RFC 4291 appendix A). On an error the link stays the caller's, who closes it.
func (s *Stack) Attach(cfg InterfaceConfig) (*Interface, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	i, err := s.attach(cfg)
	if err != nil {
		return nil, err
	}
	if i.hw != nil {
		if err := i.AddAddress(Address{Prefix: linkLocal(i.hw)}); err != nil {
			i.Detach()
			return nil, err
		}
	}
	return i, nil
}

func (cfg InterfaceConfig) check() error {
	if cfg.Link == nil {
		return fmt.Errorf("stack: attach %q: InterfaceConfig.Link is nil", cfg.Name)
	}
	if mtu := cfg.Link.MTU(); mtu < minMTU || mtu > maxMTU {
		return fmt.Errorf("stack: attach %q: the link's MTU %d is not between %d (RFC 8200 section 5) and %d", cfg.Name, mtu, minMTU, maxMTU)
	}
	if hw := cfg.Link.HardwareAddr(); hw != nil && len(hw) != 6 {
		return fmt.Errorf("stack: attach %q: the link's hardware address %v is not 6 bytes long", cfg.Name, hw)
	} else if hw != nil && (hw[0]&1 != 0 || slices.Max(hw) == 0) {
		return fmt.Errorf("stack: attach %q: the link's hardware address %v is no station's: it is a group's or zero", cfg.Name, hw)
	}
	if strings.ContainsFunc(cfg.Name, func(r rune) bool { return r == '%' || r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		return fmt.Errorf("stack: attach %q: an interface name can't contain white space, %% or what can't be printed", cfg.Name)
	}
	if len(cfg.Name) > maxName {
		return fmt.Errorf("stack: attach %q: an interface name can't be longer than %d bytes", cfg.Name, maxName)
	}
	if _, err := strconv.ParseUint(cfg.Name, 10, 64); err == nil {
		return fmt.Errorf("stack: attach %q: a number can't be a name, since zones may be written as the interface's index", cfg.Name)
	}
	if cfg.EchoReply > EchoReplyOff {
		return fmt.Errorf("stack: attach %q: EchoReply %d is neither EchoReplyOn nor EchoReplyOff", cfg.Name, cfg.EchoReply)
	}
	return nil
}

// maxName is the longest name of an interface, in bytes.
const maxName = 64

// sameLink reports whether two links are one, as far as their type lets that be asked.
func sameLink(a, b Link) bool {
	return reflect.TypeOf(a).Comparable() && reflect.ValueOf(a).Comparable() && a == b
}

func (s *Stack) attach(cfg InterfaceConfig) (*Interface, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("stack: attach %q: %w", cfg.Name, net.ErrClosed)
	}
	i := &Interface{s: s, index: s.last + 1, name: cfg.Name, mtu: cfg.Link.MTU(), hw: slices.Clone(cfg.Link.HardwareAddr()), link: cfg.Link, down: make(chan struct{})}
	if i.name == "" {
		i.name = fmt.Sprintf("if%d", i.index)
	}
	if _, err := s.byName(i.name); err == nil {
		return nil, fmt.Errorf("stack: attach %q: there is an interface of that name", i.name)
	}
	for _, other := range *s.ifaces.Load() {
		if sameLink(other.link, cfg.Link) {
			return nil, fmt.Errorf("stack: attach %q: interface %q has that link already", i.name, other.name)
		}
	}
	i.echo.Store(cfg.EchoReply == EchoReplyOn)
	i.ep = engine.NewLinkEndpoint(cfg.Link, i.failed)
	if err := engine.AddNIC(s.gv, i.index, i.name, i.ep, cfg.DAD && i.hw != nil); err != nil {
		return nil, fmt.Errorf("stack: attach %q: %w", i.name, err)
	}
	if cfg.Forward {
		i.forward.Store(true)
		if err := engine.SetForwarding(s.gv, i.index, true); err != nil {
			s.gv.RemoveNIC(i.id())
			return nil, fmt.Errorf("stack: attach %q: forwarding: %w", i.name, err)
		}
	}
	s.last = i.index
	s.rib.addMulticast(i)
	s.republishRoutes()
	i.ep.Start()
	s.ifaces.Store(new(append(slices.Clone(*s.ifaces.Load()), i))) // last: from now on it may be detached
	return i, nil
}

// failed runs when the link ended by itself: the interface stays, without a carrier.
func (i *Interface) failed(err error) {
	i.fail.Store(&err)
	i.s.log.Warn("link failed", "interface", i.name, "error", err)
	i.s.gv.DisableNIC(i.id())
	i.once.Do(func() { close(i.down) })
}

// Detach removes the interface, its addresses and routes, and closes its link. Detaching twice is
// no error.
func (i *Interface) Detach() (err error) {
	i.detach.Do(func() {
		i.gone.Store(true)
		// First, and under no lock: it frees whoever is stuck in the link, with locks held.
		if err = i.ep.Stop(); err != nil {
			err = fmt.Errorf("stack: detach %q: closing the link: %w", i.name, err)
		}
		i.s.remove(i)
		i.once.Do(func() { close(i.down) })
	})
	return err
}

// remove takes an interface out whose link is closed.
func (s *Stack) remove(i *Interface) {
	s.mu.Lock()
	s.ifaces.Store(new(slices.DeleteFunc(slices.Clone(*s.ifaces.Load()), func(other *Interface) bool { return other == i })))
	s.mu.Unlock()

	i.admin.Lock()
	defer i.admin.Unlock()
	s.book.removeAll(i.index)
	s.rib.forget(i.index)
	s.republishRoutes()
	s.gv.RemoveNIC(i.id())
}

// live returns why the interface is of no use any more, or nil.
func (i *Interface) live() error {
	if i.gone.Load() {
		return fmt.Errorf("stack: interface %q: %w", i.name, net.ErrClosed)
	}
	return i.Err()
}

// Interfaces returns the interfaces in the order in which they were attached.
func (s *Stack) Interfaces() []*Interface { return slices.Clone(*s.ifaces.Load()) }

// byIndex returns an interface, or nil. It takes no lock.
func (s *Stack) byIndex(index int) *Interface {
	if index == loopbackIndex {
		return s.lo
	}
	for _, i := range *s.ifaces.Load() {
		if i.index == index {
			return i
		}
	}
	return nil
}

// byName returns the interface that a name, or a zone, means: a decimal index means that index.
func (s *Stack) byName(name string) (*Interface, error) {
	if name == loopbackName {
		return s.lo, nil
	}
	for _, i := range *s.ifaces.Load() {
		if i.name == name || strconv.Itoa(i.index) == name {
			return i, nil
		}
	}
	return nil, fmt.Errorf("stack: no interface %q", name)
}

// echoReply is the engine's hook. It runs with gVisor's locks held and takes none.
func (s *Stack) echoReply(nic int) bool {
	i := s.byIndex(nic)
	return i != nil && i.echo.Load()
}

// SetEchoReply switches the answers to echo requests on or off.
func (i *Interface) SetEchoReply(r EchoReply) { i.echo.Store(r == EchoReplyOn) }

// Name returns the interface's name.
func (i *Interface) Name() string { return i.name }

// Index returns the interface's index, which starts at 1 and is never used again.
func (i *Interface) Index() int { return i.index }

// Done returns a channel that is closed when the link ended by itself, for which Err then has the
// reason, or when the interface was detached.
func (i *Interface) Done() <-chan struct{} { return i.down }

// Err returns why the link ended by itself, or nil. An interface whose link failed neither sends
// nor receives until it is detached.
func (i *Interface) Err() error {
	if err := i.fail.Load(); err != nil {
		return fmt.Errorf("stack: interface %q: %w", i.name, *err)
	}
	return nil
}

// NetInterface describes the interface in the standard library's type, for calls shaped as
// golang.org/x/net has them, which use its Index. Its methods, Addrs among them, would ask the host
// that the program runs on.
func (i *Interface) NetInterface() *net.Interface {
	flags := net.FlagUp | net.FlagMulticast
	if i.hw != nil {
		flags |= net.FlagBroadcast
	} else {
		flags |= net.FlagPointToPoint
	}
	if i.fail.Load() == nil {
		flags |= net.FlagRunning
	}
	return &net.Interface{Index: i.index, MTU: i.mtu, Name: i.name, HardwareAddr: slices.Clone(i.hw), Flags: flags}
}

func (i *Interface) id() tcpip.NICID { return tcpip.NICID(i.index) }
