package srcselect

import "net/netip"

// DefaultPolicy returns the default policy table of RFC 6724 section 2.1, which is
// also the zero Policy.
func DefaultPolicy() Policy { return Policy{} }

// UpdatePolicy returns the table of draft-ietf-6man-rfc6724-update, which puts
// unique local addresses above IPv4 and 6to4 near the end. The rows for known-local
// unique local prefixes are a network's own, and come and go: see
// Policy.WithKnownLocal. It is a draft: the numbers may change.
func UpdatePolicy() Policy { return Policy{updateTable} }

var defaultTable = mustTable([]PolicyEntry{
	{Prefix: netip.MustParsePrefix("::1/128"), Precedence: 50, Label: 0},
	{Prefix: netip.MustParsePrefix("::/0"), Precedence: 40, Label: 1},
	{Prefix: netip.MustParsePrefix("::ffff:0:0/96"), Precedence: 35, Label: 4},
	{Prefix: netip.MustParsePrefix("2002::/16"), Precedence: 30, Label: 2},
	{Prefix: netip.MustParsePrefix("2001::/32"), Precedence: 5, Label: 5},
	{Prefix: netip.MustParsePrefix("fc00::/7"), Precedence: 3, Label: 13},
	{Prefix: netip.MustParsePrefix("::/96"), Precedence: 1, Label: 3},
	{Prefix: netip.MustParsePrefix("fec0::/10"), Precedence: 1, Label: 11},
	{Prefix: netip.MustParsePrefix("3ffe::/16"), Precedence: 1, Label: 12},
})

var updateTable = mustTable([]PolicyEntry{
	{Prefix: netip.MustParsePrefix("::1/128"), Precedence: 50, Label: 0},
	{Prefix: netip.MustParsePrefix("::/0"), Precedence: 40, Label: 1},
	{Prefix: netip.MustParsePrefix("fc00::/7"), Precedence: 30, Label: 13},
	{Prefix: netip.MustParsePrefix("::ffff:0:0/96"), Precedence: 20, Label: 4},
	{Prefix: netip.MustParsePrefix("2002::/16"), Precedence: 5, Label: 2},
	{Prefix: netip.MustParsePrefix("2001::/32"), Precedence: 5, Label: 5},
	{Prefix: netip.MustParsePrefix("::/96"), Precedence: 1, Label: 3},
	{Prefix: netip.MustParsePrefix("fec0::/10"), Precedence: 1, Label: 11},
	{Prefix: netip.MustParsePrefix("3ffe::/16"), Precedence: 1, Label: 12},
})

// linuxTable has the labels of the kernel's net/ipv6/addrlabel.c, and the precedences
// of glibc's getaddrinfo: 40 where that has no row.
var linuxTable = mustTable([]PolicyEntry{
	{Prefix: netip.MustParsePrefix("::1/128"), Precedence: 50, Label: 0},
	{Prefix: netip.MustParsePrefix("::/0"), Precedence: 40, Label: 1},
	{Prefix: netip.MustParsePrefix("2002::/16"), Precedence: 30, Label: 2},
	{Prefix: netip.MustParsePrefix("::/96"), Precedence: 20, Label: 3},
	{Prefix: netip.MustParsePrefix("::ffff:0:0/96"), Precedence: 10, Label: 4},
	{Prefix: netip.MustParsePrefix("fc00::/7"), Precedence: 40, Label: 5},
	{Prefix: netip.MustParsePrefix("2001::/32"), Precedence: 40, Label: 6},
	{Prefix: netip.MustParsePrefix("2001:10::/28"), Precedence: 40, Label: 7},
	{Prefix: netip.MustParsePrefix("fec0::/10"), Precedence: 40, Label: 11},
	{Prefix: netip.MustParsePrefix("3ffe::/16"), Precedence: 40, Label: 12},
})

// mustTable is for the tables above, which a test compares with the documents.
func mustTable(rows []PolicyEntry) *policyTable {
	p, err := NewPolicy(rows)
	if err != nil {
		panic(err)
	}
	return p.table
}
