//go:build !(linux && !android) && !windows

package main

import (
	"log/slog"
	"time"
)

func hostTable(log *slog.Logger, poll time.Duration) (t *table, stop func() error, err error) {
	return pollTable(log, poll)
}
