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
	for i, c := range []struct {
		name string
		open func() (*pairs.Pair, error)
		row  suite.Row
	}{
		{"gvisor channel", func() (*pairs.Pair, error) { return pairs.GVisor(ctx, plan) }, suite.Row{}},
		{"hextet pipe", ours(nil), suite.Row{Name: "pipe", Goal: report.Goal{Kind: report.AtLeast, Value: 10}}},
		{"hextet tap", ours(discard), suite.Row{Name: "tap", Goal: report.Goal{Kind: report.AtLeast, Value: 4}}},
		{"hextet without offload", ours(plain), suite.Row{Name: "without-offload"}},
	} {
		p, err := b.open(c.open())
		if err != nil {
			return err
		}
		at, err := b.add(ctx, p, c.name, false)
		if err != nil {
			return err
		}
		if i > 0 {
			c.row.Ours = at
			b.Rows = append(b.Rows, c.row)
		}
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
