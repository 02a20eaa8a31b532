package srcselect

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
)

// A Config says how a Selector chooses. The zero Config is RFC 6724 with its
// defaults, on a strong host.
type Config struct {
	// Policy is the policy table. Zero: the default one of RFC 6724 section 2.1.
	Policy Policy

	// AnyInterface makes the addresses of all interfaces candidates (weak host),
	// except for multicast and link-local destinations. False: those of the
	// outgoing interface only (strong host).
	AnyInterface bool

	// PreferPublic makes rule 7 prefer public addresses where the query has no
	// preference. False: temporary ones.
	PreferPublic bool

	// LastResort lets skip-as-source addresses compete, by the same rules, where
	// all candidates carry that flag. False: there is no source then.
	LastResort bool
}

// A Selector chooses among the addresses of a host. Its methods are safe for
// concurrent use; readers never wait. The zero Selector is empty and has the zero
// Config.
type Selector struct {
	cfg     Config
	current atomic.Pointer[snapshot]

	mu   sync.Mutex // serialises writers
	ages map[slot]uint64
	next uint64 // the age that the next new address gets
}

// A slot is what Add replaces.
type slot struct {
	addr  netip.Addr
	iface int
}

// A snapshot is the addresses at one moment, in order of age. Three parallel
// slices: what a scan reads, what the caller gave, and each address's age, which
// only grows. Snapshots never change, but a newer one may share the arrays of an
// older one and have more elements in them, beyond the end of the older slices. For
// that, elements may only ever be appended to the newest snapshot.
type snapshot struct {
	candidates []candidate
	addresses  []Address
	ages       []uint64
}

var empty snapshot

func (s *Selector) load() *snapshot {
	if p := s.current.Load(); p != nil {
		return p
	}
	return &empty
}

// NewSelector returns a Selector without addresses.
func NewSelector(cfg Config) *Selector { return &Selector{cfg: cfg} }

// Add adds addresses, or replaces those that are already there on the same
// interface: a replaced address keeps its age, so to change a flag is to Add the
// changed Address. Readers see all of addrs at once, or on error none of them. An
// address that can't be assigned, an interface index below 1, a prefix without a
// valid length, and an address twice on one interface in addrs are errors that name
// the address and are ErrInvalid.
func (s *Selector) Add(addrs ...Address) error {
	if len(addrs) == 0 {
		return nil
	}
	added := make([]Address, len(addrs))
	seen := make(map[slot]bool, len(addrs))
	for i, a := range addrs {
		n, err := a.normalize()
		if err != nil {
			return err
		}
		k := slot{n.Prefix.Addr(), n.Interface}
		if seen[k] {
			return invalidf("address %v: given twice for interface %d", a.Prefix, a.Interface)
		}
		seen[k] = true
		added[i] = n
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current.Store(s.with(added))
	return nil
}

// with returns the snapshot that holds addrs as well. It needs mu.
func (s *Selector) with(addrs []Address) *snapshot {
	next := *s.load()
	if s.ages == nil {
		s.ages = make(map[slot]uint64)
	}
	copied := false
	for i := range addrs {
		a := &addrs[i]
		S := s.cfg.candidateOf(a)
		k := slot{a.Prefix.Addr(), a.Interface}
		age, replace := s.ages[k]
		if !replace {
			s.ages[k] = s.next
			next.candidates = append(next.candidates, S)
			next.addresses = append(next.addresses, *a)
			next.ages = append(next.ages, s.next)
			s.next++
			continue
		}
		if !copied {
			next.candidates = slices.Clone(next.candidates)
			next.addresses = slices.Clone(next.addresses)
			next.ages = slices.Clone(next.ages)
			copied = true
		}
		at, _ := slices.BinarySearch(next.ages, age)
		next.candidates[at], next.addresses[at] = S, *a
	}
	return &next
}

// Remove removes addr from an interface, and says whether it was there. A zone of
// addr is ignored.
func (s *Selector) Remove(iface int, addr netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := slot{normalizeAddr(addr), iface}
	age, ok := s.ages[k]
	if !ok {
		return false
	}
	delete(s.ages, k)
	old := s.load()
	at, _ := slices.BinarySearch(old.ages, age)
	s.current.Store(&snapshot{
		candidates: slices.Concat(old.candidates[:at], old.candidates[at+1:]),
		addresses:  slices.Concat(old.addresses[:at], old.addresses[at+1:]),
		ages:       slices.Concat(old.ages[:at], old.ages[at+1:]),
	})
	return true
}

// Addresses returns a copy of all addresses, the oldest first.
func (s *Selector) Addresses() []Address {
	as := slices.Clone(s.load().addresses)
	for i := range as {
		as[i].Routers = slices.Clone(as[i].Routers)
	}
	return as
}
