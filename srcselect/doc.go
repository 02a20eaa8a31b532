// Package srcselect answers, for every packet a host is about to send, which of
// its addresses should speak, and says why: all the rules of RFC 6724, with
// the skip-as-source flag that keeps an address out of the choice.
//
// A [Selector] holds the addresses of a host. [Selector.Select] picks the source
// for a destination by RFC 6724 section 4 (which addresses are candidates) and
// section 5 (rules 1 to 8, with 5.5), for IPv6 and IPv4 alike, and names the rule
// that decided. [Selector.Explain] gives the account of every address,
// [Selector.SortDestinations] orders destinations by section 6.
//
// # Who is a candidate
//
//   - Addresses of the destination's family. IPv4-mapped IPv6 addresses are IPv4.
//   - On the outgoing interface (strong host); on any interface when
//     [Config.AnyInterface] is set or [Query.Interface] is unknown (weak host). For
//     multicast and link-local destinations always on the outgoing link.
//   - Not tentative (RFC 4862). Optimistic addresses take part and count as
//     deprecated (RFC 4429).
//   - Not skip-as-source. The flag acts before rule 1, so a destination equal to a
//     skipped address does not bring that address back. It is not deprecation: a
//     deprecated address is a last resort, a skipped one is none, unless
//     [Config.LastResort] says so.
//
// An explicit [Query.Source] goes past all of that but assignment: it is honoured,
// skipped or not.
//
// Not here: what section 4 says of sites (a host is taken to be in one, so that a
// site-local destination restricts nothing), and of IPv4-translatable addresses, which
// on an IPv6-only host that translates (SIIT) are the only candidates for an
// IPv4-converted destination: which addresses those are, a Selector is not told. No
// rule for ORCHIDs, which no RFC asks for. Nor does anything become known by itself:
// addresses, their routers and known-local prefixes come from the caller.
//
// # The order of candidates
//
// Each rule is a rank: a number for one address and one destination, where rule n
// prefers SA to SB exactly when SA's rank is the higher one. The ranks of all the
// rules, packed side by side into one integer with rule 1 on top, are compared at
// once. So the order is total by construction, and the highest bit in which two
// candidates differ names the rule that decides between them. Addresses that no
// rule tells apart go by age, the oldest first, and [Result.Tied] says so. The age
// of an address counts from its first Add; a change of its flags keeps it.
//
// # Policy tables
//
// The default [Policy] is that of RFC 6724 section 2.1; [UpdatePolicy] is the draft's
// that is to replace it, whose rows for known-local prefixes come and go with
// [Policy.WithKnownLocal] and [Selector.SetPolicy]. [ParsePolicy] reads tables as
// ip addrlabel, netsh, ip6addrctl and gai.conf write them. A look-up takes no longer
// for more addresses, and hardly longer for more rows.
//
// # Other hosts
//
// [Linux], [Windows] and [FreeBSD] are the configurations that come closest to such
// hosts, so that one can ask what they would choose. A test asks the Linux kernel
// itself in thousands of random cases.
//
// # Asking why
//
// [Explanation] is a struct, a table by String, and JSON. [RuleCounter] and
// [RuleCounts] count which rules decide; who does not count pays nothing.
//
// # Cost
//
// A Selector is an immutable snapshot behind an atomic pointer: Select takes no
// lock, allocates nothing when it succeeds, and looks at each address once, or twice
// for a last resort, at a few nanoseconds each. The package imports nothing outside
// the standard library and uses no clock, no I/O and no goroutine.
package srcselect
