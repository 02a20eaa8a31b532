package dnsreg

import (
	"context"
	"time"
)

// A change is followed when the Source has been quiet for debounceQuiet, or debounceMax after the first one, but
// not before debounceMax after the change before: what flaps with pauses in between costs no more than what flaps
// without.
const (
	debounceQuiet = 250 * time.Millisecond
	debounceMax   = time.Second
)

// Run keeps the records right until ctx ends, and returns ctx.Err() then. It makes a pass at once,
// follows the Source's changes, confirms the records every Config.Refresh, and repeats what failed, each
// zone by its own backoff; failures are logged and shown by Status. It leaves the records in place:
// see Deregister. Every goroutine and timer it started has ended when it returns, but for a timer that is just going
// off.
func (r *Registrar) Run(ctx context.Context) error {
	var followed time.Time // when the last change was
	for {
		o := r.pass(ctx, effort{})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var due <-chan struct{} // never
		stop := func() bool { return true }
		if !o.wake.IsZero() {
			// The lower bound keeps a clock that stands still from turning this into a busy loop.
			due, stop = after(r.cfg.Clock, max(debounceQuiet, o.wake.Sub(r.cfg.Clock.Now())))
		}
		switch await(r.cfg.Clock, ctx.Done(), o.changed, o.switched, r.synced, due) { // what failed in a Sync is repeated here
		case o.changed, o.switched:
			r.debounce(ctx, followed)
			followed = r.cfg.Clock.Now()
		}
		stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// debounce waits until the Source has come to rest, but not for ever. followed is when it
// last did.
func (r *Registrar) debounce(ctx context.Context, followed time.Time) {
	enough, stopEnough := after(r.cfg.Clock, debounceMax)
	defer stopEnough()
	for {
		_, changed := r.cfg.Source.Addresses()
		_, switched := r.switches.now()
		rest := max(debounceQuiet, followed.Add(debounceMax).Sub(r.cfg.Clock.Now()))
		quiet, stop := after(r.cfg.Clock, rest)
		got := await(r.cfg.Clock, ctx.Done(), enough, changed, switched, quiet)
		stop()
		if got != changed && got != switched {
			return
		}
	}
}
