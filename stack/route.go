package stack

import (
	"cmp"
	"fmt"
	"net/netip"
	"syscall"
)

// Route tells how packets to a prefix leave.
type Route struct {
	// Destination is the prefix, without host bits; 0.0.0.0/0 and ::/0 are the default routes.
	Destination netip.Prefix

	// NextHop is the router: an address under the prefix of one of the interface's own, or a
	// link-local one. Zero: destinations are on the link.
	NextHop netip.Addr

	// Interface is the name of the outgoing interface. Empty: the one on which NextHop is in reach.
	Interface string

	// Source is the source of packets that are sent without one, even if it is flagged
	// SkipAsSource. It must be assigned to the interface; while it is not, the route has no
	// source and is passed over. Zero: source selection decides.
	Source netip.Addr

	// Metric decides among routes of the same Destination: the lower goes first.
	Metric int

	// MTU is the size in bytes of the largest IP packet on this route: TCP keeps its segments below
	// it, anything else is fragmented. Zero, or more than the interface's: the interface's.
	MTU int
}

// String returns the route as ip(8) writes it.
func (r Route) String() string {
	s := r.Destination.String()
	if r.NextHop.IsValid() {
		s += " via " + r.NextHop.String()
	}
	if r.Interface != "" {
		s += " dev " + r.Interface
	}
	if r.Source.IsValid() {
		s += " src " + r.Source.String()
	}
	if r.Metric != 0 {
		s += fmt.Sprintf(" metric %d", r.Metric)
	}
	if r.MTU != 0 {
		s += fmt.Sprintf(" mtu %d", r.MTU)
	}
	return s
}

// AddRoute adds a route. The longest Destination that holds an address decides, then the lowest
// Metric, then the age; of these the first whose interface has a source for the destination.
func (s *Stack) AddRoute(r Route) error {
	i, err := s.checkRoute(&r)
	if err != nil {
		return fmt.Errorf("stack: route %v: %w", r, err)
	}
	if err := s.rib.add(r, i); err != nil {
		return fmt.Errorf("stack: route %v: %w", r, err)
	}
	s.republishRoutes()
	return nil
}

// RemoveRoute removes the route of r's Destination, NextHop and Metric; an empty Interface stands for
// any, unless NextHop has a zone. Its other fields do not matter. Connections over it fail when they
// next look for a route.
func (s *Stack) RemoveRoute(r Route) error {
	if _, err := s.namedInterface(&r); err != nil {
		return fmt.Errorf("stack: route %v: %w", r, err)
	}
	if !s.rib.remove(r) {
		return fmt.Errorf("stack: route %v: there is none: %w", r, syscall.ESRCH)
	}
	s.republishRoutes()
	return nil
}

// Routes returns the routes in the order in which they are tried, those to the prefixes of the
// interfaces' own addresses included.
func (s *Stack) Routes() []Route {
	var rs []Route
	for _, r := range s.rib.snap.Load().ordered {
		if r.kind != multicastRoute {
			rs = append(rs, r.Route)
		}
	}
	return rs
}

// checkRoute refuses what can't work and fills in the interface.
func (s *Stack) checkRoute(r *Route) (*Interface, error) {
	d := r.Destination
	switch {
	case !d.IsValid():
		return nil, routeError("the destination is not a valid prefix")
	case d.Addr().Is4In6():
		return nil, routeError("the destination is IPv4-mapped; use its IPv4 form")
	case d != d.Masked():
		return nil, routeError(fmt.Sprintf("the destination has host bits set; the prefix is %v", d.Masked()))
	case r.Metric < 0:
		return nil, routeError("the metric is negative")
	case r.MTU != 0 && (r.MTU < leastMTU(d) || r.MTU > maxMTU):
		return nil, routeError(fmt.Sprintf("the MTU is not between %d and %d", leastMTU(d), maxMTU))
	}
	for _, a := range []struct {
		what string
		addr netip.Addr
	}{{"next hop", r.NextHop}, {"source", r.Source}} {
		if a.addr.IsValid() && a.addr.Is4() != d.Addr().Is4() {
			return nil, routeError("the " + a.what + " is of another family than the destination")
		}
	}
	i, err := s.routeInterface(r)
	if err != nil {
		return nil, err
	}
	r.Interface = i.name
	if !r.Source.IsValid() {
		return i, nil
	}
	if zone := r.Source.Zone(); zone != "" {
		if j, err := s.byName(zone); err != nil || i != j {
			return nil, routeError("the source's zone is not that of the outgoing interface")
		}
		r.Source = r.Source.WithZone("")
	}
	if s.book.lookup(i.index, r.Source) == nil {
		return nil, fmt.Errorf("the source is not assigned to interface %q: %w", i.name, syscall.EADDRNOTAVAIL)
	}
	return i, nil
}

// namedInterface returns the interface that r's Interface, a name or an index, or its next hop's zone
// means, and makes it r's Interface. It returns nil if there is neither.
func (s *Stack) namedInterface(r *Route) (*Interface, error) {
	zone := r.NextHop.Zone()
	name := cmp.Or(r.Interface, zone)
	if name == "" {
		return nil, nil
	}
	i, err := s.byName(name)
	if err != nil {
		return nil, fmt.Errorf("there is no interface %q: %w", name, syscall.ENODEV)
	}
	if zone != "" {
		if j, err := s.byName(zone); err != nil || i != j {
			return nil, routeError("the next hop's zone names another interface")
		}
	}
	r.Interface, r.NextHop = i.name, r.NextHop.WithZone("")
	return i, nil
}

// routeInterface finds the interface of a route and checks that the next hop is in reach there.
func (s *Stack) routeInterface(r *Route) (*Interface, error) {
	named, err := s.namedInterface(r)
	if err != nil {
		return nil, err
	}
	var among []*Interface
	switch {
	case named != nil:
		among = []*Interface{named}
	case !r.NextHop.IsValid():
		return nil, routeError("neither a next hop nor an interface is given")
	case r.NextHop.IsLinkLocalUnicast():
		return nil, routeError("a link-local next hop needs an interface")
	default:
		among = s.Interfaces()
	}
	if !r.NextHop.IsValid() {
		return among[0], nil
	}
	if r.NextHop.IsUnspecified() || r.NextHop.IsMulticast() {
		return nil, routeError("the next hop is no unicast address")
	}
	for _, i := range among {
		if s.book.lookup(i.index, r.NextHop) != nil {
			return nil, routeError("the next hop is this host's own address")
		}
		if r.NextHop.IsLinkLocalUnicast() || s.rib.connected(i, r.NextHop) {
			return i, nil
		}
	}
	return nil, fmt.Errorf("the next hop is not in reach of any interface's prefix: %w", syscall.ENETUNREACH)
}

// routeError is a rule that a route breaks.
func routeError(why string) error { return fmt.Errorf("%s: %w", why, syscall.EINVAL) }

// leastMTU is what every link of d's family carries (RFC 8200 section 5, RFC 791 section 3.2).
func leastMTU(d netip.Prefix) int {
	if d.Addr().Is4() {
		return 68
	}
	return minMTU
}
