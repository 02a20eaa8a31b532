package suite

import (
	"context"
	"errors"
	"fmt"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
)

// A Runner runs cases. All its functions must be set; they are called from Run.
type Runner struct {
	Measure measure.Config

	Row      func(report.Row) error
	Omit     func(Omission)
	Progress func(name string, done, all int)

	// Profiles is a directory for a CPU profile of ours of each row, taken after the
	// measurement. Empty: none.
	Profiles string
}

// Run runs the cases one after the other and hands over rows as soon as a case is
// done. A case that fails gives a row that says so, and the others still run. Run
// ends early with ctx's error, with that of Row, or with that of writing a profile.
func (r *Runner) Run(ctx context.Context, cases []Case) error {
	for i, c := range cases {
		r.Progress(c.Name, i, len(cases))
		if err := r.run(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// run runs one case.
func (r *Runner) run(ctx context.Context, c Case) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b, err := c.Open(ctx)
	if unavailable, ok := errors.AsType[*UnavailableError](err); ok {
		r.Omit(Omission{c.Name, unavailable.Why})
		return nil
	}
	if err != nil {
		return r.failed(ctx, c, err)
	}
	if b.Close != nil {
		defer b.Close()
	}
	rows, err := r.rows(ctx, c, b)
	if err != nil {
		return r.failed(ctx, c, err)
	}
	for _, row := range rows {
		if err := r.Row(row); err != nil {
			return err
		}
	}
	return r.profile(ctx, c.Name, b)
}

// failed hands over a row for a case that gave none, unless ctx is the reason.
func (r *Runner) failed(ctx context.Context, c Case, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return r.Row(report.Failed(c.Name, err))
}

// rows checks and measures.
func (r *Runner) rows(ctx context.Context, c Case, b *Bench) ([]report.Row, error) {
	if b.Check != nil {
		if err := b.Check(); err != nil {
			return nil, fmt.Errorf("different results, so not timed: %w", err)
		}
	}
	samples, err := measure.Run(ctx, r.Measure.Stretched(b.Longer, b.Fewer), b.Contenders...)
	if err == nil && b.Err != nil {
		err = b.Err()
	}
	if err != nil {
		return nil, err
	}
	var rows []report.Row
	for _, row := range b.Rows {
		name := join(c.Name, row.Name)
		if row.Peer == Nobody {
			rows = append(rows, report.Alone(name, "ns", row.Goal, samples[row.Ours]))
			continue
		}
		rows = append(rows, report.Compared(name, "ns", row.Goal, samples[row.Ours], samples[row.Peer]))
	}
	for _, count := range b.Counts {
		row, err := count.row(join(c.Name, count.Name))
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}
