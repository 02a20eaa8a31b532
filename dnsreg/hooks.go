package dnsreg

import (
	"context"
	"log/slog"
)

// Hooks are told what a Registrar does, on the goroutine of Sync, Deregister or Run and before it goes on.
// They must not call these, nor Plan. What they are given is theirs. A nil hook is not called.
type Hooks struct {
	// Decided is called at the start of each pass, with every address of the Source and what becomes of it.
	Decided func([]Verdict)
	// Sending is called before each update message, those that only confirm included.
	Sending func(ZonePlan)
	// Sent is called after it: with nil once the server has carried it out; with a *ServerError that is
	// Authentic when it refused, and nothing was done. Any other error leaves the outcome unknown, and so does
	// SERVFAIL.
	Sent func(ZonePlan, error)
}

// beforeSending tells of an update that is about to be sent.
func (r *Registrar) beforeSending(p place, m *parcel) {
	if f := r.cfg.Hooks.Sending; f != nil {
		f(m.plan(p))
	}
}

// afterSending tells what came of it.
func (r *Registrar) afterSending(p place, m *parcel, err error) {
	if f := r.cfg.Hooks.Sent; f != nil {
		f(m.plan(p), err)
	}
	if err != nil {
		return // the schedule logs what it means
	}
	if !r.cfg.Logger.Enabled(context.Background(), slog.LevelInfo) {
		return // nobody reads what it takes a while to put into words
	}
	log := r.cfg.Logger.With("zone", p.zone, "server", p.server)
	if !m.changes() {
		log.Debug("dnsreg: zone confirmed")
		return
	}
	plan := m.plan(p)
	log.Info("dnsreg: zone updated", "deletes", brevity(plan.Deletes), "adds", brevity(plan.Adds))
	if log.Enabled(context.Background(), slog.LevelDebug) {
		log.Debug("dnsreg: update", "prerequisites", plan.Prerequisites, "deletes", plan.Deletes, "adds", plan.Adds)
	}
}

// brevity is a short list as it is, and the length of a long one.
func brevity(list []string) any {
	if len(list) > 8 {
		return len(list)
	}
	return list
}

// plan is the message in words.
func (m *parcel) plan(at place) ZonePlan {
	z := ZonePlan{Zone: at.zone, Server: at.server}
	z.Prerequisites, z.Deletes, z.Adds = describe(m.msg)
	return z
}
