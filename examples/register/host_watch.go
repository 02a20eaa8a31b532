//go:build (linux && !android) || windows

package main

import (
	"context"
	"log/slog"
	"time"
)

// lookAgain is when to try again what failed.
const lookAgain = time.Second

// watch looks at the system's addresses after each event, until ctx ends. wait returns after one; it fails if some may
// be missed, and starts over when it is called again, with an event at once. An event that led to no look is not
// forgotten: with the addresses as they are now, no other may come.
func watch(ctx context.Context, log *slog.Logger, wait, look func() error) {
	due := false
	for ctx.Err() == nil {
		var err error
		if !due {
			err = wait()
			due = err == nil
		}
		if due {
			err = look()
			due = err != nil
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		log.Error("addresses can't be read; the last known ones hold", "again in", lookAgain, "error", err)
		timer := time.NewTimer(lookAgain)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}
