package vxlan

import (
	"bytes"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// A Station is a network card on the segment and the peer behind which it is.
type Station struct {
	HardwareAddr net.HardwareAddr
	Peer         netip.AddrPort
	Static       bool      // AddStation put it there
	Seen         time.Time // when the last frame from it came; zero if it is static
}

// stations is the table of the cards of a segment: what `bridge fdb` shows.
//
// RFC 7348 section 4.1: the VTEP "learns the Inner Source MAC to outer Source IP
// address mapping", so that it need not flood the answer.
type stations struct {
	mu     sync.Mutex
	table  map[station]place
	fixed  int // how many are static
	limit  int // of the others
	age    time.Duration
	oldest time.Time // no learned place is older: until it is of age, a sweep finds nothing
}

// A place is where a station is.
type place struct {
	peer   netip.AddrPort
	static bool
	seen   time.Time
}

// find returns the peer behind which s is.
func (t *stations) find(s station, now time.Time) (peer netip.AddrPort, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, ok := t.table[s]
	if !ok || t.expired(p, now) {
		return netip.AddrPort{}, false
	}
	return p.peer, true
}

// learn notes that s is behind peer, and says whether the table had room.
func (t *stations) learn(s station, peer netip.AddrPort, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, known := t.table[s]
	switch {
	case p.static:
		return true
	case !known && t.learned() >= t.limit && !t.sweep(now):
		return false
	}
	if t.learned() == 0 || now.Before(t.oldest) {
		t.oldest = now
	}
	t.set(s, place{peer: peer, seen: now})
	return true
}

func (t *stations) learned() int { return len(t.table) - t.fixed }

func (t *stations) set(s station, p place) {
	if t.table == nil {
		t.table = make(map[station]place)
	}
	t.remove(s)
	t.table[s] = p
	if p.static {
		t.fixed++
	}
}

// remove removes s, if it is there, and says whether it was.
func (t *stations) remove(s station) bool {
	p, ok := t.table[s]
	if p.static {
		t.fixed--
	}
	delete(t.table, s)
	return ok
}

func (t *stations) expired(p place, now time.Time) bool {
	return !p.static && now.Sub(p.seen) >= t.age
}

// sweep removes what is of age, and says whether there is room now.
func (t *stations) sweep(now time.Time) bool {
	if now.Sub(t.oldest) < t.age {
		return false
	}
	t.oldest = now
	for s, p := range t.table {
		switch {
		case t.expired(p, now):
			delete(t.table, s)
		case !p.static && p.seen.Before(t.oldest):
			t.oldest = p.seen
		}
	}
	return t.learned() < t.limit
}

// fix puts a static place into the table.
func (t *stations) fix(s station, peer netip.AddrPort) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set(s, place{peer: peer, static: true})
}

// forget removes a station, and says whether it was there.
func (t *stations) forget(s station, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	expired := t.expired(t.table[s], now)
	return t.remove(s) && !expired
}

// forgetPeer removes all that was learned of a peer.
func (t *stations) forgetPeer(peer netip.AddrPort) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for s, p := range t.table {
		if !p.static && p.peer == peer {
			delete(t.table, s)
		}
	}
}

// list returns the table in order of addresses.
func (t *stations) list(now time.Time) []Station {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]Station, 0, len(t.table))
	for s, p := range t.table {
		if !t.expired(p, now) {
			list = append(list, Station{HardwareAddr: slices.Clone(s[:]), Peer: p.peer, Static: p.static, Seen: p.seen})
		}
	}
	slices.SortFunc(list, func(a, b Station) int { return bytes.Compare(a.HardwareAddr, b.HardwareAddr) })
	return list
}
