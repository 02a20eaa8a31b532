package srcselect

import (
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The examples of RFC 6724 section 10, cases of draft-ietf-6man-rfc6724-update and
// skip-as-source cases. The file describes itself.
type vectors struct {
	Format []string            `json:"format"`
	Tables map[string][][3]any `json:"tables"`
	Source []sourceVector      `json:"source"`
	Dest   []destVector        `json:"dest"`
}

type sourceVector struct {
	ID      string   `json:"id"`
	Dst     string   `json:"dst"`
	Src     []string `json:"src"`
	Want    string   `json:"want"`
	Rule    string   `json:"rule"`
	Mode    string   `json:"mode"`
	Table   string   `json:"table"`
	Erratum string   `json:"erratum"`
}

type destVector struct {
	ID    string   `json:"id"`
	Table string   `json:"table"`
	Src   []string `json:"src"`
	Dst   []string `json:"dst"`
	Want  []string `json:"want"`
	Rule  string   `json:"rule"`
}

func loadVectors(t *testing.T) vectors {
	f, err := os.Open("testdata/rfc6724.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var v vectors
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	if len(v.Source) < 15 || len(v.Dest) < 28 {
		t.Fatalf("%d source and %d dest cases: the file lost some", len(v.Source), len(v.Dest))
	}
	return v
}

// policy returns the default table with the rows of a named one added or put in
// place of those with the same prefix.
func (v *vectors) policy(t *testing.T, name string) Policy {
	changes, ok := v.Tables[name]
	if name != "" && !ok {
		t.Fatalf("unknown table %q", name)
	}
	rows := DefaultPolicy().Rows()
	for _, c := range changes {
		e := PolicyEntry{
			Prefix:     netip.MustParsePrefix(c[0].(string)),
			Precedence: uint8(c[1].(float64)),
			Label:      uint8(c[2].(float64)),
		}
		rows = slices.DeleteFunc(rows, func(r PolicyEntry) bool { return r.Prefix == e.Prefix })
		rows = append(rows, e)
	}
	p, err := NewPolicy(rows)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// orders calls f with list as it is, reversed, and shuffled three times.
func orders[T any](list []T, f func([]T)) {
	f(slices.Clone(list))
	reversed := slices.Clone(list)
	slices.Reverse(reversed)
	f(reversed)
	random := rand.New(rand.NewPCG(6724, uint64(len(list))))
	for range 3 {
		shuffled := slices.Clone(list)
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		f(shuffled)
	}
}

// sourceRules translates what the file says of the deciding rule. Where skip-as-source
// leaves one address, no rule has anything to decide.
var sourceRules = map[string]Rule{
	"1": RuleSameAddress, "2": RuleScope, "3": RuleDeprecated, "4": RuleHome, "5": RuleInterface,
	"5.5": RuleNextHop, "6": RuleLabel, "7": RuleTemporary, "8": RulePrefix,
	"skip":                            RuleOnly,
	"skip before rule 3":              RuleOnly,
	"all skipped, SkipStrict -> none": RuleNone,
	"all skipped, SkipLastResort -> rules apply to skipped":           RulePrefix,
	"own skipped address as destination: rule 1 sees only candidates": RuleOnly,
}

func TestSourceVectors(t *testing.T) {
	v := loadVectors(t)
	for _, c := range v.Source {
		t.Run(c.ID, func(t *testing.T) {
			wantRule, ok := sourceRules[c.Rule]
			if !ok {
				t.Fatalf("unknown rule %q", c.Rule)
			}
			if c.Mode != "" && c.Mode != "lastresort" {
				t.Fatalf("unknown mode %q", c.Mode)
			}
			cfg := Config{Policy: v.policy(t, c.Table), LastResort: c.Mode == "lastresort"}
			orders(c.Src, func(src []string) {
				s := selectorWith(t, cfg, src...)
				r, err := s.Select(to(c.Dst))
				if (err != nil) != (c.Want == "") {
					t.Fatalf("from %v: error %v", src, err)
				}
				if r.Rule != wantRule {
					t.Errorf("from %v: decided by %v, want %v", src, r.Rule, wantRule)
				}
				if c.Want != "" && r.Address.Prefix.Addr() != netip.MustParseAddr(c.Want) {
					t.Errorf("from %v: chose %v, want %v", src, r.Address.Prefix, c.Want)
				}
			})
		})
	}
}

func TestDestinationVectors(t *testing.T) {
	v := loadVectors(t)
	for _, c := range v.Dest {
		t.Run(c.ID, func(t *testing.T) {
			number, _, _ := strings.Cut(c.Rule, " ")
			wantRule, err := strconv.Atoi(number)
			if err != nil || len(c.Dst) != 2 {
				t.Fatalf("rule %q, %d destinations", c.Rule, len(c.Dst))
			}
			cfg := Config{Policy: v.policy(t, c.Table)}
			orders(c.Src, func(src []string) {
				s := selectorWith(t, cfg, src...)
				orders(c.Dst, func(dst []string) { checkDestinationVector(t, s, dst, c.Want, DestinationRule(wantRule)) })
			})
		})
	}
}

func checkDestinationVector(t *testing.T, s *Selector, dst, want []string, rule DestinationRule) {
	t.Helper()
	var queries []Query
	for _, d := range dst {
		queries = append(queries, to(d))
	}
	results := s.SortDestinations(queries)
	if len(results) != len(want) {
		t.Fatalf("%d results, want %d", len(results), len(want))
	}
	for i, r := range results {
		d, source, _ := strings.Cut(want[i], "<")
		if r.Err != nil || r.Query.Destination != netip.MustParseAddr(d) || r.Source.Prefix.Addr() != netip.MustParseAddr(source) {
			t.Errorf("%v: place %d: %v<%v (%v), want %s", dst, i, r.Query.Destination, r.Source.Prefix, r.Err, want[i])
		}
	}
	if results[0].Rule != 0 || results[1].Rule != rule {
		t.Errorf("%v: rules %v and %v, want 0 and %d", dst, results[0].Rule, results[1].Rule, rule)
	}
}
