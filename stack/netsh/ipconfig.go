package netsh

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hextet/hextet/stack"
)

// ipconfigCommands are the lines of ipconfig that there are.
var ipconfigCommands = []struct {
	line, option, help string
	run                func(s *Shell, ctx context.Context, out *strings.Builder) error
}{
	{"ipconfig", "", "Shows the addresses and gateways of each interface.", func(s *Shell, _ context.Context, out *strings.Builder) error { s.configure(out, false); return nil }},
	{"ipconfig /all", "all", "Shows all that is configured.", func(s *Shell, _ context.Context, out *strings.Builder) error { s.configure(out, true); return nil }},
	{"ipconfig /registerdns", "registerdns", "Registers the addresses that may speak in DNS, and returns when that is done.", (*Shell).registerDNS},
}

// notHere are options that Windows has besides.
var notHere = map[string]string{
	"release": "a stack has no DHCP client", "renew": "a stack has no DHCP client", "release6": "a stack has no DHCP client", "renew6": "a stack has no DHCP client",
	"flushdns": "a stack has no cache of names", "displaydns": "a stack has no cache of names", "showclassid": "a stack has no DHCP client",
	"setclassid": "a stack has no DHCP client", "allcompartments": "a stack has one compartment",
}

func (s *Shell) ipconfig(ctx context.Context, words []word, out *strings.Builder) error {
	if len(words) == 0 {
		return ipconfigCommands[0].run(s, ctx, out)
	}
	var options []string
	for _, c := range ipconfigCommands[1:] {
		options = append(options, "/"+c.option)
	}
	w := words[0]
	if len(words) > 1 {
		return &Error{Command: "ipconfig", Word: words[1].text, Column: words[1].column, Problem: "one word too many", Want: "one option", Err: ErrSyntax}
	}
	if w.is("/?", "-?", "?") {
		fmt.Fprintf(out, "\nUsage:\n\n")
		for _, c := range ipconfigCommands {
			fmt.Fprintf(out, "  %-21s - %s\n", c.line, c.help)
		}
		return nil
	}
	option := strings.TrimLeft(w.text, "/-")
	for _, c := range ipconfigCommands[1:] {
		if option != w.text && strings.EqualFold(option, c.option) {
			return c.run(s, ctx, out)
		}
	}
	e := problem(ErrSyntax, "there is no such option").oneOf(w.text, options).at(w)
	if why := notHere[strings.ToLower(option)]; why != "" && option != w.text {
		e.Problem, e.Err, e.Nearest = why, errors.ErrUnsupported, ""
	}
	e.Command = "ipconfig"
	return e
}

// registerDNS waits for the outcome, where Windows leaves it to the event log.
func (s *Shell) registerDNS(ctx context.Context, out *strings.Builder) error {
	if s.registrar == nil {
		return &Error{Command: "ipconfig /registerdns", Problem: "there is nobody to register with", Want: "a Config.Registrar", Err: errors.ErrUnsupported}
	}
	if err := s.registrar.Sync(ctx); err != nil {
		return &Error{Command: "ipconfig /registerdns", Problem: err.Error(), Err: err}
	}
	fmt.Fprint(out, "\nHextet IP Configuration\n\nRegistration of the DNS resource records for all adapters of this computer is done.\n\n")
	return nil
}

// field writes a line of ipconfig: the label with dots behind it, as Windows has them, up to the colon.
func field(out *strings.Builder, label string, values ...string) {
	const width = 33
	if (width-len(label))%2 == 1 {
		label += "."
	}
	dots := label + strings.Repeat(" .", (width-len(label))/2)
	if len(values) == 0 {
		values = []string{""}
	}
	for k, v := range values {
		line := "   " + dots + " : " + v
		if k > 0 {
			line = strings.Repeat(" ", 3+width+3) + v
		}
		fmt.Fprintln(out, strings.TrimRight(line, " "))
	}
}

func (s *Shell) configure(out *strings.Builder, all bool) {
	fmt.Fprint(out, "\nHextet IP Configuration\n\n")
	ifaces := s.stack.Interfaces()
	if all {
		forwards := "No"
		for _, i := range ifaces {
			if i.Forwards() {
				forwards = "Yes"
			}
		}
		name, suffix, _ := strings.Cut(strings.TrimSuffix(s.host, "."), ".")
		field(out, "Host Name", name)
		field(out, "Primary Dns Suffix ", suffix)
		field(out, "IP Routing Enabled", forwards)
		fmt.Fprintln(out)
	}
	for _, i := range ifaces {
		s.adapter(out, i, all)
	}
}

func (s *Shell) adapter(out *strings.Builder, i *stack.Interface, all bool) {
	hw := i.NetInterface().HardwareAddr
	title := "Ethernet"
	if hw == nil {
		title = "Tunnel"
	}
	fmt.Fprintf(out, "%s adapter %s:\n\n", title, i.Name())
	heard := i.RouterInfo()
	if i.Err() != nil {
		field(out, "Media State", "Media disconnected")
	}
	suffix := ""
	if len(heard.Search) > 0 {
		suffix = heard.Search[0].Name
	}
	field(out, "Connection-specific DNS Suffix ", suffix)
	if all {
		if hw != nil {
			field(out, "Physical Address", strings.ToUpper(physical(hw)))
		}
		field(out, "DHCP Enabled", "No")
	}
	s.adapterAddresses(out, i, all)
	var gateways []string
	for _, f := range []family{v6, v4} {
		for _, r := range s.defaults(f, i) {
			gateways = append(gateways, scoped(r.NextHop, i))
		}
	}
	field(out, "Default Gateway", gateways...)
	if all {
		if servers := s.allServers(i); len(servers) > 0 {
			field(out, "DNS Servers", servers...)
		}
	}
	fmt.Fprintln(out)
}

// adapterAddresses lists IPv6 before IPv4, and of it the link-local ones last.
func (s *Shell) adapterAddresses(out *strings.Builder, i *stack.Interface, all bool) {
	for _, kind := range []struct {
		label string
		is    func(a stack.AddressInfo) bool
	}{
		{"IPv6 Address", func(a stack.AddressInfo) bool { return !a.Temporary && !a.Prefix.Addr().IsLinkLocalUnicast() }},
		{"Temporary IPv6 Address", func(a stack.AddressInfo) bool { return a.Temporary }},
		{"Link-local IPv6 Address", func(a stack.AddressInfo) bool { return !a.Temporary && a.Prefix.Addr().IsLinkLocalUnicast() }},
		{"IPv4 Address", nil},
	} {
		for _, a := range i.Addresses() {
			addr := a.Prefix.Addr()
			if (kind.is == nil) != addr.Is4() || kind.is != nil && !kind.is(a) {
				continue
			}
			text := scoped(addr, i)
			if all {
				text += "(" + dadState(a) + ")"
			}
			field(out, kind.label, text)
			if addr.Is4() {
				field(out, "Subnet Mask", maskOf(a.Prefix.Bits()).String())
			}
		}
	}
}

// allServers are the DNS servers of both families.
func (s *Shell) allServers(i *stack.Interface) (servers []string) {
	for _, d := range i.RouterInfo().Servers {
		servers = append(servers, scoped(d.Addr.WithZone(""), i))
	}
	for _, ap := range s.stack.Nameservers() {
		servers = append(servers, server(ap))
	}
	return servers
}
