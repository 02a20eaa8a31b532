package srcselect

import (
	"cmp"
	"math"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
)

// A Selector chooses among the addresses of a host. Its methods are safe for
// concurrent use; readers never wait. The zero Selector is empty and has the zero
// Config.
type Selector struct {
	current atomic.Pointer[snapshot]

	mu    sync.Mutex // serialises writers
	ages  uint64     // how many addresses there have ever been
	edits uint64
}

// NewSelector returns a Selector without addresses.
func NewSelector(cfg Config) *Selector {
	cfg.SIIT = slices.Clone(cfg.SIIT)
	s := &Selector{}
	s.current.Store(&snapshot{cfg: &cfg})
	return s
}

var empty = snapshot{cfg: &Config{}}

func (s *Selector) load() *snapshot {
	if p := s.current.Load(); p != nil {
		return p
	}
	return &empty
}

// newEdit returns an edit. It needs mu.
func (s *Selector) newEdit(cfg *Config) *edit {
	s.edits++
	return &edit{id: s.edits, tieBreak: cfg.TieBreak}
}

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
	for i, a := range addrs {
		n, err := a.normalize()
		if err != nil {
			return err
		}
		added[i] = n
	}
	order := inOrder(added)
	for n := range order[1:] {
		if i, j := order[n], order[n+1]; compareSlots(&added[i], &added[j]) == 0 {
			return invalidf("address %v: given twice for interface %d", addrs[max(i, j)].Prefix, addrs[i].Interface)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	snap := s.load()
	next := snap.with(s.newEdit(snap.cfg), added, order, s.ages)
	s.ages += uint64(len(added))
	s.current.Store(next)
	return nil
}

// inOrder returns the indexes of addrs, not none, in the order of their addresses:
// those that are put after each other are then in the same nodes, which are still in
// a cache, and one that is there twice is next to itself.
func inOrder(addrs []Address) []int {
	if len(addrs) == 1 {
		return onlyFirst
	}
	order := make([]int, len(addrs))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return compareSlots(&addrs[i], &addrs[j]) })
	return order
}

var onlyFirst = []int{0}

// compareSlots orders normalized addresses, and one on several interfaces by those.
func compareSlots(a, b *Address) int {
	return cmp.Or(a.Prefix.Addr().Compare(b.Prefix.Addr()), cmp.Compare(a.Interface, b.Interface))
}

// Remove removes addr from an interface, and says whether it was there. A zone of
// addr is ignored.
func (s *Selector) Remove(iface int, addr netip.Addr) bool {
	addr = normalizeAddr(addr)
	if !addr.IsValid() || iface < 1 || iface > math.MaxInt32 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	snap := s.load()
	r := snap.find(word128(addr), int32(iface))
	if r == nil {
		return false
	}
	s.current.Store(snap.without(s.newEdit(snap.cfg), r))
	return true
}

// RemoveAddresses removes addrs from an interface, and returns how many were there.
// Readers see all of them go at once. It is cheaper than as many Removes.
func (s *Selector) RemoveAddresses(iface int, addrs ...netip.Addr) (removed int) {
	if iface < 1 || iface > math.MaxInt32 {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	snap := s.load()
	next, removed := snap.withoutMany(s.newEdit(snap.cfg), int32(iface), addrs)
	if removed > 0 {
		s.current.Store(next)
	}
	return removed
}

// SetPolicy puts another policy table in force, at once for all addresses. It takes
// time in proportion to their number.
func (s *Selector) SetPolicy(p Policy) {
	s.mu.Lock()
	defer s.mu.Unlock()
	snap := s.load()
	cfg := *snap.cfg
	cfg.Policy = p
	s.current.Store(snap.reclassified(s.newEdit(&cfg), &cfg))
}

// Policy returns the policy table in force.
func (s *Selector) Policy() Policy { return s.load().cfg.Policy }

// Addresses returns a copy of all addresses, the oldest first.
func (s *Selector) Addresses() []Address {
	var as []Address
	for _, r := range s.load().byAge() {
		a := r.address
		a.Routers = slices.Clone(a.Routers)
		as = append(as, a)
	}
	return as
}
