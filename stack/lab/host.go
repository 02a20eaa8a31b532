package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"github.com/hextet/hextet/stack"
)

// HostConfig configures a Host. The zero HostConfig is a host with one interface on the lab's first
// segment, which is made if there is none.
type HostConfig struct {
	// Name is what the host is called, in traces too, without a slash. Empty: "host" and a number.
	Name string

	// Interfaces are the host's, in order. Empty: one, of zero InterfaceConfig.
	Interfaces []InterfaceConfig

	// Segment and Addresses are those of the first interface, if they are not said there.
	Segment   *Segment
	Addresses []stack.Address

	// Routers are next hops of default routes. A link-local one has the interface's name as its zone.
	Routers []netip.Addr

	// Stack configures the stack. Its Clock is the lab's. nil Nameservers: the DNS hosts that were added
	// before.
	Stack stack.Config
}

// A Host is a stack in a lab.
type Host struct {
	*stack.Stack
	l     *Lab
	name  string
	nth   int // in the lab
	turns *turns

	mu     sync.Mutex
	ifaces []*Interface // that AddInterface added
	cables int          // that it tried to add

	choices choices // under Lab.looking
}

// Name returns the host's name.
func (h *Host) Name() string { return h.name }

// AddHost adds a host. On an error there is none.
func (l *Lab) AddHost(cfg HostConfig) (*Host, error) {
	h, err := l.addHost(cfg)
	if err != nil {
		return nil, fmt.Errorf("lab: host %q: %w", cfg.Name, err)
	}
	return h, nil
}

// Host is AddHost for tests, which an error ends. Outside of one it panics.
func (l *Lab) Host(cfg HostConfig) *Host {
	if l.tb != nil {
		l.tb.Helper()
	}
	return must(l, cfg, l.AddHost)
}

// must ends the test with an error that add returns.
func must[C, T any](l *Lab, cfg C, add func(C) (T, error)) T {
	v, err := add(cfg)
	if err != nil {
		if l.tb == nil {
			panic(err)
		}
		l.tb.Helper()
		l.tb.Fatalf("%v", err)
	}
	return v
}

func (l *Lab) addHost(cfg HostConfig) (*Host, error) {
	if cfg.Stack.Clock != nil {
		return nil, fmt.Errorf("HostConfig.Stack.Clock is set, and a lab has its own")
	}
	n, err := l.newName(&cfg.Name, "host")
	if err != nil {
		return nil, err
	}
	h := &Host{l: l, name: cfg.Name, nth: n, turns: newTurns(l.sched, cfg.Name, l.cfg.Seed)}
	cfg.Stack.Clock = h.turns
	if cfg.Stack.Nameservers == nil {
		cfg.Stack.Nameservers = l.someNameservers()
	}
	if cfg.Stack.Logger == nil && l.cfg.Logger != nil {
		cfg.Stack.Logger = l.cfg.Logger.With("host", h.name)
	}
	if h.Stack, err = stack.New(cfg.Stack); err == nil {
		if err = h.equip(cfg); err == nil {
			err = l.enter(h)
		}
		if err != nil {
			h.Stack.Close()
		}
	}
	if err != nil {
		l.freeName(cfg.Name)
		return nil, err
	}
	return h, nil
}

// enter makes h one of the lab's hosts, unless the lab is closed.
func (l *Lab) enter(h *Host) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		return errClosed
	}
	l.hosts = append(l.hosts, h)
	return nil
}

// equip adds the interfaces and the routes.
func (h *Host) equip(cfg HostConfig) error {
	ifaces := cfg.Interfaces
	if len(ifaces) == 0 {
		ifaces = make([]InterfaceConfig, 1)
	}
	for k, c := range ifaces {
		if k == 0 && c.Segment == nil {
			c.Segment = cfg.Segment
		}
		if k == 0 && len(c.Addresses) == 0 {
			c.Addresses = cfg.Addresses
		}
		if _, err := h.addInterface(c); err != nil {
			return err
		}
	}
	for _, r := range cfg.Routers {
		to := netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		if r.Is4() {
			to = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		}
		if err := h.AddRoute(stack.Route{Destination: to, NextHop: r, Interface: r.Zone()}); err != nil {
			return err
		}
	}
	return nil
}

// newName makes name one that nothing in the lab has, reserves it, and returns, for a host, its number.
func (l *Lab) newName(name *string, kind string) (int, error) {
	if kind != "lan" && strings.Contains(*name, "/") {
		return 0, errors.New("a name with a slash is that of an interface, as in web/eth0")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for *name == "" {
		l.numbers[kind]++
		if c := fmt.Sprintf("%s%d", kind, l.numbers[kind]); !l.names[c] {
			*name = c
		}
	}
	if l.names[*name] {
		return 0, fmt.Errorf("the name %q is taken", *name)
	}
	l.names[*name] = true
	if kind == "host" {
		l.made++
	}
	return l.made, nil
}

// freeName gives a name back that newName reserved.
func (l *Lab) freeName(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.names, name)
}
