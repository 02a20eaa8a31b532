package srcselect

import (
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
)

const ruleCount = len(ruleNames)

// A RuleCounter counts choices by what decided them, as FreeBSD's kernel does. A
// Selector knows nothing of it, so that Select costs the same with and without: who
// wants a choice counted counts it. The zero RuleCounter is ready; its methods are
// safe for concurrent use. It must not be copied after first use.
//
// Counting takes some nanoseconds, and more while several processors count at once.
// Those for whom that is too much count in RuleCounts of their own, which takes about
// one, and Add them now and then.
type RuleCounter struct {
	counts [ruleCount]atomic.Uint64
}

// Count counts a choice that r decided: Result.Rule, which is RuleNone where Select
// has returned an error.
func (c *RuleCounter) Count(r Rule) {
	if int(r) < ruleCount {
		c.counts[r].Add(1)
	}
}

// Add adds the counts of d.
func (c *RuleCounter) Add(d RuleCounts) {
	for r, n := range d {
		if n > 0 {
			c.counts[r].Add(n)
		}
	}
}

// Counts returns what has been counted so far.
func (c *RuleCounter) Counts() (counts RuleCounts) {
	for r := range counts {
		counts[r] = c.counts[r].Load()
	}
	return counts
}

// RuleCounts holds how often each Rule decided, which is its index. It is a plain
// array: not safe for concurrent use.
type RuleCounts [ruleCount]uint64

// Count counts a choice that r decided, as RuleCounter.Count does.
func (c *RuleCounts) Count(r Rule) {
	if int(r) < ruleCount {
		c[r]++
	}
}

// Add adds the counts of d.
func (c *RuleCounts) Add(d RuleCounts) {
	for r := range c {
		c[r] += d[r]
	}
}

// Since returns how much c has grown since it was d.
func (c RuleCounts) Since(d RuleCounts) RuleCounts {
	for r := range c {
		c[r] -= d[r]
	}
	return c
}

// All returns the rules that decided anything, in their order, with their counts.
func (c RuleCounts) All() iter.Seq2[Rule, uint64] {
	return func(yield func(Rule, uint64) bool) {
		for r, n := range c {
			if n > 0 && !yield(Rule(r), n) {
				return
			}
		}
	}
}

// String returns the counts as a table of plain text, one rule a line.
func (c RuleCounts) String() string {
	var b strings.Builder
	for r, n := range c.All() {
		fmt.Fprintf(&b, "%12d  %v\n", n, r)
	}
	return b.String()
}
