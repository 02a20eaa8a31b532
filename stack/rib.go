package stack

import (
	"cmp"
	"encoding/binary"
	"math"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/tcpip"
)

// routeTable holds the routes, and shows them lock-free to the choice of a source.
//
// gVisor hands a route's SourceHint to that choice unread. The hint is therefore a token that names
// the route, so that its next hop (RFC 6724 section 5, rule 5.5) and its Source are known there.
type routeTable struct {
	mu     sync.Mutex
	routes []*routeEntry
	refs   map[connectedKey]int // addresses under a connected prefix
	seq    uint32
	snap   atomic.Pointer[ribSnapshot]
}

type routeKind uint8

const (
	configuredRoute routeKind = iota
	connectedRoute            // to the prefix of an own address
	multicastRoute            // lets a multicast packet leave that names no interface
)

type routeEntry struct {
	Route
	kind  routeKind
	iface int
	token uint32 // also the age
}

type connectedKey struct {
	iface  int
	prefix netip.Prefix
}

type ribSnapshot struct {
	ordered []*routeEntry
	byToken map[uint32]*routeEntry
}

func (t *routeTable) init() {
	t.refs = make(map[connectedKey]int)
	t.snap.Store(&ribSnapshot{})
}

// insert adds an entry; t.mu is held.
func (t *routeTable) insert(r Route, i *Interface, kind routeKind) {
	t.seq++
	r.Interface = i.name
	t.routes = append(t.routes, &routeEntry{Route: r, kind: kind, iface: i.index, token: t.seq})
}

// add adds a configured route unless there is one like it.
func (t *routeTable) add(r Route, i *Interface) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i.gone.Load() { // if it is set later, forget comes later too
		return net.ErrClosed
	}
	for _, e := range t.routes {
		if e.kind == configuredRoute && e.iface == i.index && e.Destination == r.Destination && e.NextHop == r.NextHop && e.Metric == r.Metric {
			return syscall.EEXIST
		}
	}
	t.insert(r, i, configuredRoute)
	return nil
}

// remove removes a configured route. r's Interface is a name, or empty for any.
func (t *routeTable) remove(r Route) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := slices.IndexFunc(t.routes, func(e *routeEntry) bool {
		return e.kind == configuredRoute && e.Destination == r.Destination && e.NextHop == r.NextHop &&
			e.Metric == r.Metric && (r.Interface == "" || e.Interface == r.Interface)
	})
	if n < 0 {
		return false
	}
	t.routes = slices.Delete(t.routes, n, n+1)
	return true
}

// addConnected adds routes to the prefixes of new addresses.
func (t *routeTable) addConnected(i *Interface, as []Address) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range as {
		p := a.Prefix.Masked()
		k := connectedKey{i.index, p}
		if t.refs[k]++; t.refs[k] == 1 && !p.IsSingleIP() {
			t.insert(Route{Destination: p}, i, connectedRoute)
		}
	}
}

// removeConnected undoes addConnected for one address.
func (t *routeTable) removeConnected(i *Interface, a Address) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := connectedKey{i.index, a.Prefix.Masked()}
	if t.refs[k]--; t.refs[k] > 0 {
		return
	}
	delete(t.refs, k)
	t.routes = slices.DeleteFunc(t.routes, func(e *routeEntry) bool {
		return e.kind == connectedRoute && e.iface == i.index && e.Destination == k.prefix
	})
}

// addMulticast adds the routes by which multicast leaves when no interface is named: that of the
// oldest interface.
func (t *routeTable) addMulticast(i *Interface) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range []string{"ff00::/8", "224.0.0.0/4"} {
		t.insert(Route{Destination: netip.MustParsePrefix(p), Metric: math.MaxInt}, i, multicastRoute)
	}
}

// connected reports whether addr is under a prefix of one of i's addresses.
func (t *routeTable) connected(i *Interface, addr netip.Addr) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.routes, func(e *routeEntry) bool {
		return e.kind == connectedRoute && e.iface == i.index && e.Destination.Contains(addr)
	})
}

// forget removes an interface's routes.
func (t *routeTable) forget(iface int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.routes = slices.DeleteFunc(t.routes, func(e *routeEntry) bool { return e.iface == iface })
	for k := range t.refs {
		if k.iface == iface {
			delete(t.refs, k)
		}
	}
}

// republishRoutes shows the routes to gVisor and to the choice of a source, in the order in which they
// are tried. A token that gVisor still uses must not be unknown, so the old ones stay readable
// until gVisor has the new table.
func (s *Stack) republishRoutes() {
	t := &s.rib
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.SortStableFunc(t.routes, func(a, b *routeEntry) int {
		return cmp.Or(
			cmp.Compare(b.Destination.Bits(), a.Destination.Bits()),
			cmp.Compare(a.Metric, b.Metric),
			cmp.Compare(a.token, b.token),
		)
	})
	next := &ribSnapshot{ordered: slices.Clone(t.routes), byToken: make(map[uint32]*routeEntry, len(t.routes))}
	table := make([]tcpip.Route, len(t.routes))
	for n, e := range t.routes {
		next.byToken[e.token] = e
		table[n] = tcpip.Route{
			Destination: convert.Subnet(e.Destination),
			Gateway:     convert.Addr(e.NextHop),
			NIC:         tcpip.NICID(e.iface),
			SourceHint:  convert.Addr(routeToken(e.token)),
			MTU:         uint32(e.MTU),
		}
	}
	both := &ribSnapshot{ordered: next.ordered, byToken: make(map[uint32]*routeEntry, len(t.routes))}
	for _, snap := range []*ribSnapshot{t.snap.Load(), next} {
		for token, e := range snap.byToken {
			both.byToken[token] = e
		}
	}
	t.snap.Store(both)
	s.gv.SetRouteTable(table)
	t.snap.Store(next)
	s.gen.bump()
}

// routeToken and tokenRoute carry a route's token through an address.
func routeToken(token uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], token)
	return netip.AddrFrom4(b)
}

func (t *routeTable) byHint(hint netip.Addr) *routeEntry {
	if !hint.Is4() {
		return nil
	}
	b := hint.As4()
	return t.snap.Load().byToken[binary.BigEndian.Uint32(b[:])]
}
