package updates

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
)

// crowd is how many names change at once where more than one does.
const crowd = 16

// rehearsal is how many changes each name has before any is timed. Registrars of one zone find out in the first ones
// that others change it all the time.
const rehearsal = 10

// A changer gives names one address after the other.
type changer interface {
	change(n int)               // n times, each name
	now() (at []int, err error) // which address each name has; the first error of change
	all() []string
	close() error
}

// A team is a contender: who changes so many names, in a zone of their own, and how often in a round.
type team struct {
	name         string
	names, batch int
	start        func(r *rate, names []string) (changer, error)
}

func oursTeam(names, batch int) team {
	name := "hextet"
	if names > 1 {
		name = fmt.Sprintf("hextet, %d", names)
	}
	return team{name, names, batch, func(r *rate, names []string) (changer, error) { return newOurs(r.ctx, r.server, names) }}
}

func sessionsTeam(names, batch int) team {
	name := "nsupdate"
	if names > 1 {
		name = fmt.Sprintf("nsupdate, %d processes", names)
	}
	return team{name, names, batch, func(r *rate, names []string) (changer, error) { return newSessions(r.ctx, r.tools, names) }}
}

func eachTeam() team {
	return team{"nsupdate, a process each", 1, 1, func(r *rate, names []string) (changer, error) {
		return &each{ctx: r.ctx, tools: r.tools, name: names[0]}, nil
	}}
}

// A rate is the teams at one server.
type rate struct {
	ctx      context.Context
	server   *server
	tools    *toolbox
	shared   bool // all names are in one zone
	teams    []team
	changers []changer
	before   []messages // of the rehearsal, by team
}

// openRate opens what has rounds of one turn, and in it a given number of changes: Knot takes the first change after
// a pause at once, and others when it likes, so that who made fewer would look better.
func openRate(ctx context.Context, k kind, shared bool, teams ...team) (*rate, *suite.Bench, error) {
	r := &rate{ctx: ctx, shared: shared, teams: teams, before: make([]messages, len(teams))}
	if err := r.open(k); err != nil {
		return nil, nil, errors.Join(err, r.close())
	}
	b := &suite.Bench{Check: r.check, Err: r.err, Close: func() { r.close() }}
	for i, t := range teams {
		c := r.changers[i]
		b.Contenders = append(b.Contenders, measure.Contender{
			Name: t.name, Limit: 1, Ops: t.batch * t.names, Run: func(n int) { c.change(n * t.batch) },
		})
	}
	return r, b, nil
}

// openPair opens ours and nsupdate, with as many processes as names.
func openPair(ctx context.Context, k kind, shared bool, names, batch int, goal report.Goal) (*suite.Bench, error) {
	r, b, err := openRate(ctx, k, shared, oursTeam(names, batch), sessionsTeam(names, batch))
	if err != nil {
		return nil, err
	}
	b.Rows = []suite.Row{{Ours: 0, Peer: 1, Goal: goal}}
	b.Counts = []suite.Count{{Name: "messages", Unit: "msg", Get: func() (float64, error) { return r.perChange(0), nil }}}
	return b, nil
}

// openProcesses opens ours, with one name and with several, and a process for each change. If it should be quick, there
// is one name only.
func openProcesses(ctx context.Context, k kind, quick bool) (*suite.Bench, error) {
	teams := []team{eachTeam(), oursTeam(1, k.batch), oursTeam(crowd, 1)}
	tenfold := report.Goal{Kind: report.AtLeast, Value: 10}
	rows := []suite.Row{{Name: "one", Ours: 1, Peer: 0, Goal: tenfold}, {Name: "16", Ours: 2, Peer: 0, Goal: tenfold}}
	if k.slow {
		rows[0].Goal = report.Goal{}
	}
	if quick {
		teams, rows = teams[:2], rows[:1]
	}
	_, b, err := openRate(ctx, k, false, teams...)
	if err != nil {
		return nil, err
	}
	b.Rows = rows
	return b, nil
}

func (r *rate) open(k kind) (err error) {
	if err := installed(tools...); err != nil {
		return err
	}
	var zones []string
	for i := range r.teams {
		if r.shared {
			i = 0
		}
		zones = append(zones, fmt.Sprintf("zone%d.test", i))
	}
	if r.server, err = k.open(slices.Compact(slices.Clone(zones))); err != nil {
		return err
	}
	if r.tools, err = newToolbox(r.server); err != nil {
		return err
	}
	for i, t := range r.teams {
		var names []string
		for k := range t.names {
			names = append(names, fmt.Sprintf("host%d-%d.%s", i, k, zones[i]))
		}
		c, err := t.start(r, names)
		if err != nil {
			return err
		}
		r.changers = append(r.changers, c)
	}
	return nil
}

// check lets all of them change their names, and asks.
func (r *rate) check() error {
	for i, c := range r.changers {
		n := 2 // the first is another than those that follow
		if r.teams[i].names > 1 {
			n = rehearsal
		}
		c.change(n)
		r.before[i] = r.sent(i)
	}
	return r.err()
}

// err says if a change has failed, or a name is not where it ought to be.
func (r *rate) err() error {
	for i, c := range r.changers {
		at, err := c.now()
		for k, name := range c.all() {
			if err == nil {
				err = r.server.holds(r.ctx, name, numbered(at[k]))
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", r.teams[i].name, err)
		}
	}
	return nil
}

// messages are how many were sent, questions included, for how many changes.
type messages struct{ sent, changes uint64 }

// sent counts those of a team of ours.
func (r *rate) sent(team int) (m messages) {
	o, ok := r.changers[team].(*ours)
	if !ok {
		return messages{}
	}
	for _, h := range o.hosts {
		c := h.registrar.Status().Counters
		m.sent += c.Updates + c.Queries
		m.changes += uint64(h.at)
	}
	return m
}

// perChange is how many messages a change has taken since the rehearsal.
func (r *rate) perChange(team int) float64 {
	now, before := r.sent(team), r.before[team]
	return float64(now.sent-before.sent) / float64(now.changes-before.changes)
}

func (r *rate) close() (err error) {
	for _, c := range r.changers {
		err = errors.Join(err, c.close())
	}
	if r.tools != nil {
		err = errors.Join(err, r.tools.close())
	}
	if r.server != nil {
		err = errors.Join(err, r.server.close())
	}
	return err
}
