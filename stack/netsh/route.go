package netsh

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"github.com/hextet/hextet/stack"
)

// maxMetric is as far as Windows counts.
const maxMetric = 1<<16 - 1

func routeParams(f family) []param {
	return []param{
		{name: "prefix", kind: prefixKind(f), need: true, help: "Where the route leads."},
		ifaceParam("interface"),
		{name: "nexthop", kind: addressKind(f, false), help: "The router.", def: "hosts under the prefix are reached directly"},
	}
}

// changeParams are those that say how a route is to be.
func changeParams() []param {
	return []param{
		{name: "siteprefixlength", kind: only(integerKind(0, 128), 0, "0", "a stack knows no sites"), help: "The length of the site's prefix.", def: "0"},
		{name: "metric", kind: integerKind(0, maxMetric), help: "The lowest goes first.", def: "0"},
		{
			name: "publish", kind: choiceKind(choice{name: "no"}, choice{"age", "a stack sends no Router Advertisements"}, choice{"yes", "a stack sends no Router Advertisements"}),
			help: "Whether Router Advertisements have the route.", def: "no",
		},
		{name: "validlifetime", kind: only(lifetimeKind, infinite, "infinite", "routes have no lifetime"), help: "How long the route stays.", def: "infinite"},
		{name: "preferredlifetime", kind: only(lifetimeKind, infinite, "infinite", "routes have no lifetime"), help: "How long the route is preferred.", def: "infinite"},
		storeParam,
	}
}

func addRouteNode(f family) *node {
	return &node{name: "route", help: "Adds a route.", changes: true, params: append(routeParams(f), changeParams()...), run: func(c *call) error { return addRoute(c) }}
}

func setRouteNode(f family) *node {
	params := append(routeParams(f), changeParams()...)
	for k := range params {
		switch params[k].name {
		case "nexthop":
			params[k].def = "whichever it is, if there is only one"
		case "metric":
			params[k].def = "it stays"
		}
	}
	return &node{name: "route", help: "Changes the metric of a route.", changes: true, params: params, run: func(c *call) error { return setRoute(c) }}
}

func deleteRouteNode(f family) *node {
	params := append(routeParams(f), storeParam)
	params[2].def = "whichever it is, if there is only one"
	return &node{name: "route", help: "Deletes a route.", changes: true, params: params, run: func(c *call) error { return deleteRoute(c) }}
}

// route is the route that the parameters describe.
func (c *call) route() (stack.Route, error) {
	i, _ := get[*stack.Interface](c, "interface")
	r := stack.Route{Interface: i.Name()}
	r.Destination, _ = get[netip.Prefix](c, "prefix")
	r.Metric, _ = get[int](c, "metric")
	hop, _ := get[addrLen](c, "nexthop")
	if !hop.addr.IsValid() || hop.addr.IsUnspecified() {
		return r, nil
	}
	var err error
	r.NextHop, err = c.unzoned("nexthop", hop.addr, i)
	return r, err
}

func addRoute(c *call) error {
	r, err := c.route()
	if err != nil {
		return err
	}
	if err = c.sh.stack.AddRoute(r); errors.Is(err, syscall.ENETUNREACH) {
		return c.blame("nexthop", err)
	}
	return c.blame("prefix", err)
}

func setRoute(c *call) error {
	r, err := c.theRoute()
	if err != nil {
		return err
	}
	metric, ok := get[int](c, "metric")
	if !ok || metric == r.Metric {
		return nil
	}
	changed := r
	changed.Metric = metric
	var ch change
	if err := ch.do(c.sh.addingRoute(changed)); err != nil {
		return err
	}
	return ch.do(c.sh.removingRoute(r))
}

func deleteRoute(c *call) error {
	r, err := c.theRoute()
	if err != nil {
		return err
	}
	return c.sh.stack.RemoveRoute(r)
}

