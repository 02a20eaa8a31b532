package networks

import (
	"context"
	"errors"
	"fmt"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/suite"
)

// A starter makes a network in each turn.
type starter struct {
	ctx     context.Context
	name    string
	plan    plan
	make    maker
	network network // of the turn
	err     error   // the first
}

// contender is one turn in a round, whose operations are hosts.
func (s *starter) contender() measure.Contender {
	return measure.Contender{Name: s.name, Limit: 1, Ops: s.plan.hosts, Run: s.start, After: s.verify}
}

func (s *starter) start(int) {
	if s.err == nil {
		s.network, s.err = s.make(s.ctx, s.plan)
		s.err = s.named(s.err)
	}
}

// verify counts the hosts and takes them away.
func (s *starter) verify(int) {
	if s.err == nil {
		s.err = s.named(errors.Join(complete(s.network, s.plan), s.network.close()))
	}
}

// complete says if a host can't be used.
func complete(n network, p plan) error {
	got, err := n.usable()
	if err == nil && got != p.hosts {
		err = fmt.Errorf("%d hosts have their addresses, not %d", got, p.hosts)
	}
	return err
}

// check makes a network once, whose hosts speak to each other.
func (s *starter) check() error {
	n, err := s.make(s.ctx, s.plan)
	if err != nil {
		return s.named(err)
	}
	return s.named(errors.Join(complete(n, s.plan), speak(n, s.plan), n.close()))
}

// named says whose error it is, if it is one.
func (s *starter) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("networks: %s: %w", s.name, err)
}

// startBench compares how long a host takes until it can be used. The peer is checked first,
// so that one which can't run here leaves the case out.
func startBench(ctx context.Context, p plan, peer rival, fewer int) (*suite.Bench, error) {
	ours := &starter{ctx: ctx, name: "hextet", plan: p, make: newSimulation}
	theirs := &starter{ctx: ctx, name: peer.name, plan: p, make: peer.make}
	if err := theirs.check(); err != nil {
		return nil, err
	}
	return &suite.Bench{
		Check:      ours.check,
		Contenders: []measure.Contender{ours.contender(), theirs.contender()},
		Rows:       []suite.Row{{Ours: 0, Peer: 1}},
		Fewer:      fewer,
		Err:        func() error { return errors.Join(ours.err, theirs.err) },
	}, nil
}
