package stack

import (
	"fmt"
	"iter"
	"net/netip"

	"github.com/hextet/hextet/srcselect"
	"github.com/hextet/hextet/stack/internal/engine"
)

// SetForward says whether the interface forwards, as InterfaceConfig.Forward does at first. A router
// joins the groups of all routers (RFC 4291 section 2.8).
func (i *Interface) SetForward(on bool) error {
	i.admin.Lock()
	defer i.admin.Unlock()
	if err := i.live(); err != nil {
		return err
	}
	i.forward.Store(on)
	if err := engine.SetForwarding(i.s.gv, i.index, on); err != nil {
		return fmt.Errorf("stack: interface %q: forwarding: %w", i.name, err)
	}
	i.s.gen.bump() // a router's other interfaces are in reach of its addresses
	return nil
}

// Forwards reports whether the interface forwards.
func (i *Interface) Forwards() bool { return i.forward.Load() }

// path is the router's hook: the way of a packet in transit that came by interface nic. Nothing is
// asked of source selection: it is not the router who speaks.
func (s *Stack) path(nic int, dst netip.Addr) engine.Path {
	if p, ok := s.ownPath(nic, dst); ok {
		return p
	}
	for r, i := range s.ways(dst) {
		switch {
		case r.directedBroadcast(dst):
			// RFC 2644 has routers block directed broadcasts unless they are told otherwise.
			return engine.Path{Verdict: engine.Refused}
		case r.kind == connectedRoute && i.hw == nil && i.index == nic:
			// RFC 4443 section 3.1 on "a packet received by a router from a point-to-point link,
			// destined to an address within a subnet assigned to that same link (other than one of
			// the receiving router's own addresses). In such a case, the packet MUST NOT be
			// forwarded back onto the arrival link." It would go to and fro. A configured route lets
			// it, for links that only look like one.
			return engine.Path{Verdict: engine.Absent}
		case !i.Forwards():
			return engine.Path{Verdict: engine.Prohibited}
		}
		mtu := i.linkMTU(dst.Is4())
		if r.MTU != 0 {
			mtu = min(mtu, r.MTU)
		}
		return engine.Path{Verdict: engine.Transit, NIC: r.iface, MTU: mtu, From: i.asker(r, dst)}
	}
	return engine.Path{Verdict: engine.NoRoute}
}

// ways iterates over the routes to dst, in the order in which they are tried, whose interface works.
func (s *Stack) ways(dst netip.Addr) iter.Seq2[*routeEntry, *Interface] {
	return func(yield func(*routeEntry, *Interface) bool) {
		for r := range s.rib.snap.Load().to(dst) {
			if i := s.byIndex(r.iface); i != nil && i.fail.Load() == nil && !yield(r, i) {
				return
			}
		}
	}
}

// directedBroadcast reports whether dst is everybody on the link of a connected route.
func (r *routeEntry) directedBroadcast(dst netip.Addr) bool {
	return r.kind == connectedRoute && isBroadcast(netip.PrefixFrom(dst, r.Destination.Bits()))
}

// ownPath finds the interface that has dst, the one that the packet came by before others.
func (s *Stack) ownPath(nic int, dst netip.Addr) (engine.Path, bool) {
	if s.assigned(nic, dst) {
		return engine.Path{Verdict: engine.Own, NIC: nic}, true
	}
	for _, i := range *s.ifaces.Load() {
		if s.book.lookup(i.index, dst) == nil {
			continue
		}
		switch {
		case !s.assigned(i.index, dst): // tentative or duplicate: not ours yet, and nobody else's here
			return engine.Path{Verdict: engine.Refused}, true
		case !i.Forwards():
			return engine.Path{Verdict: engine.Prohibited}, true
		}
		return engine.Path{Verdict: engine.Own, NIC: i.index}, true
	}
	return engine.Path{}, false
}

// asker returns the address from which the interface asks for the neighbour on the way to dst: what
// selection says, else its link-local address, else, since a packet in transit must not depend on what
// the router may say itself, any. The zero Addr means that a bare IP link has nobody to ask, or an
// Ethernet interface no address of that family.
//
// RFC 4861 section 7.2.2: "any one of the addresses assigned to the interface should be used. Using the
// prompting packet's source address when possible ensures that the recipient of the Neighbor Solicitation
// installs in its Neighbor Cache the IP address that is highly likely to be used in subsequent return
// traffic".
func (i *Interface) asker(r *routeEntry, dst netip.Addr) netip.Addr {
	if i.hw == nil {
		return netip.Addr{}
	}
	target := dst
	if r.NextHop.IsValid() {
		target = r.NextHop
	}
	if res, err := i.s.book.selector().Select(srcselect.Query{Destination: target, Interface: i.index}); err == nil && res.Address.Interface == i.index {
		return res.Address.Prefix.Addr()
	}
	if last := i.lastAsker.Load(); last != nil && last.Is4() == dst.Is4() && i.s.assigned(i.index, *last) {
		return *last
	}
	var found netip.Addr
	for _, a := range i.Addresses() {
		addr := a.Prefix.Addr()
		if a.State == Assigned && addr.Is4() == dst.Is4() && (!found.IsValid() || addr.IsLinkLocalUnicast()) {
			found = addr
		}
	}
	if found.IsValid() {
		i.lastAsker.Store(&found)
	}
	return found
}

// errorSource is the router's hook: who says to dst that a packet from it, which came by nic, went no
// further. It is the choice for any packet to dst, and only if no address of that interface may speak,
// one of another interface's.
//
// RFC 1812 section 4.3.2.4: "the IP source address in an ICMP message originated by the router MUST be
// one of the IP addresses associated with the physical interface over which the ICMP message is
// transmitted. If the interface has no IP addresses associated with it, the router's router-id (see
// Section [5.2.5]) is used instead."
func (s *Stack) errorSource(nic int, dst netip.Addr) (out int, src netip.Addr, ok bool) {
	// A packet that came by a link is not from this host, whose sockets would believe the error. The
	// link-local addresses of its other links may be a neighbour's here.
	linkLocal := dst.Is6() && dst.IsLinkLocalUnicast()
	if _, own := s.ownPath(nic, dst); own && (!linkLocal || s.book.lookup(nic, dst) != nil) {
		return 0, netip.Addr{}, false
	}
	if linkLocal {
		res, err := s.book.selector().Select(srcselect.Query{Destination: dst, Interface: nic})
		return nic, res.Address.Prefix.Addr(), err == nil && res.Address.Interface == nic
	}
	routes := 0
	for r := range s.ways(dst) {
		if r.directedBroadcast(dst) {
			// RFC 1812 section 4.3.2.7: not about "A packet whose source address has a network prefix
			// of zero or is an invalid source address (as defined in Section [5.3.7])".
			return 0, netip.Addr{}, false
		}
		routes++
		res, err := s.book.selector().Select(srcselect.Query{Destination: dst, Interface: r.iface, NextHop: r.NextHop, Source: r.Source})
		if err == nil && res.Address.Interface == r.iface {
			return r.iface, res.Address.Prefix.Addr(), true
		}
	}
	if routes == 0 {
		return 0, netip.Addr{}, false
	}
	for _, i := range *s.ifaces.Load() {
		res, err := s.book.selector().Select(srcselect.Query{Destination: dst, Interface: i.index})
		if addr := res.Address.Prefix.Addr(); err == nil && res.Address.Interface == i.index && !addr.IsLinkLocalUnicast() {
			return 0, addr, true
		}
	}
	return 0, netip.Addr{}, false
}
