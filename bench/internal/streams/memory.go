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

// memoryBench compares stacks in memory; whole, with ours without offload, too.
func memoryBench(ctx context.Context, plan pairs.Plan, whole bool) (*bench, error) {
	b := newBench()
	if err := b.inMemory(ctx, plan, whole); err != nil {
		b.close()
		return nil, err
	}
	transfers := b.Check
	b.Check = func() error { return errors.Join(checkTap(ctx, plan), transfers()) }
	return b, nil
}

// The places of inMemory's contenders.
const (
	gvisor = iota
	wireguard
	pipe
	tapped
	packets // one by one
)

// inMemory sets the contenders and rows.
func (b *bench) inMemory(ctx context.Context, plan pairs.Plan, whole bool) error {
	discard, err := tap(io.Discard)
	if err != nil {
		return err
	}
	ours := func(wrap func(stack.Link) stack.Link) func() (*pairs.Pair, error) {
		return func() (*pairs.Pair, error) { return pairs.Hextet(ctx, plan, wrap) }
	}
	contenders := []struct {
		name string
		open func() (*pairs.Pair, error)
	}{
		gvisor:    {"gvisor channel", func() (*pairs.Pair, error) { return pairs.GVisor(ctx, plan) }},
		wireguard: {"wireguard-go tun", func() (*pairs.Pair, error) { return pairs.WireguardGo(ctx, plan) }},
		pipe:      {"hextet pipe", ours(nil)},
		tapped:    {"hextet tap", ours(discard)},
		packets:   {"hextet without offload", ours(plain)},
	}
	b.Rows = []suite.Row{
		{Name: "pipe", Ours: pipe, Peer: gvisor, Goal: report.Goal{Kind: report.AtLeast, Value: 10}},
		{Name: "tap", Ours: tapped, Peer: gvisor, Goal: report.Goal{Kind: report.AtLeast, Value: 4}},
		{Name: "wireguard-go", Ours: pipe, Peer: wireguard},
		{Name: "without-offload", Ours: packets, Peer: gvisor},
	}
	if !whole {
		contenders, b.Rows = contenders[:packets], b.Rows[:3]
	}
	for _, c := range contenders {
		p, err := b.open(c.open())
		if err == nil {
			_, err = b.add(ctx, p, c.name, false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// loopbackBench compares ours with the kernel's loopback, whose packets are larger.
func loopbackBench(ctx context.Context, plan pairs.Plan) (*bench, error) {
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
	return b, nil
}
