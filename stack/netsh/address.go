package netsh

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/hextet/hextet/stack"
)

func addAddressNode(f family) *node {
	n := &node{name: "address", changes: true, run: func(c *call) error { return addAddress(c, f) }}
	if f == v6 {
		n.help = "Assigns an address to an interface."
		n.params = []param{
			ifaceParam("interface"), {name: "address", kind: addressKind(v6, true), need: true, help: "The address, and the length of its prefix, 64 without it."},
			typeParam, validParam, preferredParam, storeParam, skipParam,
		}
		return n
	}
	n.help = "Assigns an address to an interface, and adds a default gateway."
	n.params = []param{
		ifaceParam("name"), {name: "address", kind: addressKind(v4, true), help: "The address.", def: "only the gateway is added"},
		{name: "mask", kind: maskKind, help: "The mask of the address.", def: "the length of the prefix in address"},
		typeParam,
		{name: "gateway", kind: gatewayKind(v4, "none"), help: "The next hop of a default route.", def: "none"},
		{name: "gwmetric", kind: integerKind(0, maxMetric), help: "The metric of that route.", def: "0"},
		validParam, preferredParam, storeParam, skipParam,
	}
	return n
}

func addAddress(c *call, f family) error {
	i, _ := get[*stack.Interface](c, ifaceName(f))
	a, err := c.newAddress(f, i)
	if err != nil {
		return err
	}
	gw, err := c.gateway(i)
	if err != nil {
		return err
	}
	if a == nil && gw == nil {
		return c.wrong("address", problem(ErrSyntax, "there is neither an address nor a gateway to add").wanting("address=%s", addressKind(f, true).usage))
	}
	var ch change
	if a != nil {
		if err := ch.do(adding(i, *a)); err != nil {
			return c.blame("address", err)
		}
	}
	if gw != nil {
		return c.blame("gateway", ch.do(c.sh.addingRoute(*gw)))
	}
	return nil
}

// adding is the step that assigns an address, and its undoing.
func adding(i *stack.Interface, a stack.Address) (step, undo func() error) {
	return func() error { return i.AddAddress(a) }, func() error { return i.RemoveAddress(a.Prefix.Addr()) }
}

// removing is the step that takes an address away, and its undoing.
func (s *Shell) removing(i *stack.Interface, a stack.AddressInfo) (step, undo func() error) {
	again := a.Address
	again.Preferred, again.Valid = 0, 0
	if v := s.left(a.ValidUntil); v != infinite {
		again.Valid = v
	}
	if p := s.left(a.PreferredUntil); p != infinite {
		again.Preferred = p
	}
	return func() error { return i.RemoveAddress(a.Prefix.Addr()) }, func() error { return i.AddAddress(again) }
}

// newAddress is the address that the parameters describe, nil if there is none.
func (c *call) newAddress(f family, i *stack.Interface) (*stack.Address, error) {
	al, ok := get[addrLen](c, "address")
	if !ok {
		for _, name := range []string{"mask", "skipassource", "validlifetime", "preferredlifetime", "type"} {
			if c.given(name) {
				return nil, c.wrong(name, problem(ErrSyntax, "there is no address that %s could be of", name).wanting("address=%s", addressKind(f, true).usage))
			}
		}
		return nil, nil
	}
	addr, err := c.unzoned("address", al.addr, i)
	if err != nil {
		return nil, err
	}
	bits, err := c.length(f, al)
	if err != nil {
		return nil, err
	}
	a := &stack.Address{Prefix: netip.PrefixFrom(addr, bits)}
	a.SkipAsSource, _ = c.flag("skipassource")
	return a, c.lifetimes(a)
}

// length is that of the address's prefix.
func (c *call) length(f family, al addrLen) (int, error) {
	mask, masked := get[int](c, "mask")
	switch {
	case masked && al.bits >= 0 && al.bits != mask:
		return 0, c.wrong("mask", problem(ErrSyntax, "the mask contradicts the length of the prefix, /%d", al.bits).wanting("%v, or to leave it out", maskOf(al.bits)))
	case masked:
		return mask, nil
	case al.bits >= 0:
		return al.bits, nil
	case f == v6:
		return 64, nil
	}
	return 0, c.wrong("address", problem(ErrSyntax, "there is no mask").wanting("mask=<IPv4 mask>, or the length of the prefix, as in %v/24", al.addr))
}

// lifetimes fills in those of an address that is to be added.
func (c *call) lifetimes(a *stack.Address) error {
	valid, preferred, err := c.lifetimePair(infinite, infinite)
	if err != nil {
		return err
	}
	a.Deprecated = preferred == 0
	if valid != infinite {
		a.Valid = valid
	}
	if preferred != infinite {
		a.Preferred = preferred
	}
	return nil
}

