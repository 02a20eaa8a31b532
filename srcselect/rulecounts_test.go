package srcselect

import (
	"encoding/json"
	"maps"
	"sync"
	"testing"
)

// Every selection is counted once, by its rule, whoever counts.
func TestRuleCounts(t *testing.T) {
	s := selectorWith(t, Config{}, "2001:db8:1::1", "2001:db8:2::1", "fe80::1", "192.0.2.1")
	queries := []Query{to("2001:db8:1::9"), to("2001:db8:1::1"), to("fe80::9"), to("198.51.100.9"), to("::"), to("3ffe::1")}
	want := map[Rule]uint64{RulePrefix: 1, RuleSameAddress: 1, RuleScope: 1, RuleOnly: 1, RuleNone: 1, RuleOldest: 1}
	const goroutines, rounds = 8, 500
	var shared RuleCounter
	own := make([]RuleCounts, goroutines)
	var all sync.WaitGroup
	for i := range own {
		all.Go(func() {
			for range rounds {
				for _, q := range queries {
					r, _ := s.Select(q)
					shared.Count(r.Rule)
					own[i].Count(r.Rule)
				}
			}
		})
	}
	all.Wait()
	var sum RuleCounts
	for _, c := range own {
		sum.Add(c)
	}
	for r := range want {
		want[r] *= goroutines * rounds
	}
	if got := maps.Collect(sum.All()); !maps.Equal(got, want) {
		t.Errorf("kept by the goroutines: %v, want %v", got, want)
	}
	if got := shared.Counts(); got != sum {
		t.Errorf("shared: %v, want %v", got, sum)
	}
	shared.Add(sum)
	for r := range want {
		if got := shared.Counts()[r]; got != 2*want[r] {
			t.Errorf("%v: %d after the sum is added, want %d", r, got, 2*want[r])
		}
	}
	before := sum
	sum.Count(RuleLabel)
	if got := maps.Collect(sum.Since(before).All()); !maps.Equal(got, map[Rule]uint64{RuleLabel: 1}) {
		t.Errorf("since: %v", got)
	}
	sum.Count(250) // no such rule: not counted, and no panic
	shared.Count(250)
}

func TestRuleCountsText(t *testing.T) {
	var c RuleCounts
	c[RuleNone], c[RulePrefix], c[RuleOldest] = 2, 1234567, 3
	const want = "           2  none\n     1234567  rule 8 (longest matching prefix)\n           3  tie (oldest address)\n"
	if c.String() != want {
		t.Errorf("%q, want %q", c.String(), want)
	}
	text, err := json.Marshal(c)
	if err != nil || string(text) != `{"none":2,"oldest":3,"prefix":1234567}` {
		t.Errorf("%s, %v", text, err)
	}
	var back RuleCounts
	if err := json.Unmarshal(text, &back); err != nil || back != c {
		t.Errorf("%v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"tossed":1}`), &back); err == nil {
		t.Error("an unknown rule is read")
	}
}

// go test -bench RuleCount -cpu 1,2 ./srcselect
func BenchmarkRuleCount(b *testing.B) {
	s := selectorWith(b, Config{}, "2001:db8:1::1", "2001:db8:2::1", "fe80::1", "192.0.2.1")
	q := to("2001:db8:1::9")
	b.Run("none", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				benchmarkSelect(b, s, q)
			}
		})
	})
	b.Run("own", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			var own RuleCounts
			for pb.Next() {
				own.Count(benchmarkSelect(b, s, q))
			}
		})
	})
	b.Run("shared", func(b *testing.B) {
		var shared RuleCounter
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				shared.Count(benchmarkSelect(b, s, q))
			}
		})
	})
}

func benchmarkSelect(b *testing.B, s *Selector, q Query) Rule {
	r, err := s.Select(q)
	if err != nil {
		b.Error(err)
	}
	return r.Rule
}