// theRoute finds the only route that the parameters describe.
func (c *call) theRoute() (stack.Route, error) {
	want, err := c.route()
	if err != nil {
		return want, err
	}
	var found, others []stack.Route
	for _, r := range c.sh.stack.Routes() {
		switch {
		case r.Destination != want.Destination || r.Interface != want.Interface:
		case c.given("nexthop") && r.NextHop != want.NextHop:
			others = append(others, r)
		default:
			found = append(found, r)
		}
	}
	i, _ := get[*stack.Interface](c, "interface")
	// Beside that of an address's prefix, of which there is one, there may be an equal one that was added.
	own := slices.IndexFunc(found, func(r stack.Route) bool { return r.Metric == 0 && routeType(r, i) == "System" })
	if own >= 0 {
		found = slices.Delete(found, own, own+1)
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return want, c.wrong("prefix", problem(ErrSyntax, "there are %d such routes: %s", len(found), listed(found)).wanting("nexthop=, of a route of one metric"))
	case own >= 0:
		return want, c.wrong("prefix", problem(syscall.ESRCH, "the route is that of an address's prefix, and goes with the address").wanting("delete address"))
	case len(others) > 0:
		return want, c.wrong("nexthop", problem(syscall.ESRCH, "no route there has that next hop").wanting("that of %s", listed(others)))
	}
	return want, c.wrong("prefix", problem(syscall.ESRCH, "there is no such route on %s", quote(want.Interface)).wanting("one that show route lists"))
}

// listed shows some routes.
func listed(rs []stack.Route) string {
	var texts []string
	for _, r := range rs[:min(len(rs), 4)] {
		texts = append(texts, r.String())
	}
	if len(rs) > len(texts) {
		texts = append(texts, fmt.Sprintf("%d more", len(rs)-len(texts)))
	}
	return strings.Join(texts, "; ")
}

func (s *Shell) addingRoute(r stack.Route) (step, undo func() error) {
	return func() error { return s.stack.AddRoute(r) }, func() error { return s.stack.RemoveRoute(r) }
}

func (s *Shell) removingRoute(r stack.Route) (step, undo func() error) {
	undo, step = s.addingRoute(r)
	return step, undo
}

// gateway is the default route that an address's parameters describe, or nil.
func (c *call) gateway(i *stack.Interface) (*stack.Route, error) {
	gw, ok := get[addrLen](c, "gateway")
	if !ok {
		if c.given("gwmetric") {
			return nil, c.wrong("gwmetric", problem(ErrSyntax, "there is no gateway that it could be of").wanting("gateway=<IPv4 address>"))
		}
		return nil, nil
	}
	metric, _ := get[int](c, "gwmetric")
	return &stack.Route{Destination: everything(v4), NextHop: gw.addr, Interface: i.Name(), Metric: metric}, nil
}

// gatewaysGone are the default routes that delete address is to delete.
func (c *call) gatewaysGone(i *stack.Interface) ([]stack.Route, error) {
	if !c.given("gateway") {
		return nil, nil
	}
	all := c.sh.defaults(v4, i)
	if gw, ok := get[addrLen](c, "gateway"); ok {
		all = slices.DeleteFunc(all, func(r stack.Route) bool { return r.NextHop != gw.addr })
	}
	if len(all) == 0 {
		return nil, c.wrong("gateway", problem(syscall.ESRCH, "interface %s has no such gateway", quote(i.Name())).wanting("one that show addresses lists"))
	}
	return all, nil
}

// defaults are the default routes of an interface that have a next hop.
func (s *Shell) defaults(f family, i *stack.Interface) []stack.Route {
	return slices.DeleteFunc(s.stack.Routes(), func(r stack.Route) bool {
		return r.Destination != everything(f) || r.Interface != i.Name() || !r.NextHop.IsValid()
	})
}

// everything is the prefix of a default route.
func everything(f family) netip.Prefix {
	if f == v4 {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
}
