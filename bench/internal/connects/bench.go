package connects

import (
	"context"
	"fmt"

	"github.com/hextet/hextet/bench/internal/pairs"
	"github.com/hextet/hextet/bench/internal/suite"
)

// A bench collects dialers, of which each becomes a contender.
type bench struct {
	suite.Bench
	dialers []*dialer
}

// newBench returns one with rounds of many connects.
func newBench() *bench {
	b := &bench{}
	b.Longer, b.Fewer = 4, 2
	b.Check, b.Err, b.Close = b.check, b.err, b.close
	return b
}

// add adds the dialer of a pair with a plan.
func (b *bench) add(ctx context.Context, name string, plan pairs.Plan, open func(context.Context, pairs.Plan) (*pairs.Pair, error)) error {
	p, err := open(ctx, plan)
	if err != nil {
		return err
	}
	d := newDialer(ctx, p, plan)
	b.dialers = append(b.dialers, d)
	b.Contenders = append(b.Contenders, d.contender(name))
	return nil
}

func (b *bench) check() error {
	for i, d := range b.dialers {
		if err := d.check(); err != nil {
			return fmt.Errorf("%s: %w", b.Contenders[i].Name, err)
		}
	}
	return nil
}

func (b *bench) err() error {
	for i, d := range b.dialers {
		if d.err != nil {
			return fmt.Errorf("%s: %w", b.Contenders[i].Name, d.err)
		}
	}
	return nil
}

func (b *bench) close() {
	for _, d := range b.dialers {
		d.after(0)
		d.pair.Close()
	}
}
