package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A Case is one thing that a raw socket has to do.
type Case struct {
	// Name is the case's, from the subject to the detail: "send/icmpv6/zero".
	Name string
	// RFC is where the rule stands: "RFC 3542 section 3.1".
	RFC string
	// Due is the rule's outcome in one sentence.
	Due string

	steps []step
}

// Cases returns all cases, by subject, in an order that does not change. The slice is the caller's.
func Cases() []Case {
	return slices.Concat(optionCases, sendCases, offsetCases, receiveCases, verifyCases, filterCases,
		deliverCases, fragmentCases, headerCases, pathCases)
}

// A Deviation is the error about a host that does something else than a case is about.
type Deviation struct {
	Case Case
	// Sent is what the suite did, in order: sockets, options, packets.
	Sent []string
	// Seen is what the host then did. It holds nothing that differs from run to run.
	Seen string
	// Due is what it had to do.
	Due string
}

// Error tells all of it, in several lines.
func (d *Deviation) Error() string {
	return fmt.Sprintf("conformance: %s (%s)\n  sent: %s\n  seen: %s\n  due:  %s\n  rule: %s",
		d.Case.Name, d.Case.RFC, strings.Join(d.Sent, "; "), d.Seen, d.Due, d.Case.Due)
}

// Check runs the case on a fresh backend. The error is a *Deviation, if any: a host that can't be
// used at all deviates too, and so does one for which the case still waits at the deadline of ctx.
// Without a deadline it waits for as long as the backend and its sockets do.
func (c Case) Check(ctx context.Context, b Backend) error {
	r := &rig{ctx: ctx, b: b}
	defer r.close()
	err := r.open()
	for i := 0; i < len(c.steps) && err == nil; i++ {
		err = c.steps[i].do(r)
	}
	if err == nil {
		return nil
	}
	d := &Deviation{Case: c, Sent: r.log, Seen: err.Error(), Due: c.Due}
	if o, ok := err.(*outcome); ok {
		d.Seen, d.Due = o.seen, o.due
	}
	return d
}

// A step is a part of a case. Its error, an *outcome mostly, ends the case.
type step interface{ do(r *rig) error }

// stepFunc is a step.
type stepFunc func(r *rig) error

func (f stepFunc) do(r *rig) error { return f(r) }

// outcome is what a step says that did not go as due.
type outcome struct{ seen, due string }

func (o *outcome) Error() string { return o.seen + ", due: " + o.due }

func deviates(due, seen string, args ...any) error {
	return &outcome{seen: fmt.Sprintf(seen, args...), due: due}
}
