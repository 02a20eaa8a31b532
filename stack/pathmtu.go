package stack

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hextet/hextet/stack/internal/engine"
)

const (
	// RFC 8201 section 4: an attempt to detect an increase "must not be done less than 5 minutes
	// after a Packet Too Big message has been received"; "The recommended setting for this timer is
	// twice its minimum value (10 minutes)."
	pathMTUTime = 10 * time.Minute

	// maxPathMTUs bounds what forged errors can make a host remember.
	maxPathMTUs = 1024
)

// pathMTUs remembers the paths that carry less than their first link does, by destination (RFC 8201
// section 5.2, RFC 1191 section 6.2).
type pathMTUs struct {
	count atomic.Int64 // of entries; what has none to look up takes no lock

	mu      sync.Mutex
	entries map[pathKey]pathMTU
}

type pathKey struct {
	dst   netip.Addr // without a zone
	iface int        // of a dst that needs a zone, else 0
}

type pathMTU struct {
	bytes int
	until time.Time
}

func newPathKey(dst netip.Addr, iface int) pathKey {
	if !needsZone(dst) {
		iface = 0
	}
	return pathKey{dst, iface}
}

// lookup returns what is known of a path, or the zero pathMTU.
func (p *pathMTUs) lookup(now func() time.Time, dst netip.Addr, iface int) pathMTU {
	if p.count.Load() == 0 {
		return pathMTU{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	k := newPathKey(dst, iface)
	e, ok := p.entries[k]
	if ok && !now().Before(e.until) {
		p.remove(k)
		return pathMTU{}
	}
	return e
}

// lower notes that a path carries only so much, and reports whether that is news.
func (p *pathMTUs) lower(now time.Time, dst netip.Addr, iface, bytes int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := newPathKey(dst, iface)
	old, ok := p.entries[k]
	if ok && now.Before(old.until) && old.bytes <= bytes {
		// An increase is found by forgetting, never from a message, and not soon after one.
		p.entries[k] = pathMTU{old.bytes, now.Add(pathMTUTime)}
		return false
	}
	if !ok && len(p.entries) >= maxPathMTUs {
		p.remove(p.oldest())
	}
	if p.entries == nil {
		p.entries = make(map[pathKey]pathMTU)
	}
	p.entries[k] = pathMTU{bytes, now.Add(pathMTUTime)}
	p.count.Store(int64(len(p.entries)))
	return true
}

// oldest returns the entry that was learned first; p.mu is held.
func (p *pathMTUs) oldest() (first pathKey) {
	var until time.Time
	for k, e := range p.entries {
		if until.IsZero() || e.until.Before(until) {
			first, until = k, e.until
		}
	}
	return first
}

func (p *pathMTUs) remove(k pathKey) {
	delete(p.entries, k)
	p.count.Store(int64(len(p.entries)))
}

// knownPathMTU is the engine's hook.
func (s *Stack) knownPathMTU(nic int, dst netip.Addr) int {
	return s.paths.lookup(s.clock.Now, dst, nic).bytes
}

// learnPathMTU takes note of a message that says how much a path carries, and reports whether that is
// less than was known.
func (s *Stack) learnPathMTU(m engine.ErrorMessage) bool {
	bytes := nextHopMTU(m)
	// RFC 8201 section 4: "If a node receives a Packet Too Big message reporting a next-hop MTU that
	// is less than the IPv6 minimum link MTU, it must discard it."
	if !m.IPv4 && bytes < minMTU || m.Dst.IsMulticast() {
		return false
	}
	if i := s.byIndex(m.Interface); i == nil || bytes >= i.linkMTU(m.IPv4) {
		return false
	}
	if !s.paths.lower(s.clock.Now(), m.Dst, m.Interface, bytes) {
		return false
	}
	s.gen.bump()
	return true
}

// linkMTU returns how much the link carries: less than the link itself if a router says so, of IPv6.
func (i *Interface) linkMTU(ipv4 bool) int {
	if advertised := i.auto.info.Load().MTU; advertised != 0 && !ipv4 {
		return advertised
	}
	return i.mtu
}

func isTooBig(m engine.ErrorMessage) bool {
	return !m.IPv4 && m.Type == 2 || m.IPv4 && m.Type == 3 && m.Code == 4
}

// nextHopMTU returns how much the link carries that a packet was too big for.
//
// RFC 1191 section 5 is about routers that do not say: "The simplest thing for a host to do in response to
// such a message is to assume that the PMTU is the minimum of its currently-assumed PMTU and 576";
// section 3: "A host MUST never reduce its estimate of the Path MTU below 68 octets."
func nextHopMTU(m engine.ErrorMessage) int {
	if !m.IPv4 {
		return int(min(m.Info, maxMTU))
	}
	n := int(m.Info & 0xffff)
	if n == 0 {
		n = 576
	}
	return max(n, 68)
}
