package suite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"time"
)

// profileTime is how long a contender runs for its profile: some hundred samples.
const profileTime = time.Second

var fileName = strings.NewReplacer("/", "_", " ", "_", "=", "_")

// profile writes a CPU profile of each contender that is ours in a row, named by the first
// such row and the contender: several contenders of a case may have one name.
func (r *Runner) profile(ctx context.Context, name string, b *Bench) error {
	if r.Profiles == "" {
		return nil
	}
	done := map[int]bool{}
	for _, row := range b.Rows {
		if done[row.Ours] {
			continue
		}
		done[row.Ours] = true
		file := fileName.Replace(join(join(name, row.Name), b.Contenders[row.Ours].Name)) + ".pprof"
		if err := r.profileOne(ctx, filepath.Join(r.Profiles, file), b, row.Ours); err != nil {
			return err
		}
	}
	return nil
}

// profileOne runs one contender with what comes before and after it.
func (r *Runner) profileOne(ctx context.Context, file string, b *Bench, at int) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return errors.Join(err, f.Close())
	}
	c := &b.Contenders[at]
	for n, start := 1, time.Now(); time.Since(start) < profileTime && ctx.Err() == nil; n = 2 * n {
		if c.Limit > 0 {
			n = min(n, c.Limit)
		}
		n = min(n, 1<<16)
		if c.Before != nil {
			c.Before(n)
		}
		c.Run(n)
		if c.After != nil {
			c.After(n)
		}
	}
	pprof.StopCPUProfile()
	return f.Close()
}
