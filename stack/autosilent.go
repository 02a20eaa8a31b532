package stack

import (
	"net/netip"
	"slices"
)

// neighbor is the engine's hook. gVisor's locks are held: what concerns a router is only put aside.
func (s *Stack) neighbor(nic int, addr netip.Addr, answers bool) {
	if i := s.byIndex(nic); i != nil && i.auto.cfg.SLAAC && i.auto.info.Load().has(addr) {
		i.auto.putAnswer(addr, answers)
	}
}

// has reports whether addr is a router's.
func (r *RouterInfo) has(addr netip.Addr) bool {
	return slices.ContainsFunc(r.Routers, func(d Router) bool { return d.Addr.WithZone("") == addr }) ||
		slices.ContainsFunc(r.Routes, func(d RouterRoute) bool { return d.Router.WithZone("") == addr })
}

func (a *autoconf) putAnswer(router netip.Addr, answers bool) {
	a.inboxMu.Lock()
	defer a.inboxMu.Unlock()
	if a.answers == nil {
		a.answers = make(map[netip.Addr]bool)
		a.i.s.clock.AfterFunc(0, a.readAnswers)
	}
	a.answers[router] = answers // routers are few
}

// readAnswers orders the routes anew.
//
// RFC 4861 section 6.3.6: "Routers that are reachable or probably reachable (i.e., in any state other than
// INCOMPLETE) SHOULD be preferred over routers whose reachability is unknown or suspect". What is suspect
// here is a router that did not answer the last probe.
func (a *autoconf) readAnswers() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inboxMu.Lock()
	answers := a.answers
	a.answers = nil
	a.inboxMu.Unlock()
	if a.i.live() != nil {
		return
	}
	changed := false
	for _, r := range a.routes {
		if answers, ok := answers[r.router]; ok && r.silent == answers {
			r.silent = !answers
			a.i.s.rib.learn(a.i, r.route())
			changed = true
		}
	}
	if changed {
		a.i.s.republishRoutes()
	}
}
