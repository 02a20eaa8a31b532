package lab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/hextet/hextet/stack"
)

// Config configures a Lab. The zero Config works.
type Config struct {
	// Seed decides all that is random: losses, ports, identifiers, delays. The same seed gives the same
	// run. Zero is a seed like others.
	Seed uint64

	// Start is the time at which the lab begins. Zero: 2000-01-01 00:00 UTC, or the present if RealTime is
	// set.
	Start time.Time

	// RealTime lets time pass as it does outside, for a lab with an Uplink: see there. What is ready first
	// goes first, so no run is like another. False: the lab has its own time.
	RealTime bool

	// Manual keeps time where it is but for Advance. False: it goes on to the next thing that is to
	// happen, whenever nobody has anything left to do.
	Manual bool

	// Patience is how much of the lab's time may pass without any task getting on before the lab gives
	// up, says so and closes its hosts. Waiting in Sleep, Advance or for a timer of Clock counts as getting
	// on. Zero: 30 days. Negative: for ever.
	Patience time.Duration

	// AllowLeaks is for tasks that start goroutines that outlive the lab, a library's own say. False: Close
	// returns an error that names them.
	AllowLeaks bool

	// MaxTrace is how much of what was sent is kept, in bytes of memory. What is over it is left out,
	// the oldest first, and Lab.LeftOut counts it. Zero: 64 MiB. Negative: nothing is kept.
	MaxTrace int

	// AllowBadChecksums is for labs whose hosts are meant to send bad checksums. False: a packet that
	// has one and comes from the host itself fails the test, and is an error of Close.
	AllowBadChecksums bool

	// Logger is told what the hosts tell their loggers, and of an Uplink whose socket fails. nil: nobody.
	Logger *slog.Logger
}

// A Lab is a network in memory: segments, and hosts on them. Its methods may be called from several
// goroutines at once.
type Lab struct {
	cfg   Config
	tb    TB // nil: no test's
	sched *scheduler
	ctx   context.Context
	end   context.CancelCauseFunc
	trace trace

	scripts scripts
	luck    lockedSource // of Clock

	label string     // of its tasks' goroutines
	wires sync.Mutex // of all segments and plugs; taken below stacks' locks

	beginning sync.Mutex // held by who makes the first segment
	looking   sync.Mutex // held by who looks at the trace: see look

	mu       sync.Mutex
	hosts    []*Host
	segments []*Segment
	names    map[string]bool // of hosts and segments
	numbers  map[string]int  // how many names were made of each kind
	made     int             // hosts
	tasks    []*Task
	kept     int   // of tasks, when some were last dropped
	began    bool  // there was a task
	failed   error // why the lab gave up
	closing  bool
	unheard  error // what Close told a task, and nobody else yet

	complaints  []string         // what the test failed of, as far as the lab knows
	seen        []pageHost       // what the hosts were like before they were closed; nil: they are not
	nameservers []netip.AddrPort // those of the DNS hosts
	closers     []func() error   // of what else there is to close, before the hosts
	closed      chan struct{}    // closed at the end of Close
}

// TB is what a lab needs of a test: *testing.T, *testing.B and *testing.F have it.
type TB interface {
	Helper()
	Name() string
	Failed() bool
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// New returns a lab that the end of a test, benchmark or fuzz target closes. What is wrong with it, at its
// end too, fails the test. At most one Config may be given. The calling goroutine is the lab's first task.
func New(tb TB, cfg ...Config) *Lab {
	tb.Helper()
	l, err := start(context.Background(), tb, cfg)
	if err != nil {
		tb.Fatalf("%v", err)
	}
	tb.Cleanup(func() {
		if err := l.Close(); err != nil {
			l.complain(err)
			tb.Errorf("%v", err)
		}
		l.reportTest()
	})
	return l
}

// Start returns a lab outside of tests. It must be closed. When ctx is done, its tasks' contexts are, too.
// At most one Config may be given. The calling goroutine is the lab's first task.
func Start(ctx context.Context, cfg ...Config) (*Lab, error) {
	return start(ctx, nil, cfg)
}

func start(ctx context.Context, tb TB, cfg []Config) (*Lab, error) {
	if len(cfg) > 1 {
		return nil, fmt.Errorf("lab: %d Configs, where one is enough", len(cfg))
	}
	l := &Lab{tb: tb, names: make(map[string]bool), numbers: make(map[string]int), closed: make(chan struct{}), label: newLabel()}
	if len(cfg) == 1 {
		l.cfg = cfg[0]
	}
	if l.cfg.RealTime && l.cfg.Manual {
		return nil, errors.New("lab: Config.RealTime and Config.Manual: time can't be kept where it is and go on")
	}
	if l.cfg.Start.IsZero() && l.cfg.RealTime {
		l.cfg.Start = time.Now()
	}
	if l.cfg.Start.IsZero() {
		l.cfg.Start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	l.luck.src = rand.NewPCG(l.cfg.Seed, hashOf("Clock"))
	l.ctx, l.end = context.WithCancelCause(ctx)
	l.trace.init(l.cfg)
	l.sched = newScheduler(l.cfg.Start, l.giveUp)
	l.sched.look = l.look
	l.sched.manual, l.sched.until = l.cfg.Manual, l.cfg.Start
	if l.cfg.RealTime {
		l.sched.real = newRealTime(l.cfg.Start)
	}
	l.sched.patient = patience{limit: l.cfg.Patience, since: l.cfg.Start}
	if l.cfg.Patience == 0 {
		l.sched.patient.limit = 30 * 24 * time.Hour
	}
	go l.sched.drive()
	return l, nil
}

// Context is done when the lab is closed or gives up.
func (l *Lab) Context() context.Context { return l.ctx }

// Now is the lab's time.
func (l *Lab) Now() time.Time { return l.sched.time() }

// Clock is the lab's time as a clock, for code under test. Functions given to its AfterFunc run between turns:
// they must not wait for the lab, nor for what a task holds. What has to, Lab.AfterFunc starts.
//
// It also has the methods of a dnsreg.Simulation, by which code under test keeps the lab's order:
// Wait(ready func() bool) waits for what is not the lab's, a channel say, until ready, which is asked between turns,
// returns true or the lab is closed; Go(f func()) starts a goroutine that the lab knows; Source() is luck from the
// Seed, the same for all.
func (l *Lab) Clock() stack.Clock { return clock{l.sched, &l.luck} }

type clock struct {
	s    *scheduler
	luck *lockedSource
}

func (c clock) Now() time.Time { return c.s.time() }
func (c clock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return c.s.after(nil, d, f)
}

func (c clock) Wait(ready func() bool) {
	c.s.park(nil, "by the lab's clock", func() bool { return ready() || c.s.over.Load() })
}

func (c clock) Source() rand.Source { return c.luck }

func (c clock) Go(f func()) { c.s.begin("a goroutine by the lab's clock", f) }
