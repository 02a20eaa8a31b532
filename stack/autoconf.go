package stack

import (
	"errors"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hextet/hextet/stack/internal/engine"
	"github.com/hextet/hextet/stack/internal/ndp"
)

// What an interface remembers of its routers is bounded, since anybody on the link may be one. RFC 4861
// section 6.3.4 asks for two default routers at least, RFC 8106 section 5.3.1 for three servers and
// names. What comes when there is no more room is ignored and counted.
const (
	maxLearntRoutes   = 64 // those of default routers included
	maxLearntPrefixes = 32
	maxAdvertisers    = 8 // of one prefix
	maxDNS            = 16
	maxAdvertisements = 16 // waiting to be looked at
)

// autoconf is an interface's part in stateless address autoconfiguration (RFC 4862) and router discovery
// (RFC 4861 section 6.3). It has no goroutine: what it does is done on the clock, by one at a time.
type autoconf struct {
	i     *Interface
	cfg   InterfaceConfig
	alarm alarm
	info  atomic.Pointer[RouterInfo]
	count autoconfCounters

	inboxMu sync.Mutex
	inbox   []*ndp.Advertisement // oldest first
	answers map[netip.Addr]bool  // of routers that neighbour unreachability detection asked

	mu         sync.Mutex // taken before the interface's admin
	linkLocal  *addressEntry
	llCounter  uint8 // DAD_Counter of RFC 7217 for linkLocal
	routes     []*learntRoute
	prefixes   []*learntPrefix
	servers    []learntDNS
	search     []learntDNS
	params     ndp.Advertisement // of it, what is neither a route nor a prefix nor for DNS
	solicitAt  time.Time         // when to send the next solicitation; zero: not
	solicitFor time.Duration     // how long to wait after that: RT of RFC 7559
}

type autoconfCounters struct{ taken, invalid, dropped, ignored atomic.Uint64 }

func (a *autoconf) init(i *Interface, cfg InterfaceConfig) {
	a.i, a.cfg = i, cfg
	a.cfg.StableSecret = slices.Clone(cfg.StableSecret)
	a.alarm.clock, a.alarm.ring = i.s.clock, a.ring
	a.info.Store(new(RouterInfo))
	if len(cfg.StableSecret) == 0 && i.hw == nil {
		a.cfg.StableSecret = newSecret(i.s.secure)
	}
}

// start gives the interface its link-local address, and looks for routers if it is to.
func (a *autoconf) start() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.i.hw == nil && !a.cfg.SLAAC {
		return nil
	}
	if err := a.addLinkLocal(); err != nil {
		return err
	}
	if a.cfg.SLAAC {
		a.i.s.watch.post(routersKey(a.i), a.event)
		if !slices.ContainsFunc(a.routes, func(r *learntRoute) bool { return r.prefix == defaultRoute6 }) { // else one was faster
			a.startSoliciting(a.i.s.clock.Now())
		}
		a.setAlarm()
	}
	return nil
}

// stop ends it. What runs already may go on, and changes nothing since the interface is gone.
func (a *autoconf) stop() {
	a.alarm.close()
	if a.cfg.SLAAC {
		a.i.s.watch.post(routersKey(a.i), a.event)
	}
}

// receive is the engine's hook. gVisor's locks may be held: the advertisement is only put aside.
func (s *Stack) receiveAdvertisement(p engine.RawPacket) {
	i := s.byIndex(p.Interface)
	if i == nil || !i.auto.cfg.SLAAC {
		return
	}
	ra, err := ndp.ParseAdvertisement(p.Src, p.Dst, p.HopLimit, p.AppendPayload(nil))
	if err != nil {
		i.auto.count.invalid.Add(1)
		return
	}
	i.auto.put(ra)
}

func (a *autoconf) put(ra *ndp.Advertisement) {
	a.inboxMu.Lock()
	defer a.inboxMu.Unlock()
	if len(a.inbox) == maxAdvertisements {
		a.count.dropped.Add(1)
		return
	}
	if a.inbox = append(a.inbox, ra); len(a.inbox) == 1 {
		a.i.s.clock.AfterFunc(0, a.readInbox)
	}
}

// readInbox deals with all advertisements that wait.
func (a *autoconf) readInbox() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inboxMu.Lock()
	ras := a.inbox
	a.inbox = nil
	a.inboxMu.Unlock()
	for _, ra := range ras {
		if a.i.live() != nil {
			return
		}
		a.count.taken.Add(1)
		a.advertisement(a.i.s.clock.Now(), ra)
	}
	a.publish()
	a.setAlarm()
}

// advertisement does what RFC 4861 section 6.3.4 says.
func (a *autoconf) advertisement(now time.Time, ra *ndp.Advertisement) {
	a.parameters(ra)
	changed := a.learnRoute(now, ndp.Route{Prefix: defaultRoute6, Preference: ra.Preference, Lifetime: ra.Lifetime}, ra.Router)
	for _, r := range ra.Routes {
		changed = a.learnRoute(now, r, ra.Router) || changed
	}
	if changed {
		a.i.s.republishRoutes()
	}
	for _, p := range ra.Prefixes {
		a.learnPrefix(now, p, ra)
	}
	for _, s := range ra.Servers {
		a.servers = a.learnDNS(a.servers, learntDNS{addr: s.Addr, router: ra.Router, until: deadlineAfter(now, s.Lifetime)}, s.Lifetime)
	}
	for _, d := range ra.Search {
		a.search = a.learnDNS(a.search, learntDNS{name: d.Name, router: ra.Router, until: deadlineAfter(now, d.Lifetime)}, d.Lifetime)
	}
	if ra.Lifetime > 0 {
		a.stopSoliciting()
	}
}

var defaultRoute6 = netip.PrefixFrom(netip.IPv6Unspecified(), 0)

// ring does what is due: things expire, temporary addresses are followed by others, routers are asked.
func (a *autoconf) ring() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.i.live() != nil {
		return
	}
	now := a.i.s.clock.Now()
	if a.expireRoutes(now) {
		a.i.s.republishRoutes()
	}
	a.expirePrefixes(now)
	a.expireDNS(now)
	a.renewTemporary(now)
	if passed(now, a.solicitAt) {
		a.solicit(now)
	}
	a.publish()
	a.setAlarm()
}

// setAlarm sets the alarm to what is due next.
func (a *autoconf) setAlarm() {
	var next time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	sooner(a.solicitAt)
	for _, r := range a.routes {
		sooner(r.until)
	}
	for _, p := range a.prefixes {
		for _, t := range a.dues(p) {
			sooner(t)
		}
	}
	for _, d := range append(a.servers[:len(a.servers):len(a.servers)], a.search...) {
		sooner(d.until)
	}
	a.alarm.set(next)
}

// deadlineAfter returns when a lifetime ends; zero: never.
func deadlineAfter(now time.Time, lifetime time.Duration) time.Time {
	if lifetime == ndp.Forever {
		return time.Time{}
	}
	return now.Add(lifetime)
}

// passed reports whether a deadline has passed.
func passed(now, deadline time.Time) bool { return !deadline.IsZero() && !now.Before(deadline) }

// remaining returns what is left of a lifetime until a deadline.
func remaining(now, deadline time.Time) time.Duration {
	if deadline.IsZero() {
		return never
	}
	return max(deadline.Sub(now), 0)
}

// errDuplicateLinkLocal is why an interface is of no use any more.
var errDuplicateLinkLocal = errors.New("another station has its link-local address, and so its hardware address: IP operation is disabled (RFC 4862 section 5.4.5)")
