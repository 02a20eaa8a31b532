package lab

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/hextet/hextet/stack"
)

// RouterConfig configures a Router. The zero RouterConfig is a router with one interface on the lab's first
// segment, which says nothing of itself.
type RouterConfig struct {
	// Name is what the router is called. Empty: "router" and a number.
	Name string

	// Interfaces are the router's, in order, and all forward. Empty: one, of zero InterfaceConfig.
	Interfaces []InterfaceConfig

	// Segment and Addresses are those of the first interface, if they are not said there.
	Segment   *Segment
	Addresses []stack.Address

	// Routers are next hops of default routes, and Routes are others.
	Routers []netip.Addr
	Routes  []stack.Route

	// Advertise is what the router advertises from the beginning, once for each interface at most.
	// Empty: nothing; hosts learn of it from nobody.
	Advertise []Advertisement

	// Stack configures the stack. Its Clock is the lab's.
	Stack stack.Config
}

// A Router is a host that forwards, sends Router Advertisements, and makes trouble on demand: what the ICMP
// methods of Host send. Its methods may be called from several goroutines at once.
type Router struct {
	*Host
	advertisers []*advertiser // of the ports in order
}

// AddRouter adds a router.
func (l *Lab) AddRouter(cfg RouterConfig) (*Router, error) {
	if _, err := l.newName(&cfg.Name, "router"); err != nil {
		return nil, fmt.Errorf("lab: router %q: %w", cfg.Name, err)
	}
	l.freeName(cfg.Name) // AddHost takes it
	for _, a := range cfg.Advertise {
		if err := a.check(); err != nil {
			return nil, fmt.Errorf("lab: router %q: Advertise: %w", cfg.Name, err)
		}
	}
	cfg.Interfaces = slices.Clone(cfg.Interfaces)
	if len(cfg.Interfaces) == 0 {
		cfg.Interfaces = make([]InterfaceConfig, 1)
	}
	for k := range cfg.Interfaces {
		cfg.Interfaces[k].Stack.Forward = true
	}
	h, err := l.AddHost(HostConfig{
		Name: cfg.Name, Interfaces: cfg.Interfaces, Segment: cfg.Segment, Addresses: cfg.Addresses, Routers: cfg.Routers, Stack: cfg.Stack,
	})
	if err != nil {
		return nil, err
	}
	r := &Router{Host: h}
	for _, i := range h.ifaces {
		r.advertisers = append(r.advertisers, newAdvertiser(h, i.p))
	}
	if err := r.begin(cfg); err != nil {
		h.Stack.Close()
		l.remove(h)
		return nil, err
	}
	return r, nil
}

// Router is AddRouter for tests, which an error ends. Outside of one it panics.
func (l *Lab) Router(cfg RouterConfig) *Router {
	if l.tb != nil {
		l.tb.Helper()
	}
	return must(l, cfg, l.AddRouter)
}

func (r *Router) begin(cfg RouterConfig) error {
	for _, route := range cfg.Routes {
		if err := r.AddRoute(route); err != nil {
			return fmt.Errorf("lab: router %q: %w", r.name, err)
		}
	}
	for k, a := range cfg.Advertise {
		for _, other := range cfg.Advertise[:k] {
			first := r.Interfaces()[0].Name()
			if cmp.Or(other.Interface, first) == cmp.Or(a.Interface, first) {
				return fmt.Errorf("lab: router %q: Advertise has interface %q twice", r.name, cmp.Or(a.Interface, first))
			}
		}
		if err := r.Advertise(a); err != nil {
			return err
		}
	}
	return nil
}

// remove takes out a host that did not come about.
func (l *Lab) remove(h *Host) {
	l.freeName(h.name)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hosts = slices.DeleteFunc(l.hosts, func(other *Host) bool { return other == h })
}
