package srcselect

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files of testdata")

// The tables that Explain prints, complete.
func TestExplainGolden(t *testing.T) {
	hosts := []string{
		"2001:db8:2::1", "2001:db8:1::1 skip", "2001:db8:1::2", "fe80::1", "2001:db8:1::3 deprecated temporary",
		"2001:db8:1::4 tentative", "2001:db8:1::5 if2", "192.0.2.1", "10.0.0.1 skip", "2001:db8:2::2 home coa",
	}
	parse := netip.MustParseAddr
	var all strings.Builder
	for _, c := range []struct {
		title string
		cfg   Config
		q     Query
	}{
		{"strong host", Config{}, to("2001:db8:1::9")},
		{"weak host", Config{AnyInterface: true}, preferring(through(to("2001:db8:1::9"), "fe80::a"), PreferPublic|PreferCareOf)},
		{"link-local", Config{AnyInterface: true}, to("fe80::9")},
		{"IPv4, only one", Config{}, to("192.0.2.9")},
		{"explicit", Config{}, Query{Destination: parse("2001:db8:1::9"), Interface: 1, Source: parse("2001:db8:1::1")}},
		{"explicit, not assigned", Config{}, Query{Destination: parse("192.0.2.9"), Source: parse("192.0.2.2")}},
		{"none", Config{}, Query{Destination: parse("2001:db8:1::9"), Interface: 3}},
		{"invalid", Config{}, Query{Destination: parse("::")}},
	} {
		all.WriteString("# " + c.title + "\n" + selectorWith(t, c.cfg, hosts...).Explain(c.q).String() + "\n")
	}
	all.WriteString("# last resort\n" + selectorWith(t, Config{LastResort: true}, "2001:db8::1 skip", "2001:db8::2 skip").
		Explain(to("2001:db8::2")).String() + "\n")
	all.WriteString("# tie\n" + selectorWith(t, Config{}, "192.0.2.7", "192.0.2.3").Explain(to("198.51.100.9")).String())

	file := filepath.Join("testdata", "explain.txt")
	if *update {
		if err := os.WriteFile(file, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if all.String() != string(want) {
		t.Errorf("got:\n%s\nwant (-update rewrites it):\n%s", all.String(), want)
	}
}

// Explain agrees with Select, accounts for every address once, and each loser loses
// the pair with the address it is said to have lost against, by the rule named.
func TestExplainAgrees(t *testing.T) {
	losers := 0
	for seed := range uint64(30) {
		w := newWorld(seed)
		for range 25 {
			if err := w.mutate(); err != nil {
				t.Fatal(err)
			}
			for range 5 {
				q := w.query()
				e := w.s.Explain(q)
				checkExplanation(t, w, q, e)
				for _, c := range e.Candidates {
					if c.Against.IsValid() && c.Rule != RuleExplicit {
						losers++
						checkPair(t, w, q, e.Candidates[0].Address, c)
					}
				}
			}
		}
	}
	if losers < 5_000 {
		t.Errorf("only %d pairs were checked", losers)
	}
}

func checkExplanation(t *testing.T, w *world, q Query, e Explanation) {
	t.Helper()
	r, err := w.s.Select(q)
	if (err == nil) != (e.Err == nil) || err != nil && err.Error() != e.Err.Error() || e.Rule != r.Rule || e.Tied != r.Tied {
		t.Fatalf("%v: explained by %v (%v), selected by %v (%v)", q, e.Rule, e.Err, r.Rule, err)
	}
	if len(e.Candidates) != len(w.list) || !reflect.DeepEqual(e.Query, q) {
		t.Fatalf("%v: %d of %d addresses explained", q, len(e.Candidates), len(w.list))
	}
	met := make(map[string]bool)
	candidates := true
	for i, c := range e.Candidates {
		key := c.Address.Prefix.Addr().WithZone("").String() + string(rune('0'+c.Address.Interface))
		if met[key] {
			t.Fatalf("%v: %v is there twice", q, c.Address)
		}
		met[key] = true
		if c.Chosen != (err == nil && i == 0) || c.Chosen && !reflect.DeepEqual(c.Address, r.Address) {
			t.Fatalf("%v: place %d: chosen %v, want %v", q, i, c.Address, r.Address)
		}
		if candidates = candidates && c.Excluded == NotExcluded; !candidates && (c.Excluded == NotExcluded || c.Rule != RuleNone) {
			t.Fatalf("%v: place %d: %+v after one that is excluded", q, i, c)
		}
		if i > 0 && c.Excluded > NotExcluded && e.Candidates[i-1].Excluded > NotExcluded && c.Excluded > e.Candidates[i-1].Excluded {
			t.Fatalf("%v: place %d: %v after %v", q, i, c.Excluded, e.Candidates[i-1].Excluded)
		}
	}
	if strings.Count(e.String(), "chosen: ") != len(e.Candidates)-strings.Count(e.String(), "no candidate: ")-strings.Count(e.String(), "out by ") {
		t.Fatalf("%v: not every line of\n%v has its verdict", q, e)
	}
}

// checkPair selects between the two alone, of the same ages.
func checkPair(t *testing.T, w *world, q Query, chosen Address, c Candidate) {
	t.Helper()
	pair := NewSelector(w.cfg)
	for _, a := range w.list {
		if reflect.DeepEqual(a, chosen) || reflect.DeepEqual(a, c.Address) {
			if err := pair.Add(a); err != nil {
				t.Fatal(err)
			}
		}
	}
	r, err := pair.Select(q)
	if err != nil || !reflect.DeepEqual(r.Address, chosen) || r.Rule != c.Rule || c.Against != chosen.Prefix.Addr() {
		t.Fatalf("%v: alone with %+v: %v by %v (%v)", q, c, r.Address.Prefix, r.Rule, err)
	}
}

// The candidates of an explanation are in the order in which they would be chosen:
// without the first ones, Select chooses the next.
func TestExplainOrder(t *testing.T) {
	compared := 0
	for seed := range uint64(200) {
		w := newWorld(seed)
		for range 12 {
			if err := w.mutate(); err != nil {
				t.Fatal(err)
			}
		}
		q := w.query()
		q.Source = netip.Addr{}
		list := w.s.Explain(q).Candidates
		for i, c := range list {
			if c.Excluded != NotExcluded {
				break
			}
			if r, err := w.s.Select(q); err != nil || !reflect.DeepEqual(r.Address, c.Address) {
				t.Fatalf("seed %d: %v: without %d candidates: %+v (%v), want %+v", seed, q, i, r.Address, err, c.Address)
			}
			w.s.Remove(c.Address.Interface, c.Address.Prefix.Addr())
			compared++
		}
	}
	if compared < 300 {
		t.Errorf("only %d candidates were compared", compared)
	}
}
