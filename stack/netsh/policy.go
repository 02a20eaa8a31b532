package netsh

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"github.com/hextet/hextet/srcselect"
)

func policyParams() []param {
	return []param{
		{name: "prefix", kind: prefixKind(v6), need: true, help: "The addresses that the row is for; those of IPv4 are in ::ffff:0:0/96."},
		{name: "precedence", kind: integerKind(0, 255), need: true, help: "Destinations of the highest go first (RFC 6724 section 6, rule 6)."},
		{name: "label", kind: integerKind(0, 255), need: true, help: "Sources go to destinations of the same (RFC 6724 section 5, rule 6)."},
		storeParam,
	}
}

func addPolicyNode() *node {
	return &node{name: "prefixpolicy", help: "Adds a row to the policy table.", changes: true, params: policyParams(), run: addPolicy}
}

func setPolicyNode() *node {
	return &node{name: "prefixpolicy", help: "Changes a row of the policy table.", changes: true, params: policyParams(), run: setPolicy}
}

func deletePolicyNode() *node {
	return &node{name: "prefixpolicy", help: "Deletes a row from the policy table.", changes: true, params: []param{policyParams()[0], storeParam}, run: deletePolicy}
}

func showPoliciesNode() *node {
	return &node{name: "prefixpolicies", aliases: []string{"prefixpolicy"}, help: "Shows the policy table.", params: []param{storedParam}, run: showPolicies}
}

// rows returns the policy table, without the row for the prefix that the parameter names if there is one for
// every interface, and that row.
func (c *call) rows() (others []srcselect.PolicyEntry, row *srcselect.PolicyEntry, prefix netip.Prefix) {
	prefix, _ = get[netip.Prefix](c, "prefix")
	for _, e := range c.sh.stack.Policy().Rows() {
		if e.Interface == 0 && sixOf(e.Prefix) == prefix {
			row = &e
			continue
		}
		others = append(others, e)
	}
	return others, row, prefix
}

func addPolicy(c *call) error {
	others, row, prefix := c.rows()
	if row != nil {
		return c.wrong("prefix", problem(syscall.EEXIST, "there is a row for the prefix, of precedence %d and label %d", row.Precedence, row.Label).wanting("set prefixpolicy to change it"))
	}
	return c.setRows(append(others, c.row(prefix)))
}

func setPolicy(c *call) error {
	others, row, prefix := c.rows()
	if row == nil {
		return c.noRow(others)
	}
	return c.setRows(append(others, c.row(prefix)))
}

func deletePolicy(c *call) error {
	others, row, _ := c.rows()
	if row == nil {
		return c.noRow(others)
	}
	return c.setRows(others)
}

func (c *call) row(prefix netip.Prefix) srcselect.PolicyEntry {
	precedence, _ := get[int](c, "precedence")
	label, _ := get[int](c, "label")
	return srcselect.PolicyEntry{Prefix: prefix, Precedence: uint8(precedence), Label: uint8(label)}
}

func (c *call) noRow(rows []srcselect.PolicyEntry) error {
	var names []string
	for _, e := range rows[:min(len(rows), 16)] {
		names = append(names, sixText(e.Prefix))
	}
	a, _ := c.args["prefix"]
	e := problem(syscall.ESRCH, "there is no row for the prefix").wanting("one that show prefixpolicies lists")
	e.Nearest = nearest(a.word.text[a.word.eq+1:], names)
	return c.wrong("prefix", e)
}

// setRows puts a table of rows in force. Those that the table got for known-local prefixes, and that are
// unchanged, stay what they are.
func (c *call) setRows(rows []srcselect.PolicyEntry) error {
	before := c.sh.stack.Policy()
	known := before.KnownLocal()
	var kept []netip.Prefix
	for _, e := range before.Rows() {
		if at := slices.Index(rows, e); at >= 0 && e.Interface == 0 && slices.Contains(known, e.Prefix) {
			kept, rows = append(kept, e.Prefix), slices.Delete(rows, at, at+1)
		}
	}
	p, err := srcselect.NewPolicy(rows)
	if err == nil && len(kept) > 0 {
		p, err = p.WithKnownLocal(kept...)
	}
	if err != nil {
		return err
	}
	c.sh.stack.SetPolicy(p)
	return nil
}

func showPolicies(c *call) error {
	rows := c.sh.stack.Policy().Rows()
	slices.SortStableFunc(rows, func(a, b srcselect.PolicyEntry) int { return cmp.Compare(b.Precedence, a.Precedence) })
	fmt.Fprint(c.out, "Querying active state...\n\n")
	fmt.Fprint(c.out, "Precedence  Label  Prefix\n----------  -----  --------------------------------\n")
	for _, e := range rows {
		fmt.Fprintf(c.out, "%10d  %5d  %s", e.Precedence, e.Label, sixText(e.Prefix))
		if e.Interface != 0 {
			fmt.Fprintf(c.out, " (interface %d only)", e.Interface)
		}
		fmt.Fprintln(c.out)
	}
	fmt.Fprintln(c.out)
	return nil
}

// sixOf is a prefix in its IPv6 form (RFC 4291 section 2.5.5.2).
func sixOf(p netip.Prefix) netip.Prefix {
	if !p.Addr().Is4() {
		return p
	}
	return netip.PrefixFrom(netip.AddrFrom16(p.Addr().As16()), p.Bits()+96)
}

// sixText writes a prefix of the policy table as Windows does, where ::ffff:0:0/96 has no dots.
func sixText(p netip.Prefix) string {
	if p = sixOf(p); !p.Addr().Is4In6() {
		return p.String()
	}
	b := p.Addr().As16()
	return fmt.Sprintf("::ffff:%x:%x/%d", uint16(b[12])<<8|uint16(b[13]), uint16(b[14])<<8|uint16(b[15]), p.Bits())
}
