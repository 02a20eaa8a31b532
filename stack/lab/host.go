package lab

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/hextet/hextet/stack"
)

// HostConfig configures a Host. The zero HostConfig is a host with one interface on the lab's first
// segment, which is made if there is none.
type HostConfig struct {
	// Name is what the host is called, in traces too. Empty: "host" and a number.
	Name string

	// Interfaces are the host's, in order. Empty: one, of zero InterfaceConfig.
	Interfaces []InterfaceConfig

	// Segment and Addresses are those of the first interface, if they are not said there.
	Segment   *Segment
	Addresses []stack.Address

	// Routers are next hops of default routes.
	Routers []netip.Addr

	// Stack configures the stack. Its Clock is the lab's. nil Nameservers: the DNS hosts that were added
	// before.
	Stack stack.Config
}

// InterfaceConfig configures one interface of a Host.
type InterfaceConfig struct {
	// Segment is where the interface is plugged in. nil: the lab's first.
	Segment *Segment

	// Addresses are assigned at once.
	Addresses []stack.Address

	// HardwareAddr is the station's address. nil: one from the order of the hosts, or under
	// Config.RealTime a random one.
	HardwareAddr net.HardwareAddr

	// Send and Receive are what happens to packets between the interface and its segment.
	Send, Receive Impairment

	// Firewall decides which packets pass between the interface and its segment. nil: all do.
	Firewall *Firewall

	// Stack is the rest: its Link is the lab's, and an empty Name "eth" and a number.
	Stack stack.InterfaceConfig
}

// A Host is a stack in a lab.
type Host struct {
	*stack.Stack
	l     *Lab
	name  string
	turns *turns
	ports []*port

	choices choices // under Lab.looking
}

// Name returns the host's name.
func (h *Host) Name() string { return h.name }

// AddHost adds a host.
func (l *Lab) AddHost(cfg HostConfig) (*Host, error) {
	h, err := l.addHost(cfg)
	if err != nil {
		return nil, fmt.Errorf("lab: host %q: %w", cfg.Name, err)
	}
	return h, nil
}

// Host is AddHost for tests, which an error ends. Outside of one it panics.
func (l *Lab) Host(cfg HostConfig) *Host {
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
	n, err := l.newName(&cfg.Name, "host")
	if err != nil {
		return nil, err
	}
	if len(cfg.Interfaces) == 0 {
		cfg.Interfaces = make([]InterfaceConfig, 1)
	}
	if first := &cfg.Interfaces[0]; first.Segment == nil && cfg.Segment != nil {
		first.Segment = cfg.Segment
	}
	h := &Host{l: l, name: cfg.Name, turns: newTurns(l.sched, cfg.Name, l.cfg.Seed)}
	cfg.Stack.Clock = h.turns
	if cfg.Stack.Nameservers == nil {
		cfg.Stack.Nameservers = l.someNameservers()
	}
	if cfg.Stack.Logger == nil && l.cfg.Logger != nil {
		cfg.Stack.Logger = l.cfg.Logger.With("host", h.name)
	}
	if h.Stack, err = stack.New(cfg.Stack); err != nil {
		return nil, err
	}
	if err := h.plugIn(n, cfg); err != nil {
		h.Stack.Close()
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hosts = append(l.hosts, h)
	return h, nil
}

// plugIn attaches the interfaces of the nth host.
func (h *Host) plugIn(n int, cfg HostConfig) error {
	for k, c := range cfg.Interfaces {
		if k == 0 && len(c.Addresses) == 0 {
			c.Addresses = cfg.Addresses
		}
		if c.Stack.Name == "" {
			c.Stack.Name = fmt.Sprintf("eth%d", k)
		}
		if c.Segment == nil {
			var err error
			if c.Segment, err = h.l.firstSegment(); err != nil {
				return err
			}
		}
		if c.HardwareAddr == nil {
			c.HardwareAddr = h.l.hardwareAddr(n, k)
		}
		p := c.Segment.plug(h, c)
		p.gate.wall.Store(c.Firewall)
		c.Stack.Link = p
		i, err := h.Attach(c.Stack)
		if err != nil {
			p.Close()
			return err
		}
		p.await()
		h.ports = append(h.ports, p)
		if err := i.AddAddresses(c.Addresses); err != nil {
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

// newName makes name one that nothing in the lab has, and returns how many hosts there were.
func (l *Lab) newName(name *string, kind string) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := make(map[string]bool)
	for _, h := range l.hosts {
		taken[h.name] = true
	}
	for _, s := range l.segments {
		taken[s.name] = true
	}
	for n := 1; *name == ""; n++ {
		if c := fmt.Sprintf("%s%d", kind, n); !taken[c] {
			*name = c
		}
	}
	if taken[*name] {
		return 0, fmt.Errorf("the name %q is taken", *name)
	}
	return len(l.hosts) + 1, nil
}
