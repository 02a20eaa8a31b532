package netsh

import (
	"fmt"
	"strings"

	"github.com/hextet/hextet/stack"
)

// showAddressesNode differs between the families, as in Windows: IPv4 shows the configuration of each
// interface, for which IPv6 has no word, and calls show ipaddresses what IPv6 calls show addresses.
func showAddressesNode(f family) *node {
	if f == v6 {
		return &node{name: "addresses", help: "Shows the addresses.", params: addressesParams(), run: func(c *call) error { return showAddresses(c, v6) }}
	}
	return &node{name: "addresses", help: "Shows the addresses and gateways of each interface.", params: []param{onIface("name")}, run: func(c *call) error {
		return c.configuration(func(i *stack.Interface) { c.addresses4(i) })
	}}
}

func showIPAddressesNode() *node {
	return &node{name: "ipaddresses", help: "Shows the addresses.", params: addressesParams(), run: func(c *call) error { return showAddresses(c, v4) }}
}

func addressesParams() []param {
	l := levelParam
	l.def = "normal; verbose if an interface is named"
	return []param{onIface("interface"), l, storedParam, rrParam}
}

func showConfigNode() *node {
	return &node{name: "config", help: "Shows the addresses, gateways and DNS servers of each interface.", params: []param{onIface("name")}, run: func(c *call) error {
		return c.configuration(func(i *stack.Interface) { c.addresses4(i); c.servers(v4, i) })
	}}
}

// each calls show for the interface that the parameter names, or for all.
func (c *call) each(name string, show func(i *stack.Interface)) {
	if i, ok := get[*stack.Interface](c, name); ok {
		show(i)
		return
	}
	for _, i := range c.sh.stack.Interfaces() {
		show(i)
	}
}

// configuration shows something about interfaces under the title that they have there.
func (c *call) configuration(show func(i *stack.Interface)) error {
	c.each("name", func(i *stack.Interface) {
		fmt.Fprintf(c.out, "\nConfiguration for interface \"%s\"\n", i.Name())
		show(i)
	})
	fmt.Fprintln(c.out)
	return nil
}

// line writes one of the lines below that title.
func (c *call) line(label string, value any) {
	if label != "" {
		label += ":"
	}
	fmt.Fprintf(c.out, "    %-37s %v\n", label, value)
}

func (c *call) addresses4(i *stack.Interface) {
	c.line("DHCP enabled", "No")
	for _, a := range i.Addresses() {
		if p := a.Prefix; p.Addr().Is4() {
			c.line("IP Address", p.Addr())
			c.line("Subnet Prefix", fmt.Sprintf("%v (mask %v)", p.Masked(), maskOf(p.Bits())))
		}
	}
	for _, r := range c.sh.defaults(v4, i) {
		c.line("Default Gateway", r.NextHop)
		c.line("Gateway Metric", r.Metric)
	}
	c.line("InterfaceMetric", 0)
}

func showAddresses(c *call, f family) error {
	l, given := get[string](c, "level")
	verbose := l == "verbose" || !given && c.given("interface")
	c.each("interface", func(i *stack.Interface) {
		var all []stack.AddressInfo
		for _, a := range i.Addresses() {
			if f.has(a.Prefix.Addr()) {
				all = append(all, a)
			}
		}
		switch {
		case verbose:
			for _, a := range all {
				c.addressParameters(i, a)
			}
		case len(all) > 0:
			c.addressTable(i, all)
		}
	})
	fmt.Fprintln(c.out)
	return nil
}

func (c *call) addressTable(i *stack.Interface, all []stack.AddressInfo) {
	fmt.Fprintf(c.out, "\nInterface %d: %s\n\n", i.Index(), i.Name())
	fmt.Fprint(c.out, "Addr Type  DAD State   Valid Life Pref. Life Address\n---------  ----------- ---------- ---------- ------------------------\n")
	for _, a := range all {
		valid, preferred := c.sh.lives(a)
		fmt.Fprintf(c.out, "%-9s  %-11s %10s %10s %s\n", addrType(a), dadState(a), valid, preferred, scoped(a.Prefix.Addr(), i))
	}
}

func (c *call) addressParameters(i *stack.Interface, a stack.AddressInfo) {
	addr, scope := a.Prefix.Addr(), 0
	if addr.Is6() && addr.IsLinkLocalUnicast() {
		scope = i.Index()
	}
	valid, preferred := c.sh.lives(a)
	fmt.Fprintf(c.out, "\nAddress %s Parameters\n%s\n", scoped(addr, i), strings.Repeat("-", 57))
	for _, row := range []struct {
		label string
		value any
	}{
		{"Interface Luid", i.Name()}, {"Scope Id", fmt.Sprintf("0.%d", scope)}, {"Valid Lifetime", valid}, {"Preferred Lifetime", preferred},
		{"DAD State", dadState(a)}, {"Address Type", addrType(a)}, {"Skip as Source", a.SkipAsSource},
	} {
		fmt.Fprintf(c.out, "%-18s : %v\n", row.label, row.value)
	}
}

// lives are what is left of an address's lifetimes.
func (s *Shell) lives(a stack.AddressInfo) (valid, preferred string) {
	left := s.left(a.PreferredUntil)
	if a.Deprecated {
		left = 0
	}
	return formatLifetime(s.left(a.ValidUntil)), formatLifetime(left)
}

// addrType is where an address comes from.
func addrType(a stack.AddressInfo) string {
	switch {
	case a.Temporary:
		return "Temporary"
	case a.Origin == stack.OriginAdvertised:
		return "Public"
	case a.Origin == stack.OriginLinkLocal:
		return "Other"
	}
	return "Manual"
}

func dadState(a stack.AddressInfo) string {
	switch {
	case a.State != stack.Assigned:
		text := a.State.String() // Tentative or Duplicate
		return strings.ToUpper(text[:1]) + text[1:]
	case a.Deprecated:
		return "Deprecated"
	}
	return "Preferred"
}
