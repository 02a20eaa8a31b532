package netsh

// root is the language. What a command takes, in which order, and what its help says, stands here and
// nowhere else.
var root = &node{name: "netsh", context: true, sub: []*node{
	{name: "interface", context: true, help: "Goes to the context of interfaces.", sub: []*node{
		{name: "ipv4", aliases: []string{"ip"}, context: true, help: "Goes to the context of IPv4.", sub: contextOf(v4)},
		{name: "ipv6", context: true, help: "Goes to the context of IPv6.", sub: contextOf(v6)},
	}},
}}

func contextOf(f family) []*node {
	add := []*node{addAddressNode(f), addRouteNode(f)}
	del := []*node{deleteAddressNode(f), deleteRouteNode(f)}
	set := []*node{setAddressNode(f), setRouteNode(f)}
	show := []*node{showAddressesNode(f)}
	if f == v4 {
		show = append(show, showConfigNode(), showDNSNode(f), showInterfacesNode(f), showIPAddressesNode(), showNeighborsNode(f), showRouteNode(f),
			showTCPNode(), showUDPNode())
	} else {
		add = append(add, addPolicyNode())
		del = append(del, deletePolicyNode())
		set = append(set, setPolicyNode())
		show = append(show, showDNSNode(f), showInterfacesNode(f), showNeighborsNode(f), showPoliciesNode(), showRouteNode(f))
	}
	return []*node{
		{name: "add", help: "Adds an entry to a table.", sub: add},
		{name: "delete", help: "Deletes an entry from a table.", sub: del},
		{name: "set", help: "Changes an entry of a table.", sub: set},
		{name: "show", help: "Shows a table.", sub: show},
	}
}

// ifaceName is what the context calls the interface of an address.
func ifaceName(f family) string {
	if f == v4 {
		return "name"
	}
	return "interface"
}

// ifaceParam is the interface that a command needs.
func ifaceParam(name string) param {
	return param{name: name, kind: interfaceKind, need: true, help: "The interface: its name, or its index."}
}

// onIface is the interface that a command may be restricted to.
func onIface(name string) param {
	return param{name: name, kind: interfaceKind, help: "The interface: its name, or its index.", def: "all of them"}
}

// Parameters that several commands have.
var (
	typeParam      = param{name: "type", kind: unicast, skip: true, help: "What the address is.", def: "unicast"}
	validParam     = param{name: "validlifetime", kind: lifetimeKind, help: "How long the address stays, in seconds or as in 1d2h3m4s.", def: "infinite"}
	preferredParam = param{name: "preferredlifetime", kind: lifetimeKind, help: "How long the address is preferred; 0: it is deprecated.", def: "validlifetime"}
	storeParam     = param{name: "store", kind: store, help: "How long the change holds.", def: "active, as long as the stack"}
	storedParam    = param{name: "store", kind: store, help: "What is shown.", def: "active, what holds now"}
	skipParam      = param{name: "skipassource", kind: trueFalse, help: "Whether the address is never chosen to speak from.", def: "false"}
	levelParam     = param{name: "level", kind: level, help: "How much is shown.", def: "normal"}
	rrParam        = param{name: "rr", kind: only(integerKind(0, 1<<31-1), 0, "rr=0", "the table is shown once"), help: "Seconds after which the table is shown again.", def: "once"}
)
