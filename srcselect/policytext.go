package srcselect

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// String returns the table as text that ParsePolicy reads: a row a line, the longest
// prefixes first, as prefix, precedence and label, then "dev" and the index for a
// row of one interface, and "known-local" for an automatic row.
func (p Policy) String() string {
	var b []byte
	t := p.load()
	for _, e := range t.entries {
		b = fmt.Appendf(b, "%-20v %3d %3d", e.Prefix, e.Precedence, e.Label)
		if e.Interface != 0 {
			b = fmt.Appendf(b, " dev %d", e.Interface)
		}
		if t.automatic[e.key()] {
			b = append(b, " known-local"...)
		}
		b = append(b, '\n')
	}
	return string(b)
}

// MarshalText returns String's text.
func (p Policy) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText makes p the table that ParsePolicy reads, where interfaces are
// numbers.
func (p *Policy) UnmarshalText(text []byte) error {
	parsed, err := ParsePolicy(string(text), nil)
	if err == nil {
		*p = parsed
	}
	return err
}

// ParsePolicy makes a table of text with one row a line, in any of these forms:
//
//	2001:db8::/32 45 14             prefix, precedence, label: String, ip6addrctl, netsh's add
//	45 14 2001:db8::/32             precedence, label, prefix: netsh interface ipv6 show prefixpolicies
//	prefix 2001:db8::/32 label 14   ip addrlabel list; also with precedence 45
//	precedence 2001:db8::/32 45     gai.conf
//	label 2001:db8::/32 14          gai.conf
//
// In the first three, "dev" and an interface makes it a row of that interface. A
// line that names the columns, as those tools print it, gives their order. Rulers of
// dashes, blank lines and what follows a "#" are ignored. Without a precedence, a row
// gets the one that RFC 6724's default table has for its prefix.
//
// In gai.conf precedences and labels are two tables. The result has all their
// prefixes, and answers as the two do; as there, a table without ::/0 has
// precedence 40 or label 1 for all that it doesn't name. A table without any line is
// RFC 6724's default one. These lines don't go together with the other forms.
//
// Interfaces are indices, or names that index turns into one (nil: no names). An
// error names the line, counted from 1, and is ErrInvalid.
func ParsePolicy(text string, index func(name string) (int, error)) (Policy, error) {
	p := policyParser{index: index}
	for line := range strings.Lines(text) {
		p.line++
		line, _, _ = strings.Cut(line, "#")
		if err := p.read(strings.Fields(line)); err != nil {
			return Policy{}, invalidf("policy line %d: %v", p.line, err)
		}
	}
	if len(p.labels)+len(p.precedences) > 0 {
		return p.mergeTables()
	}
	policy, err := newPolicy(p.rows, "line", func(i int) int { return p.lines[i] })
	if err != nil || len(p.known) == 0 {
		return policy, err
	}
	automatic := make(map[policyKey]bool, len(p.known))
	for _, i := range p.known {
		automatic[p.rows[i].key()] = true
	}
	policy.table.automatic = automatic
	return policy, nil
}

// A policyParser is what ParsePolicy has read so far.
type policyParser struct {
	index   func(name string) (int, error)
	line    int
	columns []string
	rows    []PolicyEntry
	lines   []int // where rows stand
	known   []int // which of rows are automatic

	labels, precedences []gaiLine
}

// A gaiLine is a row of one of gai.conf's tables.
type gaiLine struct {
	prefix netip.Prefix
	value  uint8
	line   int
}

func (p *policyParser) read(fields []string) error {
	switch {
	case len(fields) == 0 || p.decoration(fields):
		return nil
	case fields[0] == "prefix":
		return p.keywords(fields)
	case fields[0] == "label" || fields[0] == "precedence":
		return p.gai(fields)
	case fields[0] == "reload":
		return nil // gai.conf: about glibc, not about the table
	case fields[0] == "scopev4":
		return fmt.Errorf("scopev4: the scopes of IPv4 addresses are fixed (RFC 6724 section 3.2)")
	}
	return p.row(fields)
}

// columnNames are what tools call the columns, and what parseColumns calls them.
var columnNames = map[string]string{
	"prefix": "prefix", "precedence": "precedence", "prec": "precedence", "label": "label", "use": "use",
}

