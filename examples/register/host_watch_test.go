//go:build (linux && !android) || windows

package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// After an event the addresses are looked at until that succeeds, and who listens starts over after a failure.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var steps []string
		start := time.Now()
		next := func(name string, errs *[]error) func() error {
			return func() error {
				steps = append(steps, name+"@"+time.Since(start).String())
				if len(*errs) == 0 { // nothing more happens
					<-ctx.Done()
					return ctx.Err()
				}
				err := (*errs)[0]
				*errs = (*errs)[1:]
				return err
			}
		}
		bad := errors.New("no buffer space")
		waits, looks := []error{nil, nil, bad, nil}, []error{nil, bad, bad, nil, nil}
		var log strings.Builder
		done := make(chan struct{})
		go func() {
			defer close(done)
			watch(ctx, slog.New(slog.NewTextHandler(&log, nil)), next("wait", &waits), next("look", &looks))
		}()
		<-time.After(time.Minute)
		cancel()
		<-done
		want := []string{
			"wait@0s", "look@0s", // all is well
			"wait@0s", "look@0s", "look@1s", "look@2s", // two looks fail
			"wait@2s", "wait@3s", "look@3s", // events may be missed
			"wait@3s",
		}
		if !slices.Equal(steps, want) {
			t.Errorf("%q\nwant %q", steps, want)
		}
		if n := strings.Count(log.String(), "no buffer space"); n != 3 {
			t.Errorf("%d failures are told, want 3\n%s", n, &log)
		}
	})
}

// The end of ctx ends the wait before another try.
func TestWatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), lookAgain/2)
		defer cancel()
		start := time.Now()
		watch(ctx, slog.New(slog.DiscardHandler), func() error { return nil }, func() error { return errors.New("no") })
		if got := time.Since(start); got != lookAgain/2 {
			t.Errorf("it ended after %v", got)
		}
	})
}
