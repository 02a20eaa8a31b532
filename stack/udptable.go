package stack

import (
	"net/netip"
	"slices"
	"sync"

	"github.com/hextet/hextet/stack/internal/engine"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// udpTable finds the sockets of a datagram. Its lock is a leaf: gVisor's may be held.
type udpTable struct {
	mu    sync.RWMutex
	ports map[uint16][]*UDPConn // by local port, oldest first
}

func (t *udpTable) add(c *UDPConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ports == nil {
		t.ports = make(map[uint16][]*UDPConn)
	}
	t.ports[c.port] = append(slices.Clone(t.ports[c.port]), c)
}

func (t *udpTable) remove(c *UDPConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	left := slices.DeleteFunc(slices.Clone(t.ports[c.port]), func(other *UDPConn) bool { return other == c })
	if len(left) == 0 {
		delete(t.ports, c.port)
	} else {
		t.ports[c.port] = left
	}
}

// at returns the sockets with a local port. The slice never changes.
func (t *udpTable) at(port uint16) []*UDPConn {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.ports[port]
}

// all returns all sockets.
func (t *udpTable) all() (cs []*UDPConn) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, at := range t.ports {
		cs = append(cs, at...)
	}
	return cs
}

// find returns the socket of a datagram to one host, or nil: the one that says most about whom it
// wants to hear from and where, of several that say the same the youngest.
func (t *udpTable) find(d *engine.Datagram) (best *UDPConn) {
	most := 0
	for _, c := range t.at(d.Dst.Port()) {
		if n := c.match(d); n > 0 && n >= most {
			best, most = c, n
		}
	}
	return best
}

// match returns 0 if a datagram is not for c, else more the more c says about it: a peer counts more
// than an address of this host's, and that more than an interface.
func (c *UDPConn) match(d *engine.Datagram) int {
	n := 1
	if c.remote.IsValid() {
		if c.remote != d.Src {
			return 0
		}
		n += 4
	}
	switch {
	case c.local.IsValid():
		if c.local != d.Dst.Addr() {
			return 0
		}
		n += 2
	case d.Dst.Addr().Is4() && c.v6only, d.Dst.Addr().Is6() && c.ipv4:
		return 0
	}
	if c.iface != 0 {
		if c.iface != d.Interface {
			return 0
		}
		n++
	}
	return n
}

// deliver is the engine's hook for a datagram that gVisor has checked. It reports whether there is a
// socket for it, one that then drops it too. Every socket gets its copy of what is for many.
func (t *udpTable) deliver(d *engine.Datagram) bool {
	if !d.ToAll {
		c := t.find(d)
		if c != nil {
			c.receive(d)
		}
		return c != nil
	}
	found := false
	for _, c := range t.at(d.Dst.Port()) {
		if c.match(d) > 0 {
			c.receive(d)
			found = true
		}
	}
	return found
}

// shortCut is the link's hook for a datagram that nobody has looked at but for its form. Raw sockets
// see datagrams on the long way only.
func (i *Interface) shortCut(d *engine.Datagram) bool {
	raw := rawKey{d.Dst.Addr().Is4(), uint8(header.UDPProtocolNumber)}
	if len((*i.s.raw.table.Load())[raw]) > 0 {
		return false
	}
	d.Interface = i.index
	c := i.s.udp.find(d)
	if c == nil || !i.s.book.plainlyBetween(i.index, d.Src.Addr(), d.Dst.Addr()) {
		return false
	}
	ip := i.s.gv.Stats().IP // as gVisor counts what it takes itself
	ip.PacketsReceived.Increment()
	ip.ValidPacketsReceived.Increment()
	ip.PacketsDelivered.Increment()
	c.receive(d)
	return true
}

// plainlyBetween reports whether dst is an assigned address of an interface and src neither that
// nor one of its broadcast addresses: a packet from those is forged (RFC 1122 section 3.2.1.3).
func (b *addressBook) plainlyBetween(iface int, src, dst netip.Addr) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(iface)
	to := p.entries[dst]
	return to != nil && to.State.works() && p.entries[src] == nil && p.broadcasts[src] == 0
}

// zoned is an address of a datagram, with the interface as its zone where it means nothing without.
func (s *Stack) zoned(ap netip.AddrPort, iface int) netip.AddrPort {
	if iface != 0 && needsZone(ap.Addr()) {
		return netip.AddrPortFrom(ap.Addr().WithZone(s.zoneName(iface)), ap.Port())
	}
	return ap
}
