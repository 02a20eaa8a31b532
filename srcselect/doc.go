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
//   - IPv4-translatable, where [Config.SIIT] makes the destination IPv4-converted.
//   - Not tentative (RFC 4862). Optimistic addresses take part and count as
//     deprecated (RFC 4429).
//   - Not skip-as-source. The flag acts before rule 1, so a destination equal to a
//     skipped address does not bring that address back. It is not deprecation: a
//     deprecated address is a last resort, a skipped one is none, unless
//     [Config.LastResort] says so.
//
// An explicit [Query.Source] goes past most of that: skipped or not, it is honoured
// where it is assigned, on whichever interface. Only a link-local one must be on the
// outgoing link.
//
// Not here: what section 4 says of sites (a host is taken to be in one, so that a
// site-local destination restricts nothing). Nor does anything become known by itself:
// addresses, their routers and known-local prefixes come from the caller. ORCHIDs have
// a label of their own where the policy table gives them one, as that of [Linux] does,
// and no rule.
//
// # The order of candidates
//
// Each rule is a rank: a number for one address and one destination, where rule n
// prefers SA to SB exactly when SA's rank is the higher one. The ranks of all the
// rules, packed side by side into one integer with rule 1 on top, are compared at
// once. So the order is total by construction, and the highest bit in which two
// candidates differ names the rule that decides between them. Addresses that no
// rule tells apart go by [Config.TieBreak], the oldest first if nothing else is said,
// and [Result.Tied] says so.
//
// [Config.IPv4] puts other orders in the place of those rules for IPv4, of hosts that
// don't follow RFC 6724 there, and [Config.HonorPreferred] adds a rule between 7 and 8.
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
// lock, and allocates nothing when it succeeds. A dozen addresses are a list, and a
// choice looks at each. More of them are an index, in which the number of addresses
// hardly matters.
//
// The index is in partitions. The addresses of one have in common all that the rules
// see of an address but its bits: interface, scope, label, flags, routers. So one
// rank is the rank of them all, and a choice looks only into the partitions of the
// highest rank. There the addresses are in a trie over the bits that rule 8 may
// count, whose every node knows the first address below it by the tie-break. The
// deepest point to which the destination's bits lead is the answer to rule 8, and
// what that node knows is the answer to the tie. Rule 1 is a look-up of its own.
//
// Add and Remove copy the path to what they change and share the rest with the
// snapshots that readers still hold. All addresses of one Add make one snapshot, and
// so do those of one RemoveAddresses.
//
// Nanoseconds for a choice, by the number of addresses, and how many times longer a
// scan of 10,000 and of 100,000 takes (two cores of an AMD EPYC of the Zen 4 class,
// shared with others; the best of 24 interleaved runs; Go 1.26.8, linux/amd64):
//
//	                             4   64   1k  10k 100k   scan 10k, 100k
//	a /64 for each              91  140  144  180  176       580x, 5200x
//	all in one /64              94  115  115  117  116       710x, 6300x
//	all flags, labels, lengths  84  180  183  200  208       165x, 1700x
//	an interface for each       90  140  148  155  170       470x, 4400x
//
//	go test ./srcselect -run xxx -bench 'Select$|Scan$' -cpu 1
//
// Among 100,000 addresses an Add takes 4 to 8 microseconds and 16 to 22 allocations,
// 5 to 16 times as long as among 4. Remove takes 0.8 to 1.4 times as long as that, a
// change of a flag 1.2 to 1.9 times. An address takes 170 to 215 bytes, and 100 more
// where there are more than 8 interfaces (-bench 'Add$|Remove$|Flip$|Memory$'). Two
// readers on two cores get 1.8 to 2 times as many answers as one (-bench Parallel
// -cpu 1,2).
//
// What does grow is this: a choice ranks all partitions of the interfaces it may
// choose from, which are as many as there are different kinds of addresses, at a few
// nanoseconds each. An address that is on many interfaces is looked at on each of
// them by a query for it, or from it, that names no interface. The error of a query
// that has no source has looked at every interface. Explain, Addresses and SetPolicy
// look at every address.
//
// The package imports nothing outside the standard library and uses no clock, no I/O
// and no goroutine.
package srcselect
