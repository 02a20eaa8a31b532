package stack

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hextet/hextet/stack/internal/engine"
	"github.com/hextet/hextet/stack/internal/turn"
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
	// Name is what routes and zones call the interface. It may have blanks between words, as the names of
	// Windows do. Empty: "if" and its index.
	Name string

	// Link carries the packets. It is required; Attach takes it over and Detach closes it.
	Link Link

	// DAD makes IPv6 addresses pass duplicate address detection (RFC 4862 section 5.4, one probe)
	// before they are used. False: they work at once, as with DupAddrDetectTransmits 0. A link
	// of bare IP packets has no use for it.
	DAD bool

	// OptimisticDAD makes the addresses that SLAAC forms from prefixes Optimistic, not Tentative, while DAD
	// runs for them (RFC 4429): they are used at once, as the last choice, as if deprecated. Who uses a
	// duplicate loses it. Packets by the router that advertised, and to neighbours that are known, leave at
	// once; other neighbours are not asked for their link-layer address until DAD has ended. Tentative
	// stay the link-local address, those the program adds, all of an interface that forwards, and those
	// from a router that does not advertise its link-layer address. IPv4 has no such detection. It needs
	// SLAAC and DAD. False: no address is used before it is known to be unique.
	OptimisticDAD bool

	// EchoReply says whether echo requests are answered. Zero: yes.
	EchoReply EchoReply

	// SLAAC makes the interface listen to routers: it solicits them (RFC 4861, RFC 7559), forms an
	// address from each prefix that they advertise for that (RFC 4862), and takes up default routers,
	// on-link prefixes, routes (RFC 4191), the hop limit, the MTU and the neighbour discovery timers.
	// What it learnt, DNS servers and search domains too (RFC 8106), is in RouterInfo. On a link of
	// bare IP packets it also forms a link-local address, which Ethernet interfaces always have. A router
	// that no longer answers comes after all others until it does or advertises again (RFC 4861 section
	// 6.3.6); connected sockets stay with theirs. False: Router Advertisements are ignored.
	SLAAC bool

	// StableSecret makes the identifiers of link-local and stable addresses opaque (RFC 7217): the key
	// from which they are made, with the prefix and the interface's Name, 16 bytes or more that stay the
	// same from run to run. Empty: they are made from the hardware address (modified EUI-64, RFC 4291
	// appendix A), or, on a link that has none, from a key that Attach makes up. Attach keeps a copy.
	StableSecret []byte

	// TemporaryAddresses adds a temporary address (RFC 8981) beside each stable one from SLAAC, and
	// another before it is deprecated. Source selection prefers them unless it is told not to.
	// TemporaryPreferred and TemporaryValid bound their lifetimes. Zero: 1 day and 2 days (RFC 8981
	// section 3.8).
	TemporaryAddresses                 bool
	TemporaryPreferred, TemporaryValid time.Duration

	// OnAutoAddress is asked about each automatic address, the link-local one included, before it is
	// assigned, and says which flags it is to have from the beginning. nil: none. It may ask the stack,
	// but must not detach the interface or close the stack.
	OnAutoAddress func(AddressInfo) AddressFlags

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

	admin  sync.Mutex  // serialises changes of addresses; taken before Stack.mu
	gone   atomic.Bool // detached, or about to be
	detach sync.Once
	auto   autoconf
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
	if err := i.auto.start(); err != nil {
		i.Detach()
		return nil, err
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
	if strings.ContainsFunc(cfg.Name, func(r rune) bool { return r == '%' || r == utf8.RuneError || !unicode.IsPrint(r) }) {
		return fmt.Errorf("stack: attach %q: an interface name can't contain white space but for blanks, %% or what can't be printed", cfg.Name)
	}
	if cfg.Name != strings.TrimSpace(cfg.Name) {
		return fmt.Errorf("stack: attach %q: an interface name can't begin or end with a blank", cfg.Name)
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
	return cfg.checkSLAAC()
}

func (cfg InterfaceConfig) checkSLAAC() error {
	if n := len(cfg.StableSecret); n > 0 && n < 16 {
		return fmt.Errorf("stack: attach %q: StableSecret has %d bytes, less than 16 (RFC 7217 section 5)", cfg.Name, n)
	}
	if cfg.OptimisticDAD && !(cfg.SLAAC && cfg.DAD) {
		return fmt.Errorf("stack: attach %q: OptimisticDAD without SLAAC and DAD: there is no detection to be optimistic about", cfg.Name)
	}
	if cfg.TemporaryAddresses && !cfg.SLAAC {
		return fmt.Errorf("stack: attach %q: TemporaryAddresses without SLAAC: there is no prefix to form them from", cfg.Name)
	}
	preferred := cmp.Or(cfg.TemporaryPreferred, tempPreferredLifetime)
	if preferred <= regenAdvance || preferred > cmp.Or(cfg.TemporaryValid, tempValidLifetime) {
		return fmt.Errorf("stack: attach %q: TemporaryPreferred %v is not between %v (RFC 8981 section 3.8) and TemporaryValid", cfg.Name, preferred, regenAdvance)
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
	if i.name == loopbackName || s.attached(i.name) != nil {
		return nil, fmt.Errorf("stack: attach %q: there is an interface of that name", i.name)
	}
	for _, other := range *s.ifaces.Load() {
		if sameLink(other.link, cfg.Link) {
			return nil, fmt.Errorf("stack: attach %q: interface %q has that link already", i.name, other.name)
		}
	}
	i.echo.Store(cfg.EchoReply == EchoReplyOn)
	i.auto.init(i, cfg)
	i.ep = engine.NewLinkEndpoint(cfg.Link, i.failed)
	i.ep.Datagram = i.shortCut
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
	s.book.open(i.index)
	s.rib.addMulticast(i)
	s.republishRoutes()
	if f, ok := cfg.Link.(turn.Filter); ok {
		f.Members(engine.Groups(s.gv, i.index))
	}
	i.ep.Start()
	s.ifaces.Store(new(append(slices.Clone(*s.ifaces.Load()), i))) // last: from now on it may be detached
	i.tell()
	return i, nil
}

// failed runs when the link ended by itself: the interface stays, without a carrier.
func (i *Interface) failed(err error) {
	i.s.log.Warn("link failed", "interface", i.name, "error", err)
	i.halt(err)
}

// halt ends the interface's operation for a reason.
func (i *Interface) halt(err error) {
	i.fail.Store(&err)
	i.tell()
	i.s.gv.DisableNIC(i.id())
	i.s.gen.bump()
	i.once.Do(func() { close(i.down) })
}

// Detach removes the interface, its addresses and routes, and closes its link. Detaching twice is
// no error.
func (i *Interface) Detach() (err error) {
	i.detach.Do(func() {
		i.gone.Store(true)
		i.auto.stop()
		// First, and under no lock: it frees whoever is stuck in the link, with locks held.
		if err = i.ep.Stop(); err != nil {
			err = fmt.Errorf("stack: detach %q: closing the link: %w", i.name, err)
		}
		i.s.remove(i)
		i.tell()
		i.once.Do(func() { close(i.down) })
	})
	return err
}

// remove takes an interface out whose link is closed.
func (s *Stack) remove(i *Interface) {
	i.admin.Lock()
	defer i.admin.Unlock()
	s.book.removeAll(i.index)
	s.rib.forget(i.index)
	s.republishRoutes() // before the interface goes: whoever has another route is to take it

	s.mu.Lock()
	s.ifaces.Store(new(slices.DeleteFunc(slices.Clone(*s.ifaces.Load()), func(other *Interface) bool { return other == i })))
	s.mu.Unlock()
	s.dropFlows()
	s.gv.RemoveNIC(i.id())
	s.gen.bump()
}

// tell tells the watchers how the interface is.
func (i *Interface) tell() { i.s.watch.post(linkKey(i), i.linkEvent) }

func (i *Interface) linkEvent() (e Event, removed bool) {
	removed = i.gone.Load()
	return LinkEvent{Interface: i.name, Index: i.index, Err: i.Err(), Removed: removed}, removed
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
		return s.lo.Load()
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
		return s.loopback()
	}
	if i := s.attached(name); i != nil {
		return i, nil
	}
	return nil, fmt.Errorf("stack: no interface %q", name)
}

// attached is byName for what Attach made. It returns nil if there is none.
func (s *Stack) attached(name string) *Interface {
	for _, i := range *s.ifaces.Load() {
		if i.name == name || strconv.Itoa(i.index) == name {
			return i
		}
	}
	return nil
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

// Done returns a channel that is closed when the interface became useless, for which Err then has the
// reason, or when it was detached.
func (i *Interface) Done() <-chan struct{} { return i.down }

// Err returns why the interface is of no use any more, or nil: its link ended by itself, or another
// station has its hardware address, as a duplicate of its link-local address shows (RFC 4862 section
// 5.4.5). Such an interface neither sends nor receives until it is detached.
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
