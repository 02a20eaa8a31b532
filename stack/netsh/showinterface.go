package netsh

import (
	"fmt"
	"strings"

	"github.com/hextet/hextet/stack"
)

func showInterfacesNode(f family) *node {
	l := levelParam
	l.def = "normal; verbose if an interface is named"
	return &node{name: "interfaces", help: "Shows the interfaces.", params: []param{onIface("interface"), rrParam, l, storedParam}, run: func(c *call) error { return showInterfaces(c, f) }}
}

func showInterfaces(c *call, f family) error {
	l, given := get[string](c, "level")
	verbose := l == "verbose" || !given && c.given("interface")
	if !verbose {
		fmt.Fprint(c.out, "\nIdx     Met         MTU          State                Name\n---  ----------  ----------  ------------  ---------------------------\n")
	}
	c.each("interface", func(i *stack.Interface) {
		if verbose {
			c.interfaceParameters(f, i)
			return
		}
		fmt.Fprintf(c.out, "%3d  %10d  %10d  %-12s  %s\n", i.Index(), 0, i.NetInterface().MTU, linkState(i), i.Name())
	})
	fmt.Fprintln(c.out)
	return nil
}

func linkState(i *stack.Interface) string {
	if i.Err() != nil {
		return "disconnected"
	}
	return "connected"
}

func enabled(on bool) string {
	if on {
		return "enabled"
	}
	return "disabled"
}

// interfaceParameters shows what of the long list of Windows there is to tell.
func (c *call) interfaceParameters(f family, i *stack.Interface) {
	fmt.Fprintf(c.out, "\nInterface %s Parameters\n%s\n", i.Name(), strings.Repeat("-", 46))
	heard := i.RouterInfo()
	mtu := i.NetInterface().MTU
	if f == v6 && heard.MTU != 0 {
		mtu = heard.MTU
	}
	row := func(label string, value any) { fmt.Fprintf(c.out, "%-34s : %v\n", label, value) }
	row("IfIndex", i.Index())
	row("State", linkState(i))
	row("Metric", 0)
	row("Link MTU", fmt.Sprintf("%d bytes", mtu))
	row("Forwarding", enabled(i.Forwards()))
	if err := i.Err(); err != nil {
		row("Error", err)
	}
	if f == v4 {
		return
	}
	if heard.HopLimit != 0 {
		row("Current Hop Limit", heard.HopLimit)
	}
	if heard.Reachable != 0 {
		row("Base Reachable Time", fmt.Sprintf("%d ms", heard.Reachable.Milliseconds()))
	}
	if heard.Retrans != 0 {
		row("Retransmission Interval", fmt.Sprintf("%d ms", heard.Retrans.Milliseconds()))
	}
	row("Managed Address Configuration", enabled(heard.Managed))
	row("Other Stateful Configuration", enabled(heard.Other))
}
