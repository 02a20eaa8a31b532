package dnsreg

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// Status is a snapshot of a Registrar, at the end of its last pass; the counters are of now.
type Status struct {
	Name       string       `json:"name"`
	Addresses  []Verdict    `json:"addresses"`         // every address of the Source at the last pass
	Registered []netip.Addr `json:"registered"`        // with an A or AAAA record of ours, as last written or read
	Zones      []ZoneStatus `json:"zones"`             // the forward zones first
	Skipped    []SkippedPTR `json:"skipped,omitempty"` // reverse names that have no zone
	Err        error        `json:"-"`                 // what concerns no zone: a *LimitError, a state that can't be saved
	Counters   Counters     `json:"counters"`
}

// ZoneStatus is how one zone is doing.
type ZoneStatus struct {
	Zone        string    // empty: not found yet
	Server      string    // host:port
	Name        string    // that is looked for, while Zone is empty; empty too for reverse names
	LastSuccess time.Time // zero: none yet
	LastFailure time.Time // zero: none yet
	Err         error     // of the last attempt; nil when it succeeded
	Failures    int       // in a row
	Next        time.Time // when Run turns to the zone by itself
}

// Counters count since New. Octets are those of DNS messages with signatures, without UDP, TCP or IP
// headers and without TCP's length prefix; retransmissions count again.
type Counters struct {
	Queries      uint64 `json:"queries"` // messages sent to find zones and read records
	QueryBytes   uint64 `json:"queryBytes"`
	Updates      uint64 `json:"updates"` // update messages sent, probes included
	UpdateBytes  uint64 `json:"updateBytes"`
	Probes       uint64 `json:"probes"`       // updates with prerequisites only
	Retransmits  uint64 `json:"retransmits"`  // messages sent again over UDP
	OverTCP      uint64 `json:"overTCP"`      // messages sent over TCP
	Ignored      uint64 `json:"ignored"`      // messages received that were no reply to what was asked
	NotAuthentic uint64 `json:"notAuthentic"` // replies that lacked a valid signature
	Conflicts    uint64 `json:"conflicts"`    // updates refused because records were not what they had been
}

// Status returns a snapshot. The slices are the caller's.
func (r *Registrar) Status() Status {
	r.mu.Lock()
	s := r.status
	s.Addresses = cloneVerdicts(s.Addresses)
	s.Registered = slices.Clone(s.Registered)
	s.Zones = slices.Clone(s.Zones)
	s.Skipped = slices.Clone(s.Skipped)
	r.mu.Unlock()
	s.Counters = r.net.counters.snapshot()
	return s
}

func (c *counters) snapshot() Counters {
	return Counters{
		Queries: c.queries.Load(), QueryBytes: c.queryBytes.Load(),
		Updates: c.updates.Load(), UpdateBytes: c.updateBytes.Load(), Probes: c.probes.Load(),
		Retransmits: c.retransmits.Load(), OverTCP: c.overTCP.Load(),
		Ignored: c.ignored.Load(), NotAuthentic: c.unauthentic.Load(), Conflicts: c.conflicts.Load(),
	}
}

func (r *Registrar) noteDecision(d decision, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.limit = err
	r.status.Addresses, r.status.Err = d.verdicts, errors.Join(err, r.stateErr)
}

// publish makes the state of the pass visible. The caller has the turn.
func (r *Registrar) publish() {
	var zones []ZoneStatus
	for _, units := range []map[place]*unit{r.forward, r.reverse} {
		for _, u := range slices.SortedFunc(maps.Values(units), func(a, b *unit) int { return comparePlaces(a.place, b.place) }) {
			zones = append(zones, u.status())
		}
	}
	if r.search.failures > 0 {
		zones = append(zones, r.search.status())
	}
	registered, skipped := r.registered(), r.skipped()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.Err = errors.Join(r.limit, r.stateErr)
	r.status.Registered, r.status.Zones, r.status.Skipped = registered, zones, skipped
}

func (u *unit) status() ZoneStatus {
	return ZoneStatus{
		Zone: u.place.zone, Server: u.place.server, Name: u.place.owner, LastSuccess: u.lastSuccess, LastFailure: u.lastFailure,
		Err: u.err, Failures: u.failures, Next: u.next(),
	}
}