// lifetimePair returns the lifetimes that are given, in place of those that hold. They are durations, or
// infinite.
func (c *call) lifetimePair(valid, preferred time.Duration) (v, p time.Duration, err error) {
	if d, ok := get[time.Duration](c, "validlifetime"); ok {
		valid = d
	}
	if d, ok := get[time.Duration](c, "preferredlifetime"); ok {
		preferred = d
	} else {
		preferred = min(preferred, valid)
	}
	switch {
	case valid == 0:
		return 0, 0, c.wrong("validlifetime", problem(ErrSyntax, "the address would be gone at once").wanting("a lifetime above 0"))
	case preferred > valid:
		return 0, 0, c.wrong("preferredlifetime", problem(ErrSyntax, "it is longer than the valid lifetime, %s (RFC 4862 section 5.5.3)", formatLifetime(valid)).wanting("at most that"))
	}
	return valid, preferred, nil
}

// flag returns a parameter of true or false.
func (c *call) flag(name string) (on, given bool) {
	text, given := get[string](c, name)
	return text == "true", given
}

// unzoned returns an address without its zone, which must be the interface's name or index.
func (c *call) unzoned(name string, a netip.Addr, i *stack.Interface) (netip.Addr, error) {
	if zone := a.Zone(); zone != "" {
		if j, err := c.sh.iface(zone); err != nil || j != i {
			return a, c.wrong(name, problem(ErrSyntax, "the zone is not interface %s", quote(i.Name())).wanting("%v", a.WithZone("")))
		}
	}
	return a.WithZone(""), nil
}

func deleteAddressNode(f family) *node {
	n := &node{name: "address", changes: true, run: func(c *call) error { return deleteAddress(c, f) }}
	address := param{name: "address", kind: addressKind(f, false), need: f == v6, help: "The address."}
	if f == v6 {
		n.help = "Takes an address away from an interface."
		n.params = []param{ifaceParam("interface"), address, storeParam}
		return n
	}
	address.def = "only gateways are deleted"
	n.help = "Takes an address, or default gateways, away from an interface."
	n.params = []param{
		ifaceParam("name"), address, {name: "gateway", kind: gatewayKind(v4, "all"), help: "The next hop of a default route, or all of them.", def: "none"}, storeParam,
	}
	return n
}

func deleteAddress(c *call, f family) error {
	i, _ := get[*stack.Interface](c, ifaceName(f))
	var ch change
	gone, err := c.gatewaysGone(i)
	if err != nil {
		return err
	}
	if len(gone) == 0 && !c.given("address") {
		return c.wrong("address", problem(ErrSyntax, "there is neither an address nor a gateway to delete").wanting("address=%s or gateway=%s", addressKind(f, false).usage, gatewayKind(f, "all").usage))
	}
	own := stack.AddressInfo{}
	if c.given("address") {
		if own, err = c.ownAddress(i); err != nil {
			return err
		}
	}
	for _, r := range gone {
		if err := ch.do(c.sh.removingRoute(r)); err != nil {
			return err
		}
	}
	if !c.given("address") {
		return nil
	}
	return ch.do(c.sh.removing(i, own))
}

// ownAddress is the address of the interface that the parameter names.
func (c *call) ownAddress(i *stack.Interface) (stack.AddressInfo, error) {
	al, _ := get[addrLen](c, "address")
	addr, err := c.unzoned("address", al.addr, i)
	if err != nil {
		return stack.AddressInfo{}, err
	}
	all := i.Addresses()
	at := slices.IndexFunc(all, func(a stack.AddressInfo) bool { return a.Prefix.Addr() == addr })
	if at < 0 {
		var names []string
		for _, a := range all {
			if a.Prefix.Addr().Is4() == addr.Is4() && len(names) < maxListed {
				names = append(names, a.Prefix.Addr().String())
			}
		}
		e := problem(syscall.EADDRNOTAVAIL, "interface %s does not have the address", quote(i.Name()))
		if len(names) == 0 {
			return stack.AddressInfo{}, c.wrong("address", e.wanting("one that it has: it has none"))
		}
		return stack.AddressInfo{}, c.wrong("address", e.oneOf(addr.String(), names))
	}
	if al.bits >= 0 && al.bits != all[at].Prefix.Bits() {
		return stack.AddressInfo{}, c.wrong("address", problem(syscall.EADDRNOTAVAIL, "the address is there with another prefix").wanting("%v", all[at].Prefix))
	}
	return all[at], nil
}

// left is how much of a lifetime that ends at t there still is. The zero time never comes.
func (s *Shell) left(t time.Time) time.Duration {
	if t.IsZero() {
		return infinite
	}
	return max(t.Sub(s.stack.Now()), 0)
}

// scoped writes an address with the index of its interface where it needs one.
func scoped(a netip.Addr, i *stack.Interface) string {
	if a.Is6() && a.IsLinkLocalUnicast() {
		return fmt.Sprintf("%v%%%d", a, i.Index())
	}
	return a.String()
}
