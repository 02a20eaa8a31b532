package netsh

import (
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/hextet/hextet/stack"
)

func setAddressNode(f family) *node {
	skip := skipParam
	skip.def = "it stays"
	valid, preferred := validParam, preferredParam
	preferred.help = "How long the address is preferred."
	valid.def, preferred.def = "it stays", "it stays, or ends with validlifetime"
	if f == v6 {
		return &node{
			name: "address", help: "Changes what is named of an address that an interface has.", changes: true, run: func(c *call) error { return setAddress(c, f) },
			params: []param{
				ifaceParam("interface"), {name: "address", kind: addressKind(v6, true), need: true, help: "The address."},
				typeParam, valid, preferred, storeParam, skip,
			},
		}
	}
	return &node{
		name: "address", help: "Changes what is named of an address that an interface has; with source=static, puts one in the place of all that were added.",
		changes: true, run: func(c *call) error { return setAddress(c, f) },
		params: []param{
			ifaceParam("name"),
			{
				name: "source", kind: choiceKind(choice{name: "static"}, choice{"dhcp", "a stack has no DHCP client"}), skip: true,
				help: "static: the address and the gateway replace those that the interface has.", def: "the address must be there",
			},
			{name: "address", kind: addressKind(v4, true), need: true, help: "The address."},
			{name: "mask", kind: maskKind, help: "The mask of the address.", def: "the length of the prefix in address"},
			{name: "gateway", kind: gatewayKind(v4, "none"), help: "The next hop of the interface's default route, instead of those that it has.", def: "they stay; with source=static, none"},
			{name: "gwmetric", kind: integerKind(0, maxMetric), help: "The metric of that route.", def: "0"},
			typeParam, storeParam, valid, preferred, skip,
		},
	}
}

func setAddress(c *call, f family) error {
	i, _ := get[*stack.Interface](c, ifaceName(f))
	gw, err := c.gateway(i)
	if err != nil {
		return err
	}
	if c.given("source") {
		return c.replaceAddresses(i, gw)
	}
	a, err := c.ownAddress(i)
	if err != nil {
		return err
	}
	if mask, ok := get[int](c, "mask"); ok && mask != a.Prefix.Bits() {
		return c.wrong("mask", problem(ErrSyntax, "the address is there with another mask").wanting("%v, or source=static to replace the address", maskOf(a.Prefix.Bits())))
	}
	var ch change
	if err := c.modify(&ch, i, a); err != nil || !c.given("gateway") {
		return err
	}
	return c.replaceGateways(&ch, i, gw)
}

// modify gives an address the flag and the lifetimes that are named.
func (c *call) modify(ch *change, i *stack.Interface, a stack.AddressInfo) error {
	addr := a.Prefix.Addr()
	wasValid, wasPreferred := c.sh.left(a.ValidUntil), c.sh.left(a.PreferredUntil)
	valid, preferred, err := c.lifetimePair(wasValid, wasPreferred)
	renewed := c.given("validlifetime") || c.given("preferredlifetime")
	switch {
	case renewed && err != nil:
		return err
	case renewed && preferred == 0:
		return c.wrong("preferredlifetime", problem(ErrSyntax, "it would be over, and an address that is assigned can't be deprecated at once").wanting("preferredlifetime=1 or more"))
	}
	if on, ok := c.flag("skipassource"); ok {
		if err := ch.do(skipping(i, addr, on, a.SkipAsSource)); err != nil {
			return err
		}
	}
	if !renewed {
		return nil
	}
	return ch.do(lasting(i, addr, preferred, valid, wasPreferred, wasValid))
}

func skipping(i *stack.Interface, addr netip.Addr, on, before bool) (step, undo func() error) {
	return func() error { return i.SetSkipAsSource(addr, on) }, func() error { return i.SetSkipAsSource(addr, before) }
}

// lasting is the step that gives an address lifetimes, and its undoing.
func lasting(i *stack.Interface, addr netip.Addr, preferred, valid, wasPreferred, wasValid time.Duration) (step, undo func() error) {
	forever := func(d time.Duration) time.Duration {
		if d == infinite {
			return 0
		}
		return max(d, 1) // what was over is over again at once: 0 would be for ever
	}
	return func() error { return i.SetLifetimes(addr, forever(preferred), forever(valid)) },
		func() error { return i.SetLifetimes(addr, forever(wasPreferred), forever(wasValid)) }
}

// replaceAddresses puts an address in the place of all IPv4 addresses that were added to the interface, and
// a default route, or none, in the place of its own. What is to go goes last, so that a failure touches no
// connection; only an address that is to change its prefix must go before, after all that can be said
// against it has been looked at.
func (c *call) replaceAddresses(i *stack.Interface, gw *stack.Route) error {
	a, err := c.newAddress(v4, i)
	if err == nil {
		err = c.suit(a.Prefix, gw)
	}
	if err != nil {
		return err
	}
	var ch change
	var old []stack.AddressInfo
	step := func() error { return c.blame("address", ch.do(adding(i, *a))) }
	for _, o := range i.Addresses() {
		switch {
		case !o.Prefix.Addr().Is4() || o.Origin != stack.OriginManual:
		case o.Prefix == a.Prefix:
			step = func() error { return c.modify(&ch, i, o) }
		case o.Prefix.Addr() == a.Prefix.Addr():
			if err := ch.do(c.sh.removing(i, o)); err != nil {
				return err
			}
		default:
			old = append(old, o)
		}
	}
	if err := step(); err != nil {
		return err
	}
	if err := c.replaceGateways(&ch, i, gw); err != nil {
		return err
	}
	for _, o := range old {
		if err := ch.do(c.sh.removing(i, o)); err != nil {
			return err
		}
	}
	return nil
}

// suit refuses an address that its prefix does not have for a host, and a gateway that it does not reach.
func (c *call) suit(p netip.Prefix, gw *stack.Route) error {
	if p.Bits() < 31 && !p.Contains(p.Addr().Next()) {
		return c.wrong("address", problem(syscall.EINVAL, "it is the broadcast address of %v (RFC 1122 section 3.2.1.3)", p.Masked()).wanting("another"))
	}
	if gw != nil && (!p.Contains(gw.NextHop) || gw.NextHop == p.Addr()) {
		return c.wrong("gateway", problem(syscall.ENETUNREACH, "the gateway is not in reach of the address").wanting("another address in %v", p.Masked()))
	}
	return nil
}

// replaceGateways puts a default route, if there is one, in the place of all those of the interface.
func (c *call) replaceGateways(ch *change, i *stack.Interface, gw *stack.Route) error {
	old := c.sh.defaults(v4, i)
	if gw != nil {
		same := func(r stack.Route) bool { return r.NextHop == gw.NextHop && r.Metric == gw.Metric }
		if !slices.ContainsFunc(old, same) {
			if err := ch.do(c.sh.addingRoute(*gw)); err != nil {
				return c.blame("gateway", err)
			}
		}
		old = slices.DeleteFunc(old, same)
	}
	for _, r := range old {
		if err := ch.do(c.sh.removingRoute(r)); err != nil {
			return err
		}
	}
	return nil
}
