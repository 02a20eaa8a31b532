package sums

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"

	"github.com/hextet/hextet/bench/internal/limit"
	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/icmp6/checksum"
)

// Sizes of the payloads, in bytes: a UDP and a TCP header, the pseudo-header, small
// ones, the IPv4 and IPv6 minimum MTUs, Ethernet's, a jumbo frame's, the longest.
var sizes = []int{8, 20, 40, 64, 256, 576, 1280, 1500, 9000, 65535}

// limitSizes are those of the loads alone: from 64 KiB up the second-level and
// third-level caches are the limit.
var limitSizes = []int{64, 256, 1500, 9000, 64 << 10, 1 << 20}

// Cases returns the cases of the checksum.
func Cases() []suite.Case {
	var cases []suite.Case
	for _, n := range sizes {
		cases = append(cases, suite.Case{Name: fmt.Sprintf("checksum/sum/%d", n), Open: func(context.Context) (*suite.Bench, error) { return sumBench(n), nil }})
	}
	cases = append(cases, randomCases()...)
	cases = append(cases, copyCases()...)
	cases = append(cases, headerCases()...)
	for _, n := range limitSizes {
		cases = append(cases, suite.Case{Name: fmt.Sprintf("checksum/limit/%d", n), Open: func(context.Context) (*suite.Bench, error) { return limitBench(n) }})
	}
	cases = append(cases, tierCases()...)
	return append(cases, suite.Case{Name: "checksum/limit/call", Open: func(context.Context) (*suite.Bench, error) { return callBench(), nil }})
}

// payload returns n random bytes that begin at a page.
func payload(n int) []byte {
	page := os.Getpagesize()
	b := make([]byte, n+page)
	b = b[pageOffset(b, page):][:n]
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// contender sums b over and over.
func (p *peer) contender(b []byte) measure.Contender {
	return measure.Contender{Name: p.name, Ops: 8, Run: func(n int) {
		var s uint16
		for range n {
			s += p.eight(b)
		}
		runtime.KeepAlive(s)
	}}
}

// sumBench is ours and every peer at one size.
func sumBench(n int) *suite.Bench {
	b := payload(n)
	bench := &suite.Bench{
		Check:      func() error { return agree(b) },
		Contenders: []measure.Contender{ours.contender(b)},
	}
	for i, p := range peers {
		bench.Contenders = append(bench.Contenders, p.contender(b))
		bench.Rows = append(bench.Rows, suite.Row{Name: p.name, Ours: 0, Peer: i + 1, Goal: peerGoal(p.name, n)})
	}
	return bench
}

// agree says which peer sums b otherwise than ours.
func agree(b []byte) error {
	want := ours.once(b)
	for _, p := range peers {
		if got := p.once(b); got != want {
			return fmt.Errorf("sums: %d bytes: %s gives %#04x, ours %#04x", len(b), p.name, got, want)
		}
	}
	return nil
}

func limitBench(n int) (*suite.Bench, error) {
	if !limit.Available() {
		return nil, suite.Unavailable("the loop of loads is written for amd64 with AVX2")
	}
	b := payload(n)
	return &suite.Bench{
		Contenders: []measure.Contender{ours.contender(b), loads.contender(b)},
		Rows:       []suite.Row{{Name: loads.name, Ours: 0, Peer: 1, Goal: atLeast(loadsGoals[checksum.Implementation()], n)}},
	}, nil
}

// callBench compares the shortest sum with a call that does nothing.
func callBench() *suite.Bench {
	b := payload(8)
	return &suite.Bench{
		Contenders: []measure.Contender{ours.contender(b), call.contender(b)},
		Rows:       []suite.Row{{Ours: 0, Peer: 1}},
	}
}
