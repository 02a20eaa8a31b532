package srcselect

import (
	"math"
	"net/netip"
)

// A Query asks for the source address of packets to Destination.
type Query struct {
	// Destination is the address to send to. An IPv4-mapped one is IPv4. The zone
	// of a link-local or multicast destination names the outgoing interface when
	// it is a number and Interface is 0; every other zone is ignored.
	Destination netip.Addr `json:"destination,omitzero"`

	// Interface is the index of the outgoing interface. 0: not known, so that the
	// addresses of all interfaces are candidates and rule 5 prefers none.
	Interface int `json:"interface,omitzero"`

	// NextHop is the router that the packets will go through (rule 5.5, IPv4NextHop
	// and IPv4OnLink). Zero: not known, or none. A zone is ignored.
	NextHop netip.Addr `json:"nextHop,omitzero"`

	// Source is the caller's own choice: it is honoured when it is assigned, even
	// if it is skip-as-source, deprecated or on another interface than the outgoing
	// one, and refused when it isn't. Only a link-local Source must be on the
	// outgoing link, where known; its zone, when it is a number, names its link.
	// An address on several interfaces is taken from the outgoing one, else from
	// where it is oldest. The zero Addr and, as in RFC 3542 section 6.2, the
	// unspecified address leave the choice to the rules.
	//
	// RFC 6724 section 4 has a source refused that is no candidate. But skip-as-source
	// is for addresses that speak when they are named, and which addresses may leave
	// by which interface is for the caller to know.
	Source netip.Addr `json:"source,omitzero"`

	// Prefer holds the preferences of this query (RFC 5014). 0: as Config says.
	Prefer Preferences `json:"prefer,omitzero"`

	// Encapsulated says that the destination is reached via an encapsulating
	// transition mechanism, IPv6 in IPv4 say. Only SortDestinations looks at it
	// (RFC 6724 section 6, rule 7).
	Encapsulated bool `json:"encapsulated,omitzero"`

	// Unreachable says that the destination is known to be unreachable, for want of
	// a route say. Only SortDestinations looks at it (RFC 6724 section 6, rule 1).
	Unreachable bool `json:"unreachable,omitzero"`
}

// Preferences are the per-query preferences of RFC 5014, but for those about
// cryptographically generated addresses, of which RFC 6724 knows no rule. Opposite
// ones at once are an error, as in that RFC.
type Preferences uint8

const (
	PreferTemporary Preferences = 1 << iota // rule 7 prefers temporary addresses
	PreferPublic                            // rule 7 prefers public addresses
	PreferHome                              // rule 4 as it stands, which is the default
	PreferCareOf                            // rule 4 the other way round
)

// A destination is a query as the rules see it: D, and what was looked up once.
type destination struct {
	addr       uint128
	iface      int32 // the outgoing interface; 0: not known
	only       int32 // the only interface that candidates may be on; 0: any
	sameLink   bool  // only is there because D is multicast or link-local
	flags      flags // what the masked flags of a candidate are equal to
	mask       flags
	scope      Scope
	label      label
	precedence uint8
	routers    flags  // flagRouters if nextHop is known
	reverse    uint32 // which fixed ranks are reversed
	ranks      uint32 // which ranks count
	nextHop    netip.Addr
	via        uint128 // the next hop, where ruleNextHopPrefix looks at it
	matchVia   bool
	holdsVia   bool
	tieBreak   TieBreak
	tie        Rule // what the tie-break is called
}

