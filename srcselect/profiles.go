package srcselect

// Linux returns the Config that comes closest to a Linux host (6.18 here), so that a
// Selector can be asked what such a host would choose. A test compares it with the
// kernel. Its Policy has the kernel's labels, and for destinations glibc's
// precedences.
//
// The kernel breaks ties by its own lists: it takes the address that comes first in
// what "ip address" prints, which for IPv6 is an interface's newest and for IPv4 its
// oldest. A Selector does the same if addresses are added in the reverse of that order.
// Leave out 127.0.0.1, which the kernel uses within the host only.
//
// PreferPublic stands for use_tempaddr below 2. Set it to false for 2. A row of
// "ip addrlabel" is one more PolicyEntry. A route's src is a Query.Source.
//
// Not imitated:
//   - In IPv6: ORCHIDs for ORCHIDs, before rule 8. IPv4-converted addresses
//     (64:ff9b::/96) that may be deprecated. Optimistic addresses behind all others
//     that tie. use_tempaddr that differs between interfaces, use_oif_addrs_only,
//     use_optimistic, VRFs. The kernel has no rule 5.5, and rule 4 only with
//     CONFIG_IPV6_MIP6: leave out Routers and HomeAddress.
//   - In IPv4: scopes of addresses and routes. Of several prefixes that hold a
//     router the kernel takes the first, not the longest. Without an address on the
//     outgoing interface it takes that of another one even for multicast and
//     link-local destinations.
//   - In glibc, which orders destinations: labels 7 for Teredo and 6 for unique local
//     addresses mean the same, but 3ffe::/16 and ORCHIDs have no label of their own;
//     rule 9 is said not to be capped by the source's prefix.
func Linux() Config {
	return Config{
		Policy:       Policy{linuxTable},
		AnyInterface: true,
		PreferPublic: true,
		TieBreak:     TieNewest,
		IPv4:         IPv4OnLink,
	}
}

// Windows returns the Config that comes closest to Windows as its documents describe
// it: strong host since Vista, RFC 6724's table, for IPv4 the order of KB969029, and
// skip-as-source as KB975808 has it, with Address.SkipAsSource. There was no such host
// to compare it with.
//
// Not imitated: weak host sending, where it is switched on (set AnyInterface), and
// whatever Windows adds to the rules in IPv6. Not documented, and so a guess: that the
// lowest address wins ties, and that nothing speaks where all candidates are
// skip-as-source.
func Windows() Config {
	return Config{
		IPv4:     IPv4NextHop,
		TieBreak: TieLowest,
	}
}

// FreeBSD returns the Config that comes closest to FreeBSD as its sources read:
// addresses of all interfaces, public ones preferred (net.inet6.ip6.prefer_tempaddr
// is 0), prefer_source honoured as Address.Preferred, RFC 6724's table (ip6addrctl).
// There was no such host to compare it with.
//
// Not imitated: the rules for interfaces that are down and for CARP addresses, between
// rule 7 and prefer_source. Rule 8 there counts all leading bits: add IPv6 addresses
// as /128 to have it so. Multicast destinations of more than link-local scope may
// get the address of another interface there. There is no rule 5.5 and no rule 4:
// leave out Routers and HomeAddress.
func FreeBSD() Config {
	return Config{
		AnyInterface:   true,
		PreferPublic:   true,
		HonorPreferred: true,
		IPv4:           IPv4OnLink,
	}
}
