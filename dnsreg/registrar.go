package dnsreg

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// Registrar keeps the DNS records of a host's names to the eligible addresses of a Source.
// Its methods may be called from any goroutine; passes over the zones take turns.
type Registrar struct {
	cfg      Config
	net      *transport
	ttl      uint32
	switches switches

	turn chan struct{} // holds one token: whoever has it may use what follows

	memory   map[setKey]*rrset
	places   places
	pins     map[place]*pin        // by zone and server; no owner
	states   uint64                // of zones, as pins number them
	missing  map[string]error      // reverse names without a zone, and why; forgotten at a refresh
	retired  map[netip.Addr]string // no longer eligible, while a PTR record may be left that points to the name
	former   []string              // names of an earlier run, while A or AAAA records of it may be left
	earlier  map[string]bool       // those, while PTR records that point to them may be left
	forward  map[place]*unit       // by zone and server; names that can't be placed by owner
	reverse  map[place]*unit       // by zone and server; no owner
	search   unit                  // the look-up of reverse zones, where it fails
	again    bool                  // the pass looks for missing reverse zones again
	orphans  []netip.Addr          // not asked about yet: see seekOrphans
	sought   bool                  // orphans has been found out
	passes   uint64
	back     bool   // a server has failed until this pass, and should be spared
	saved    []byte // what State has
	limit    error  // that of the last decision
	stateErr error  // of the last attempt to save

	synced chan struct{} // holds a token when Sync has moved the times at which Run has to wake

	mu     sync.Mutex // guards status
	status Status
}

// New checks the configuration and returns a Registrar. It sends nothing.
// Every error names the field or the input at fault; several are joined.
func New(cfg Config) (*Registrar, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	r := &Registrar{
		cfg:     cfg,
		net:     &transport{clock: cfg.Clock, dice: diceOf(cfg.Clock), dial: cfg.Dial, timeout: cfg.Timeout, tcp: cfg.TCP},
		ttl:     uint32(cfg.TTL / time.Second),
		turn:    make(chan struct{}, 1),
		memory:  make(map[setKey]*rrset),
		pins:    make(map[place]*pin),
		missing: make(map[string]error),
		retired: make(map[netip.Addr]string),
		earlier: make(map[string]bool),
		forward: make(map[place]*unit),
		reverse: make(map[place]*unit),
		synced:  make(chan struct{}, 1),
		status:  Status{Name: cfg.Name},
	}
	r.places = newPlaces(r)
	if err := r.remember(); err != nil {
		return nil, err
	}
	r.turn <- struct{}{}
	return r, nil
}

// Sync makes one pass now: find the zones and read the records that are not known yet, send what has to
// change, and confirm the rest. It does not wait for any backoff. The error joins those of all zones and names;
// records that could be set right are, PTR records only after A and AAAA.
func (r *Registrar) Sync(ctx context.Context) error {
	err := r.pass(ctx, effort{urgent: true}).err
	select {
	case r.synced <- struct{}{}:
	default:
	}
	return err
}

// Deregister removes the records that are ours and no other. Use it when Run has ended, with a fresh
// context: a running Run would register again. It works on a new Registrar too, which then goes by what
// it finds: see the package comment on own records.
func (r *Registrar) Deregister(ctx context.Context) error {
	return r.pass(ctx, effort{urgent: true, remove: true}).err
}

// effort says what a pass is for.
type effort struct {
	urgent bool // whatever backoff says, and confirm what has not changed
	remove bool // everything that is ours
	plan   bool // nothing: only tell
}

// take waits for the Registrar's turn; give it back with the returned function.
func (r *Registrar) take(ctx context.Context) (give func(), err error) {
	if await(r.cfg.Clock, ctx.Done(), r.turn) == ctx.Done() {
		return nil, fmt.Errorf("dnsreg: %s: %w", r.cfg.Name, context.Cause(ctx))
	}
	return func() { r.turn <- struct{}{} }, nil
}

// outcome is what a pass leaves to its caller.
type outcome struct {
	err      error
	changed  <-chan struct{} // closed once the Source has something new
	switched <-chan struct{} // closed once an interface was turned on or off
	wake     time.Time       // when the next pass is due by itself; zero: never
}

// pass brings the zones to what the Source says. Too many addresses of a family are none to add, and no
// reason to leave one where it must not be.
func (r *Registrar) pass(ctx context.Context, how effort) outcome {
	give, err := r.take(ctx)
	if err != nil {
		return outcome{err: err}
	}
	defer give()
	defer r.publish()
	r.passes++
	r.places.begin()
	addrs, changed := r.cfg.Source.Addresses()
	off, switched := r.switches.now()
	d, limit := r.cfg.decide(addrs, off)
	if how.remove {
		d, limit = d.withdrawn(), nil
	}
	d = r.withFormer(d)
	r.noteDecision(d, limit)
	if f := r.cfg.Hooks.Decided; f != nil {
		f(cloneVerdicts(d.verdicts))
	}
	if limit != nil {
		r.cfg.Logger.Warn("dnsreg: too many addresses, none is added", "error", limit)
	}
	r.back = !how.urgent && r.forwardFailed()
	settled, err := r.passForward(ctx, d, how)
	r.dropFormer(settled)
	if !how.urgent {
		var done func()
		ctx, done = until(ctx, r.cfg.Clock, changed, switched)
		defer done()
	}
	err = errors.Join(limit, err, r.passReverse(ctx, d, settled, how))
	r.journal(nil)
	return outcome{err, changed, switched, r.wake()}
}

// until returns a context that ends with ctx or once the addresses or the switches have changed: A and
// AAAA records must not wait for a reverse zone whose server is slow. done waits for what until started.
func until(ctx context.Context, c Clock, changed, switched <-chan struct{}) (_ context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	start(c, func() {
		defer close(ended)
		if await(c, ctx.Done(), changed, switched) != ctx.Done() {
			cancel(errSuperseded)
		}
	})
	return ctx, func() {
		cancel(nil)
		await(c, ended)
	}
}
