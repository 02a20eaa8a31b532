package measure

import (
	"context"
	"errors"
	"time"
)

// A Clock tells the time since some fixed moment.
type Clock func() time.Duration

// Config says how long to measure. The zero Config works.
type Config struct {
	// Rounds is the number of rounds that count. 0: 41.
	Rounds int

	// Round is how long a contender should run in one round; it does at least one
	// turn, however long that takes. 0: 1 ms.
	Round time.Duration

	// Clock is the time that is measured. nil: the system's monotonic clock.
	Clock Clock
}

func (c Config) filled() Config {
	if c.Rounds <= 0 {
		c.Rounds = 41
	}
	if c.Round <= 0 {
		c.Round = time.Millisecond
	}
	if c.Clock == nil {
		start := time.Now()
		c.Clock = func() time.Duration { return time.Since(start) }
	}
	return c
}

// Stretched returns a Config for turns that are long: rounds are longer times as long,
// and only one in fewer of them is run, at least one. 0 stands for 1.
func (c Config) Stretched(longer, fewer int) Config {
	c = c.filled()
	c.Round *= time.Duration(max(longer, 1))
	c.Rounds = max(c.Rounds/max(fewer, 1), 1)
	return c
}

// ErrTooFast says that a clock did not move however many turns were made.
var ErrTooFast = errors.New("measure: no time passes")

// Run returns a Sample for each contender, in their order. It ends early with ctx's
// error, between two contenders, and then there are no samples.
func Run(ctx context.Context, cfg Config, contenders ...Contender) ([]Sample, error) {
	cfg = cfg.filled()
	turns := make([]int, len(contenders))
	for i := range contenders {
		var err error
		if turns[i], err = calibrate(ctx, cfg, &contenders[i]); err != nil {
			return nil, err
		}
	}
	samples := make([]Sample, len(contenders))
	for i, c := range contenders {
		samples[i].Name = c.Name
	}
	for round := range cfg.Rounds {
		for k := range contenders {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			i := (k + round) % len(contenders)
			c := &contenders[i]
			samples[i].Rounds = append(samples[i].Rounds, c.time(turns[i], cfg.Clock)/c.operations(turns[i]))
		}
	}
	return samples, nil
}

// mostTurns bounds the search for a number of turns.
const mostTurns = 1 << 30

// calibrate finds the number of turns that takes about cfg.Round. It also warms up. Of
// three times the shortest counts: a turn that was interrupted for milliseconds would
// otherwise pass for a long one, and rounds of a few turns measure the clock. Where one
// turn is the limit there is nothing to find: such turns may take seconds.
func calibrate(ctx context.Context, cfg Config, c *Contender) (int, error) {
	limit := mostTurns
	if c.Limit > 0 {
		limit = c.Limit
	}
	if limit == 1 {
		return 1, nil
	}
	for n := 1; ; n = min(2*n, limit) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		elapsed := min(c.time(n, cfg.Clock), c.time(n, cfg.Clock), c.time(n, cfg.Clock))
		if elapsed >= float64(cfg.Round)/4 {
			n = int(float64(n) * float64(cfg.Round) / elapsed)
			return min(max(n, 1), limit), nil
		}
		switch {
		case n < limit:
		case elapsed <= 0:
			return 0, ErrTooFast
		default:
			return limit, nil
		}
	}
}