// decoration says whether a line is a heading, whose columns are kept, or a ruler.
func (p *policyParser) decoration(fields []string) bool {
	if fields[0] == "Querying" || strings.Trim(strings.Join(fields, ""), "-") == "" {
		return true
	}
	var columns []string
	for _, f := range fields {
		name, ok := columnNames[strings.ToLower(f)]
		if !ok {
			return false
		}
		columns = append(columns, name)
	}
	if len(columns) < 3 || !slices.Contains(columns, "prefix") {
		return false
	}
	p.columns = columns
	return true
}

// row reads a line of columns, with "dev" and "known-local" after them.
func (p *policyParser) row(fields []string) error {
	columns := p.columns
	if columns == nil {
		columns = []string{"prefix", "precedence", "label"}
		if !strings.Contains(fields[0], "/") {
			columns = []string{"precedence", "label", "prefix"}
		}
	}
	if len(fields) < len(columns) {
		return fmt.Errorf("%d fields: want %s", len(fields), strings.Join(columns, ", "))
	}
	var words []string
	for i, name := range columns {
		if name != "use" {
			words = append(words, name, fields[i])
		}
	}
	return p.keywords(append(words, fields[len(columns):]...))
}

// keywords reads a line of keywords, each but "known-local" before its value.
func (p *policyParser) keywords(fields []string) error {
	var e PolicyEntry
	given := make(map[string]bool)
	for len(fields) > 0 {
		word := fields[0]
		switch {
		case given[word]:
			return fmt.Errorf("%s: twice", word)
		case word == "known-local":
			given[word], fields = true, fields[1:]
			continue
		case len(fields) < 2:
			return fmt.Errorf("%s: no value", word)
		}
		given[word] = true
		var err error
		switch value := fields[1]; word {
		case "prefix":
			e.Prefix, err = parsePolicyPrefix(value)
		case "dev":
			e.Interface, err = p.interfaceIndex(value)
		case "precedence":
			e.Precedence, err = parsePolicyNumber(word, value)
		case "label":
			e.Label, err = parsePolicyNumber(word, value)
		default:
			err = fmt.Errorf("unknown word %q", word)
		}
		if err != nil {
			return err
		}
		fields = fields[2:]
	}
	if !given["label"] {
		return fmt.Errorf("prefix %v: no label", e.Prefix)
	}
	if !given["precedence"] {
		e.Precedence = defaultTable.rows[defaultTable.covering(e.Prefix)].precedence
	}
	return p.add(e, given["known-local"])
}

// add adds a row, which may be an automatic one.
func (p *policyParser) add(e PolicyEntry, known bool) error {
	if len(p.labels)+len(p.precedences) > 0 {
		return fmt.Errorf("a row of the whole table after lines of gai.conf")
	}
	if known {
		if why := notKnownLocal(e.Prefix); why != "" {
			return fmt.Errorf("known-local prefix %v: %s", e.Prefix, why)
		}
		if (e != PolicyEntry{Prefix: e.Prefix, Precedence: knownLocalPrecedence, Label: knownLocalLabel}) {
			return fmt.Errorf("known-local prefix %v: want precedence %d, label %d, every interface", e.Prefix, knownLocalPrecedence, knownLocalLabel)
		}
		p.known = append(p.known, len(p.rows))
	}
	p.rows, p.lines = append(p.rows, e), append(p.lines, p.line)
	return nil
}

func (p *policyParser) interfaceIndex(text string) (int, error) {
	i, err := strconv.ParseInt(text, 10, 32)
	switch {
	case err == nil && i > 0:
		return int(i), nil
	case err == nil:
		return 0, fmt.Errorf("dev %s: want 1 or more", text)
	case p.index == nil:
		return 0, fmt.Errorf("dev %s: want the interface's index", text)
	}
	n, err := p.index(text)
	if err == nil && n < 1 {
		err = fmt.Errorf("there is no such interface")
	}
	if err != nil {
		return 0, fmt.Errorf("dev %s: %w", text, err)
	}
	return n, nil
}

func parsePolicyPrefix(text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return prefix, fmt.Errorf("%q is not a prefix", text)
	}
	return prefix, nil
}

func parsePolicyNumber(word, text string) (uint8, error) {
	n, err := strconv.ParseUint(text, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("%s %q: want 0 to 255", word, text)
	}
	return uint8(n), nil
}

// covering returns the index of the row of the longest prefix that p is part of.
// There must be one of ::/0.
func (t *policyTable) covering(p netip.Prefix) int {
	addr, bits := word128(p.Addr()), mappedLen(p)
	return slices.IndexFunc(t.entries, func(e PolicyEntry) bool {
		n := mappedLen(e.Prefix)
		return n <= bits && addr.and(mask128(n)) == word128(e.Prefix.Addr())
	})
}
