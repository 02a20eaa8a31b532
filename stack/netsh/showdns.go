package netsh

import (
	"net/netip"

	"github.com/hextet/hextet/stack"
)

func showDNSNode(f family) *node {
	return &node{name: "dnsservers", help: "Shows the DNS servers.", params: []param{onIface("name")}, run: func(c *call) error {
		return c.configuration(func(i *stack.Interface) { c.servers(f, i) })
	}}
}

// servers shows the DNS servers of a family: those of the stack, which it asks, and those that routers
// advertise on an interface.
func (c *call) servers(f family, i *stack.Interface) {
	var static, heard []string
	for _, ap := range c.sh.stack.Nameservers() {
		if f.has(ap.Addr().Unmap()) {
			static = append(static, server(ap))
		}
	}
	for _, d := range i.RouterInfo().Servers {
		if f.has(d.Addr) {
			heard = append(heard, scoped(d.Addr.WithZone(""), i))
		}
	}
	c.list("Statically Configured DNS Servers", static)
	if len(heard) > 0 {
		c.list("DNS servers advertised by routers", heard)
	}
	suffix := "None"
	if c.sh.registrar != nil {
		suffix = "Primary only"
	}
	c.line("Register with which suffix", suffix)
}

// list writes values one below the other.
func (c *call) list(label string, values []string) {
	if len(values) == 0 {
		values = []string{"None"}
	}
	for _, v := range values {
		c.line(label, v)
		label = ""
	}
}

// server writes the address of a DNS server, with the port if it is another than 53.
func server(ap netip.AddrPort) string {
	if ap.Port() == 53 {
		return ap.Addr().Unmap().String()
	}
	return ap.String()
}
