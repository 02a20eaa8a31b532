package dnsreg

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// memo is what a Registrar keeps for its next life. Names are canonical.
type memo struct {
	Names   []string      `json:"names"` // under which it registers
	RRsets  []memoRRset   `json:"rrsets"`
	Retired []memoRetired `json:"retired"`
}

// memoRRset has the records of an RRset that are ours, and those that may be: they were sent, and no
// reply came.
type memoRRset struct {
	Zone  string   `json:"zone,omitempty"` // empty: not known
	Name  string   `json:"name"`
	Type  string   `json:"type"` // one of memoTypes
	Own   []string `json:"own,omitempty"`
	Maybe []string `json:"maybe,omitempty"`
}

// memoRetired is an address whose PTR record is still to be removed, if it points to the name.
type memoRetired struct {
	Address netip.Addr `json:"address"`
	Name    string     `json:"name"`
}

// memoTypes has the types of our records, and the check of their data as text.
var memoTypes = map[string]func(data string) bool{
	"A": func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is4() && a.String() == s },
	"AAAA": func(s string) bool {
		a, err := netip.ParseAddr(s)
		return err == nil && unzonedIPv6(a) && a.String() == s
	},
	"PTR":   isHostName,
	"TXT":   printable,
	"DHCID": printable,
}

// unzonedIPv6 takes IPv4-mapped ones as well: somebody may have put such an AAAA record at a name, and Config.Adopt or
// the name's mark makes it ours.
func unzonedIPv6(a netip.Addr) bool { return a.Is6() && a.Zone() == "" }

func isHostName(s string) bool { name, err := canonicalName(s, true); return err == nil && name == s }

// isOwnerName permits more: RFC 2317 has labels such as 0/25.
func isOwnerName(s string) bool {
	_, ok := dns.IsDomainName(s)
	return ok && dns.IsFqdn(s) && dns.CanonicalName(s) == s && !strings.ContainsFunc(s, unprintable)
}

func printable(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f })
}

// The form: a line with version and checksum, then JSON.
const (
	memoMagic   = "hextet-dnsreg-state"
	memoVersion = 1
)

var errNewerState = errors.New("an older program must not overwrite it")

// encode returns m as text. The order of m's elements makes no difference to it.
func (m memo) encode() []byte {
	m = m.sorted()
	body, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		panic("dnsreg: " + err.Error()) // strings and addresses always marshal
	}
	body = append(body, '\n')
	return append(fmt.Appendf(nil, "%s %d sha256:%x\n", memoMagic, memoVersion, sha256.Sum256(body)), body...)
}

func (m memo) sorted() memo {
	out := memo{Names: slices.Clone(m.Names), RRsets: slices.Clone(m.RRsets), Retired: slices.Clone(m.Retired)}
	slices.Sort(out.Names)
	for i := range out.RRsets {
		s := &out.RRsets[i]
		s.Own, s.Maybe = slices.Sorted(slices.Values(s.Own)), slices.Sorted(slices.Values(s.Maybe))
	}
	slices.SortFunc(out.RRsets, func(a, b memoRRset) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type))
	})
	slices.SortFunc(out.Retired, func(a, b memoRetired) int {
		return cmp.Or(a.Address.Compare(b.Address), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// decodeMemo reads what encode wrote. Every error is a *StateError; errNewerState is among its causes if a
// later version of this package wrote the state.
func decodeMemo(data []byte) (memo, error) {
	body, err := memoBody(data)
	if err != nil {
		return memo{}, err
	}
	var m memo
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return memo{}, &StateError{Rule: "not the JSON that is expected", Err: err}
	}
	if _, err := d.Token(); err != io.EOF {
		return memo{}, &StateError{Rule: "something follows the JSON"}
	}
	if rule := m.check(); rule != "" {
		return memo{}, &StateError{Rule: rule}
	}
	return m, nil
}

// memoBody checks the first line and returns what follows it.
func memoBody(data []byte) ([]byte, error) {
	fail := func(rule string) ([]byte, error) { return nil, &StateError{Rule: rule} }
	if len(data) > maxState {
		return fail(fmt.Sprintf("more than %d octets", maxState))
	}
	line, body, ok := bytes.Cut(data, []byte("\n"))
	fields := strings.Split(string(line[:min(len(line), 128)]), " ")
	if !ok || len(fields) < 2 || fields[0] != memoMagic {
		return fail("the first line is not that of a state file")
	}
	version, err := strconv.Atoi(fields[1])
	switch {
	case err != nil || version < 1:
		return fail(fmt.Sprintf("the version %q is no version", fields[1]))
	case version > memoVersion:
		return nil, &StateError{Rule: fmt.Sprintf("version %d is newer than %d, which this program knows", version, memoVersion), Err: errNewerState}
	case string(line) != fmt.Sprintf("%s %d sha256:%x", memoMagic, version, sha256.Sum256(body)):
		return fail("the checksum is wrong: it was damaged, cut short or edited")
	}
	return body, nil
}

// check returns the first rule that is broken, and where.
func (m memo) check() (rule string) {
	for _, name := range m.Names {
		if !isHostName(name) {
			return fmt.Sprintf("name %q is no canonical host name", name)
		}
	}
	seen := make(map[[2]string]bool)
	for _, s := range m.RRsets {
		valid := memoTypes[s.Type]
		key := [2]string{s.Name, s.Type}
		switch {
		case !isOwnerName(s.Name):
			return fmt.Sprintf("RRset %q: no canonical domain name", s.Name)
		case valid == nil:
			return fmt.Sprintf("RRset %q: type %q is none that a host registers", s.Name, s.Type)
		case s.Zone != "" && !(isOwnerName(s.Zone) && dns.IsSubDomain(s.Zone, s.Name)):
			return fmt.Sprintf("RRset %q: not in zone %q", s.Name, s.Zone)
		case seen[key]:
			return fmt.Sprintf("RRset %q %s: given twice", s.Name, s.Type)
		}
		seen[key] = true
		for _, data := range slices.Concat(s.Own, s.Maybe) {
			if !valid(data) {
				return fmt.Sprintf("RRset %q %s: data %q", s.Name, s.Type, data)
			}
		}
	}
	for _, r := range m.Retired {
		if !(r.Address.Is4() || unzonedIPv6(r.Address)) || !isHostName(r.Name) {
			return fmt.Sprintf("retired address %v of %q", r.Address, r.Name)
		}
	}
	return ""
}
