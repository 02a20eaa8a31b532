package sums

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
)

// tierCases are the goals of the tiers that Sum doesn't use here: the slower ones, and what
// this processor doesn't have, which is left out by name.
func tierCases() (cases []suite.Case) {
	for i, name := range tierNames {
		if uint8(i) == tier {
			continue
		}
		cases = append(cases, suite.Case{Name: "checksum/tier/" + name, Open: func(context.Context) (*suite.Bench, error) {
			b := tierBench(uint8(i))
			if uint8(i) > bestTier { // with the bench, which has the goals
				return b, suite.Unavailable("this processor, or GODEBUG, has no %s", name)
			}
			return b, nil
		}})
	}
	return cases
}

// tierBench has a row for each goal of a tier.
func tierBench(t uint8) *suite.Bench {
	b := &suite.Bench{}
	add := func(row string, goal report.Goal, pair ...measure.Contender) {
		at := len(b.Contenders)
		b.Contenders = append(b.Contenders, forced(t, pair[0]), pair[1])
		b.Rows = append(b.Rows, suite.Row{Name: row, Ours: at, Peer: at + 1, Goal: goal})
	}
	name, ours := tierNames[t], ours
	if t == 0 {
		ours = pureGo
	}
	for _, n := range ascending(gvisorGoals[name]) {
		data := payload(n)
		add(fmt.Sprintf("%d/gvisor", n), atLeast(gvisorGoals[name], n), ours.contender(data), gvisorPeer.contender(data))
	}
	for _, n := range ascending(loadsGoals[name]) { // of tiers with the instructions that the loop of loads needs
		data := payload(n)
		add(fmt.Sprintf("%d/loads", n), atLeast(loadsGoals[name], n), ours.contender(data), loads.contender(data))
	}
	for _, n := range ascending(randomGoals[name]) {
		add(fmt.Sprintf("random/%d-%d/gvisor", shortest, n), atLeast(randomGoals[name], n), randomBench(n).Contenders...)
	}
	b.Check = func() error { return asTier(t, func() error { return agreeOnAll(ours) }) }
	return b
}

func ascending(goals map[int]float64) []int { return slices.Sorted(maps.Keys(goals)) }

// forced runs c on a tier. Nobody else sums meanwhile.
func forced(t uint8, c measure.Contender) measure.Contender {
	saved := tier
	c.Name += " " + tierNames[t]
	c.Before = func(int) { tier = t }
	c.After = func(int) { tier = saved }
	return c
}

// asTier calls f while sums are a tier's.
func asTier(t uint8, f func() error) error {
	defer func(saved uint8) { tier = saved }(tier)
	tier = t
	return f()
}

// agreeOnAll compares p and gVisor at lengths up to the longest.
func agreeOnAll(p peer) error {
	b := payload(65535)
	for n := 1; n <= len(b); n += 1 + n/1600*97 {
		if got, want := p.once(b[:n]), gvisorPeer.once(b[:n]); got != want {
			return fmt.Errorf("sums: %d bytes: %#04x, gVisor gives %#04x", n, got, want)
		}
	}
	return nil
}
