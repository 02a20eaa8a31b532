package srcselect

import (
	"fmt"
	"net/netip"
)

// gai reads a line of gai.conf: "label" or "precedence", a prefix, a number.
func (p *policyParser) gai(fields []string) error {
	switch {
	case len(p.rows) > 0:
		return fmt.Errorf("a line of gai.conf after rows of the whole table")
	case len(fields) != 3:
		return fmt.Errorf("%s: want a prefix and a number", fields[0])
	}
	prefix, err := parsePolicyPrefix(fields[1])
	if err != nil {
		return err
	}
	value, err := parsePolicyNumber(fields[0], fields[2])
	if err != nil {
		return err
	}
	l := gaiLine{prefix, value, p.line}
	if fields[0] == "label" {
		p.labels = append(p.labels, l)
	} else {
		p.precedences = append(p.precedences, l)
	}
	return nil
}

// mergeTables makes one table of gai.conf's two. A row for every prefix of either,
// with what each of them has for that prefix, answers as they do: the longest
// prefix of an address in one of them is part of, or is, the longest one in the
// union.
func (p *policyParser) mergeTables() (Policy, error) {
	labels, err := gaiTable(p.labels, 1, func(e PolicyEntry) uint8 { return e.Label })
	if err != nil {
		return Policy{}, err
	}
	precedences, err := gaiTable(p.precedences, 40, func(e PolicyEntry) uint8 { return e.Precedence })
	if err != nil {
		return Policy{}, err
	}
	var rows []PolicyEntry
	seen := make(map[policyKey]bool)
	for _, t := range []*policyTable{labels, precedences} {
		for _, e := range t.entries {
			if seen[e.key()] {
				continue
			}
			seen[e.key()] = true
			e.Label = labels.entries[labels.covering(e.Prefix)].Label
			e.Precedence = precedences.entries[precedences.covering(e.Prefix)].Precedence
			rows = append(rows, e)
		}
	}
	return Policy{tableOf(rows, nil)}, nil
}

// gaiTable returns lines as a table whose labels and precedences are both the
// value of a line, with a row of ::/0; or for no lines the default table, by value.
func gaiTable(lines []gaiLine, rest uint8, value func(PolicyEntry) uint8) (*policyTable, error) {
	var rows []PolicyEntry
	row := func(prefix netip.Prefix, v uint8) {
		rows = append(rows, PolicyEntry{Prefix: prefix, Label: v, Precedence: v})
	}
	all := false
	for _, l := range lines {
		row(l.prefix, l.value)
		all = all || mappedLen(l.prefix) == 0
	}
	if len(lines) == 0 {
		for _, e := range defaultTable.entries {
			row(e.Prefix, value(e))
		}
	} else if !all {
		row(netip.PrefixFrom(netip.IPv6Unspecified(), 0), rest)
	}
	policy, err := newPolicy(rows, "line", func(i int) int { return lines[i].line })
	return policy.table, err
}
