package streams

import (
	"context"
	"errors"
	"io"

	"github.com/hextet/hextet/bench/internal/pairs"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/capture"
)

// plain takes the methods of offload from a link.
func plain(l stack.Link) stack.Link { return struct{ stack.Link }{l} }

// tap returns what records each packet of a link on w.
func tap(w io.Writer) (func(stack.Link) stack.Link, error) {
	recorder, err := capture.NewWriter(w, capture.Options{})
	return func(l stack.Link) stack.Link { return recorder.Tap("near", l) }, err
}

// memoryBench compares stacks in memory.
func memoryBench(ctx context.Context, plan pairs.Plan) (*suite.Bench, error) {
	b := newBench()
	if err := b.inMemory(ctx, plan); err != nil {
		b.close()
		return nil, err
	}
	transfers := b.Check
	b.Check = func() error { return errors.Join(checkTap(ctx, plan), transfers()) }
	return &b.Bench, nil
}

// inMemory sets the contenders and rows.
func (b *bench) inMemory(ctx context.Context, plan pairs.Plan) error {
	discard, err := tap(io.Discard)
	if err != nil {
		return err
	}
	ours := func(wrap func(stack.Link) stack.Link) func() (*pairs.Pair, error) {
		return func() (*pairs.Pair, error) { return pairs.Hextet(ctx, plan, wrap) }
	}
	for _, c := range []struct {
		name string
		open func() (*pairs.Pair, error)
	}{
		{"gvisor channel", func() (*pairs.Pair, error) { return pairs.GVisor(ctx, plan) }},
		{"wireguard-go tun", func() (*pairs.Pair, error) { return pairs.WireguardGo(ctx, plan) }},
		{"hextet pipe", ours(nil)},
		{"hextet tap", ours(discard)},
		{"hextet without offload", ours(plain)},
	} {
		p, err := b.open(c.open())
		if err == nil {
			_, err = b.add(ctx, p, c.name, false)
		}
		if err != nil {
			return err
		}
	}
	const gvisor, wireguard, pipe, taps, whole = 0, 1, 2, 3, 4
	b.Rows = []suite.Row{
		{Name: "pipe", Ours: pipe, Peer: gvisor, Goal: report.Goal{Kind: report.AtLeast, Value: 10}},
		{Name: "tap", Ours: taps, Peer: gvisor, Goal: report.Goal{Kind: report.AtLeast, Value: 4}},
		{Name: "without-offload", Ours: whole, Peer: gvisor},
		{Name: "wireguard-go", Ours: pipe, Peer: wireguard},
	}
	return nil
}

// loopbackBench compares ours with the kernel's loopback, whose packets are larger.
func loopbackBench(ctx context.Context, plan pairs.Plan) (*suite.Bench, error) {
	b := newBench()
	for _, open := range []func() (*pairs.Pair, error){
		func() (*pairs.Pair, error) { return pairs.Hextet(ctx, plan, nil) },
		func() (*pairs.Pair, error) { return pairs.Loopback(ctx, plan) },
	} {
		p, err := b.open(open())
		if err == nil {
			_, err = b.add(ctx, p, p.Name, false)
		}
		if err != nil {
			b.close()
			return nil, err
		}
	}
	b.Rows = []suite.Row{{Ours: 0, Peer: 1}}
	return &b.Bench, nil
}
