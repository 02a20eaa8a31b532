package netsh

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/hextet/hextet/stack"
)

func showRouteNode(f family) *node {
	return &node{name: "route", aliases: []string{"routes"}, help: "Shows the routes.", params: []param{levelParam, storedParam}, run: func(c *call) error { return showRoute(c, f) }}
}

func showRoute(c *call, f family) error {
	rs := slices.DeleteFunc(c.sh.stack.Routes(), func(r stack.Route) bool { return !f.has(r.Destination.Addr()) })
	slices.SortStableFunc(rs, func(a, b stack.Route) int {
		return cmp.Or(a.Destination.Addr().Compare(b.Destination.Addr()), cmp.Compare(a.Destination.Bits(), b.Destination.Bits()), cmp.Compare(a.Metric, b.Metric))
	})
	byName := make(map[string]*stack.Interface)
	for _, i := range c.sh.stack.Interfaces() {
		byName[i.Name()] = i
	}
	verbose, _ := get[string](c, "level")
	if verbose != "verbose" {
		fmt.Fprint(c.out, "\nPublish  Type      Met  Prefix                    Idx  Gateway/Interface Name\n")
		fmt.Fprint(c.out, "-------  --------  ---  ------------------------  ---  ------------------------\n")
	}
	for _, r := range rs {
		i := byName[r.Interface]
		if i == nil {
			continue // detached just now
		}
		if verbose == "verbose" {
			c.routeParameters(r, i)
			continue
		}
		via := r.Interface
		if r.NextHop.IsValid() {
			via = r.NextHop.String()
		}
		fmt.Fprintf(c.out, "%-7s  %-8s  %-3d  %-24v  %3d  %s\n", "No", routeType(r, i), r.Metric, r.Destination, i.Index(), via)
	}
	fmt.Fprintln(c.out)
	return nil
}

func (c *call) routeParameters(r stack.Route, i *stack.Interface) {
	fmt.Fprintf(c.out, "\nRoute %v Parameters\n%s\n", r.Destination, strings.Repeat("-", 57))
	for _, row := range []struct {
		label string
		value any
		there bool
	}{
		{"Interface Luid", i.Name(), true}, {"Gateway", r.NextHop, r.NextHop.IsValid()}, {"Metric", r.Metric, true}, {"Publish", "No", true},
		{"Type", routeType(r, i), true}, {"Source", r.Source, r.Source.IsValid()}, {"MTU", r.MTU, r.MTU != 0},
	} {
		if row.there {
			fmt.Fprintf(c.out, "%-18s : %v\n", row.label, row.value)
		}
	}
}

// routeType tells where a route comes from: the prefix of an address, a router, or a program.
func routeType(r stack.Route, i *stack.Interface) string {
	heard := i.RouterInfo()
	if r.NextHop.IsValid() {
		for _, x := range heard.Routers {
			if r.Destination == everything(v6) && x.Addr.WithZone("") == r.NextHop {
				return "Autoconf"
			}
		}
		for _, x := range heard.Routes {
			if x.Destination == r.Destination && x.Router.WithZone("") == r.NextHop {
				return "Autoconf"
			}
		}
		return "Manual"
	}
	for _, a := range i.Addresses() {
		if a.Prefix.Masked() == r.Destination {
			return "System"
		}
	}
	for _, x := range heard.Prefixes {
		if x.OnLink && x.Prefix == r.Destination {
			return "Autoconf"
		}
	}
	return "Manual"
}

func showNeighborsNode(f family) *node {
	return &node{name: "neighbors", help: "Shows the neighbour cache.", params: []param{
		onIface("interface"), {name: "address", kind: addressKind(f, false), help: "The neighbour.", def: "all of them"}, levelParam, storedParam,
	}, run: func(c *call) error { return showNeighbors(c, f) }}
}

func showNeighbors(c *call, f family) error {
	only, restricted := get[addrLen](c, "address")
	all := c.sh.stack.Neighbors()
	c.each("interface", func(i *stack.Interface) {
		fmt.Fprintf(c.out, "\nInterface %d: %s\n\n", i.Index(), i.Name())
		fmt.Fprintf(c.out, "%-44s  %-17s  Type\n%s  %s  -----------\n", "Internet Address", "Physical Address", strings.Repeat("-", 44), strings.Repeat("-", 17))
		for _, n := range all {
			if n.Interface == i.Name() && f.has(n.Addr) && (!restricted || n.Addr == only.addr.WithZone("")) {
				fmt.Fprintf(c.out, "%-44v  %-17s  %s\n", n.Addr, physical(n.HardwareAddr), neighborType(n, i))
			}
		}
	})
	fmt.Fprintln(c.out)
	return nil
}

// physical writes a hardware address as Windows does.
func physical(hw net.HardwareAddr) string {
	if hw == nil {
		hw = make(net.HardwareAddr, 6)
	}
	return strings.ReplaceAll(hw.String(), ":", "-")
}

func neighborType(n stack.Neighbor, i *stack.Interface) string {
	names := map[stack.NeighborState]string{
		stack.NeighborFailed: "Unreachable", stack.NeighborIncomplete: "Incomplete", stack.NeighborReachable: "Reachable",
		stack.NeighborStale: "Stale", stack.NeighborDelay: "Delay", stack.NeighborProbe: "Probe",
	}
	text := names[n.State]
	if slices.ContainsFunc(i.RouterInfo().Routers, func(r stack.Router) bool { return sameAddr(r.Addr, n.Addr) }) {
		text += " (Router)"
	}
	return text
}

func sameAddr(a, b netip.Addr) bool { return a.WithZone("") == b.WithZone("") }