// resolve checks q and looks up what the rules need. D is zero before.
func (D *destination) resolve(cfg *Config, q *Query) error {
	addr := normalizeAddr(q.Destination)
	switch {
	case !addr.IsValid():
		return invalidf("query without a destination")
	case addr.IsUnspecified():
		return invalidf("destination %v: nothing can be sent to the unspecified address", q.Destination)
	case q.Interface < 0 || q.Interface > math.MaxInt32:
		return invalidf("query for %v: interface index %d: want 1 to %d, or 0 for not known", q.Destination, q.Interface, math.MaxInt32)
	}
	if err := q.Prefer.check(); err != nil {
		return err
	}
	D.addr = word128(addr)
	D.iface = int32(q.Interface)
	D.sameLink = addr.IsMulticast() || addr.IsLinkLocalUnicast()
	if D.sameLink {
		if err := D.resolveZone(q); err != nil {
			return err
		}
	}
	if D.sameLink || !cfg.AnyInterface {
		D.only = D.iface
	}
	D.mask = flagIPv4 | flagTentative | flagSkip
	if addr.Is4() {
		D.flags = flagIPv4
	}
	if cfg.translates(addr) {
		D.mask |= flagTranslatable
		D.flags |= flagTranslatable
	}
	D.scope = D.addr.scope()
	D.label, D.precedence = cfg.Policy.classify(D.addr, D.iface)
	if q.NextHop.IsValid() {
		D.nextHop, D.routers = normalizeAddr(q.NextHop), flagRouters
	}
	D.resolveChoice(cfg)
	if q.Prefer&PreferCareOf != 0 {
		D.reverse |= reverse4
	}
	if q.Prefer&PreferPublic != 0 || cfg.PreferPublic && q.Prefer&PreferTemporary == 0 {
		D.reverse |= reverse7
	}
	return nil
}

// resolveZone lets the zone of a link-local or multicast destination name the link.
func (D *destination) resolveZone(q *Query) error {
	zone := zoneIndex(q.Destination)
	switch {
	case zone == 0:
		return nil
	case D.iface != 0 && D.iface != zone:
		return invalidf("destination %v: its zone is not that of the outgoing interface %d", q.Destination, D.iface)
	}
	D.iface = zone
	return nil
}

// resolveChoice looks up which ranks count, and how ties are broken.
func (D *destination) resolveChoice(cfg *Config) {
	D.tieBreak, D.tie = cfg.TieBreak, cfg.TieBreak.rule()
	D.ranks = ranksRFC6724
	if D.flags&flagIPv4 == 0 {
		return
	}
	switch cfg.IPv4 {
	case IPv4NextHop:
		D.ranks = ranksNextHop
		if D.nextHop.Is4() {
			D.via, D.matchVia = word128(D.nextHop), true
		}
	case IPv4First:
		D.ranks = ranksFirst
	case IPv4OnLink:
		D.ranks = ranksOnLink
		D.via, D.holdsVia = D.addr, true
		if D.nextHop.Is4() {
			D.via = word128(D.nextHop)
		}
	}
}

func (p Preferences) check() error {
	const temporaryAndPublic = PreferTemporary | PreferPublic
	const homeAndCareOf = PreferHome | PreferCareOf
	switch {
	case p&temporaryAndPublic == temporaryAndPublic:
		return invalidf("preferences for temporary and for public addresses contradict each other")
	case p&homeAndCareOf == homeAndCareOf:
		return invalidf("preferences for home and for care-of addresses contradict each other")
	case p&^(temporaryAndPublic|homeAndCareOf) != 0:
		return invalidf("preferences %#x: unknown bits", uint8(p))
	}
	return nil
}

// zoneIndex returns the interface index that a's zone spells, 0 if it spells none.
// IPv4-mapped addresses have no zone. Zones are often names, for which strconv would
// allocate an error.
func zoneIndex(a netip.Addr) int32 {
	var n int64
	for _, digit := range []byte(a.Unmap().Zone()) {
		if digit < '0' || digit > '9' {
			return 0
		}
		if n = 10*n + int64(digit-'0'); n > math.MaxInt32 {
			return 0
		}
	}
	return int32(n)
}

// explicitSource returns the address that q.Source names, the zero Addr if it
// names none.
func explicitSource(q *Query) netip.Addr {
	if a := normalizeAddr(q.Source); a.IsValid() && !a.IsUnspecified() {
		return a
	}
	return netip.Addr{}
}

func bit(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
