package stack

import (
	"cmp"
	"encoding/binary"
	"maps"
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
	watch *watchers

	mu     sync.Mutex
	routes []*routeEntry
	refs   map[connectedKey]int // who says that a prefix is on the link: addresses under it, routers
	news   []routeNews          // what the next republishRoutes puts into force
	seq    uint32
	snap   atomic.Pointer[ribSnapshot]
}

type routeKind uint8

const (
	configuredRoute routeKind = iota
	connectedRoute            // to the prefix of an own address, or one that a router says is on the link
	advertisedRoute           // that a router advertised
	multicastRoute            // lets a multicast packet leave that names no interface
)

type routeEntry struct {
	Route
	kind  routeKind
	iface int
	token uint32 // also the age
	mtu   int    // Route's MTU where the link's is not less, else 0
}

type routeNews struct {
	*routeEntry
	removed bool
}

type connectedKey struct {
	iface  int
	prefix netip.Prefix
}

type ribSnapshot struct {
	ordered []*routeEntry
	byToken map[uint32]*routeEntry
	index   func() *ribIndex // of ordered
}

func newRIBSnapshot(ordered []*routeEntry) *ribSnapshot {
	r := &ribSnapshot{
		ordered: ordered,
		byToken: make(map[uint32]*routeEntry, len(ordered)),
		index:   sync.OnceValue(func() *ribIndex { return newRIBIndex(ordered) }), // most are replaced unread
	}
	for _, e := range ordered {
		r.byToken[e.token] = e
	}
	return r
}

func (t *routeTable) init(w *watchers) {
	t.watch = w
	t.refs = make(map[connectedKey]int)
	t.snap.Store(newRIBSnapshot(nil))
}

// insert adds an entry; t.mu is held.
func (t *routeTable) insert(r Route, i *Interface, kind routeKind) {
	t.seq++
	r.Interface = i.name
	e := &routeEntry{Route: r, kind: kind, iface: i.index, token: t.seq}
	if r.MTU < i.mtu {
		e.mtu = r.MTU
	}
	t.routes = append(t.routes, e)
	t.tell(e, false)
}

// removeFunc removes entries and reports whether there were any; t.mu is held.
func (t *routeTable) removeFunc(del func(*routeEntry) bool) bool {
	before := len(t.routes)
	t.routes = slices.DeleteFunc(t.routes, func(e *routeEntry) bool {
		if !del(e) {
			return false
		}
		t.tell(e, true)
		return true
	})
	return len(t.routes) < before
}

// tell has the watchers told about an entry once it is in force; t.mu is held.
func (t *routeTable) tell(e *routeEntry, removed bool) {
	if e.kind != multicastRoute {
		t.news = append(t.news, routeNews{e, removed})
	}
}

// tellAll tells the watchers what has come into force; t.mu is held.
func (t *routeTable) tellAll() {
	for _, n := range t.news {
		t.watch.post(n.watchKey(), func() (Event, bool) { return RouteEvent{n.Route, n.removed}, n.removed })
	}
	t.news = nil
}

func (e *routeEntry) watchKey() watchKey {
	return watchKey{kind: routeEventKind, iface: e.iface, token: e.token}
}

// showAll tells a new watcher of every route, in the order of their age.
func (t *routeTable) showAll(w *watcher) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := slices.Clone(t.routes)
	slices.SortFunc(all, func(a, b *routeEntry) int { return cmp.Compare(a.token, b.token) })
	for _, e := range all {
		if e.kind != multicastRoute {
			w.post(e.watchKey(), func() (Event, bool) { return RouteEvent{e.Route, false}, false })
		}
	}
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
	found := t.routes[n]
	return t.removeFunc(func(e *routeEntry) bool { return e == found })
}

// addConnected adds routes to prefixes that somebody says are on the link, and reports whether one was
// not there yet.
func (t *routeTable) addConnected(i *Interface, prefixes ...netip.Prefix) (changed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i.gone.Load() { // if it is set later, forget comes later too
		return false
	}
	for _, p := range prefixes {
		k := connectedKey{i.index, p}
		if t.refs[k]++; t.refs[k] == 1 && !p.IsSingleIP() {
			t.insert(Route{Destination: p}, i, connectedRoute)
			changed = true
		}
	}
	return changed
}

// removeConnected undoes addConnected.
func (t *routeTable) removeConnected(i *Interface, prefixes ...netip.Prefix) (changed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	gone := make(map[netip.Prefix]bool)
	for _, p := range prefixes {
		k := connectedKey{i.index, p}
		if t.refs[k]--; t.refs[k] <= 0 {
			delete(t.refs, k)
			gone[p] = true
		}
	}
	return len(gone) > 0 && t.removeFunc(func(e *routeEntry) bool {
		return e.kind == connectedRoute && e.iface == i.index && gone[e.Destination]
	})
}

// learn adds a route that a router advertised, in the place of one over the same router.
func (t *routeTable) learn(i *Interface, r Route) {
	t.unlearn(i, r)
	t.mu.Lock()
	defer t.mu.Unlock()
	if !i.gone.Load() {
		t.insert(r, i, advertisedRoute)
	}
}

// unlearn undoes learn.
func (t *routeTable) unlearn(i *Interface, r Route) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.removeFunc(func(e *routeEntry) bool {
		return e.kind == advertisedRoute && e.iface == i.index && e.Destination == r.Destination && e.NextHop == r.NextHop
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
	t.removeFunc(func(e *routeEntry) bool { return e.iface == iface })
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
	slices.SortStableFunc(t.routes, compareRoutes)
	next := newRIBSnapshot(slices.Clone(t.routes))
	few := fewest(t.routes)
	table := make([]tcpip.Route, len(few))
	for n, e := range few {
		table[n] = tcpip.Route{
			Destination: convert.Subnet(e.Destination),
			Gateway:     convert.Addr(e.NextHop),
			NIC:         tcpip.NICID(e.iface),
			SourceHint:  convert.Addr(routeToken(e.token)),
			MTU:         uint32(e.mtu),
		}
	}
	both := *next
	both.byToken = maps.Clone(next.byToken)
	maps.Copy(both.byToken, t.snap.Load().byToken)
	t.snap.Store(&both)
	s.gv.SetRouteTable(table)
	t.snap.Store(next)
	s.gen.bump()
	t.tellAll()
}

// compareRoutes orders routes as they are tried.
func compareRoutes(a, b *routeEntry) int {
	return cmp.Or(
		cmp.Compare(b.Destination.Bits(), a.Destination.Bits()),
		cmp.Compare(a.Metric, b.Metric),
		cmp.Compare(a.token, b.token),
	)
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
