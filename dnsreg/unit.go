package dnsreg

import (
	"context"
	"math/rand/v2"
	"time"
)

// unit is what succeeds, fails and backs off on its own: the forward zone, a reverse zone, the search for
// reverse zones.
type unit struct {
	place       place
	pass        uint64 // the last one that it was part of
	failures    int    // in a row
	err         error
	until       time.Time // of the next attempt after a failure
	refreshAt   time.Time // zero: never confirmed yet
	lastSuccess time.Time
	lastFailure time.Time
}

// waiting reports whether the unit backs off.
func (u *unit) waiting(now time.Time) bool { return u.failures > 0 && now.Before(u.until) }

// due reports whether the records are to be confirmed.
func (u *unit) due(now time.Time) bool { return !now.Before(u.refreshAt) }

// next is when the unit needs attention by itself.
func (u *unit) next() time.Time {
	if u.failures > 0 {
		return u.until
	}
	return u.refreshAt
}

const (
	minBackoff = time.Second
	maxBackoff = 10 * time.Minute
	never      = 100 * 365 * 24 * time.Hour
)

// backoff is exponential with full jitter: hosts that lost a server together do not come back together.
func backoff(dice *rand.Rand, failures int) time.Duration {
	window := maxBackoff
	if failures < 10 {
		window = min(window, minBackoff<<failures)
	}
	return max(minBackoff, time.Duration(dice.Int64N(int64(window)))+1)
}

// result is what came of an attempt.
type result struct {
	heard bool // the server confirmed or changed something
	all   bool // everything was confirmed, not only what changed
	err   error
}

// conclude books the result of an attempt. The end of the caller's context is nobody's failure.
func (r *Registrar) conclude(ctx context.Context, u *unit, res result) {
	now := r.cfg.Clock.Now()
	if res.heard && res.err == nil {
		u.lastSuccess = now
	}
	if res.err == nil {
		u.failures, u.err = 0, nil
		if !res.all {
			return
		}
		wait := r.cfg.Refresh
		if wait < 0 {
			wait = never
		}
		u.refreshAt = now.Add(wait - time.Duration(r.net.dice.Int64N(int64(wait/10+1))))
		return
	}
	if ctx.Err() != nil {
		return
	}
	u.err, u.lastFailure = res.err, now
	u.failures++
	u.until = now.Add(backoff(r.net.dice, u.failures))
	if ClassOf(res.err) == Rediscover && u.place.zone != "" {
		r.places.displace(u.place) // the zone may be elsewhere now
	}
	r.cfg.Logger.Warn("dnsreg: attempt failed", "zone", u.place.zone, "server", u.place.server,
		"class", ClassOf(res.err), "failures", u.failures, "again", u.until.Sub(now), "error", res.err)
}

// wake is the time of the next pass. PTR records that wait for a forward zone are not due by themselves.
func (r *Registrar) wake() (t time.Time) {
	earlier := func(n time.Time) {
		if t.IsZero() || n.Before(t) {
			t = n
		}
	}
	for _, units := range []map[place]*unit{r.forward, r.reverse} {
		for _, u := range units {
			if u.pass == r.passes {
				earlier(u.next())
			}
		}
	}
	if r.search.failures > 0 {
		earlier(r.search.next())
	}
	return t
}
