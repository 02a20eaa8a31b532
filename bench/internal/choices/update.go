package choices

import (
	"context"
	"fmt"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/srcselect"
)

// updatesPerRound bounds the updates of one round, each of which is about another
// address.
const updatesPerRound = 256

// An updater changes hosts of n addresses one address at a time: one large host here
// and there, or many small ones in turn. Between rounds all of them are complete.
type updater struct {
	hosts     []*srcselect.Selector
	addresses []srcselect.Address
	next      int // number of the next round's first update
}

func newUpdater(m mix, n int) (*updater, error) {
	u := &updater{addresses: m.addresses(n)}
	for range max(1, updatesPerRound/n) {
		s, err := m.selector(n)
		if err != nil {
			return nil, err
		}
		u.hosts = append(u.hosts, s)
	}
	return u, nil
}

// stride is a prime, so that consecutive updates are far apart and, of as many as
// there are addresses, no two about the same.
const stride = 7919

// at returns what the i-th update of a round is about.
func (u *updater) at(i int) (*srcselect.Selector, srcselect.Address) {
	i += u.next
	n := len(u.addresses)
	return u.hosts[i/n%len(u.hosts)], u.addresses[i*stride%n]
}

// add, remove and flip do n updates, and ignore errors: check made sure.
func (u *updater) add(n int) {
	for i := range n {
		s, a := u.at(i)
		_ = s.Add(a)
	}
}

func (u *updater) remove(n int) {
	for i := range n {
		s, a := u.at(i)
		s.Remove(a.Interface, a.Prefix.Addr())
	}
}

func (u *updater) flip(n int) {
	for i := range n {
		s, a := u.at(i)
		a.SkipAsSource = !a.SkipAsSource
		_ = s.Add(a)
	}
}

// restore completes the hosts and moves on to other addresses.
func (u *updater) restore(n int) {
	u.add(n)
	u.move(n)
}

func (u *updater) move(n int) { u.next = (u.next + n) % (len(u.addresses) * len(u.hosts)) }

// contenders are the three kinds of update.
func (u *updater) contenders() []measure.Contender {
	n := len(u.addresses)
	return []measure.Contender{
		{Name: fmt.Sprintf("Add n=%d", n), Before: u.remove, Run: u.add, After: u.move, Limit: updatesPerRound},
		{Name: fmt.Sprintf("Remove n=%d", n), Run: u.remove, After: u.restore, Limit: updatesPerRound},
		{Name: fmt.Sprintf("flag n=%d", n), Run: u.flip, After: u.restore, Limit: updatesPerRound},
	}
}

// check goes through the updates of one round, and says if a host isn't what it should
// be in between or afterwards.
func (u *updater) check() error {
	for _, step := range []struct {
		what string
		do   func(int)
		add  int // to the number of addresses
	}{{"Remove", u.remove, -1}, {"Add", u.add, 0}, {"flag", u.flip, 0}} {
		step.do(1)
		s, a := u.at(0)
		if got, want := len(s.Addresses()), len(u.addresses)+step.add; got != want {
			return fmt.Errorf("choices: %s of %v: %d addresses, not %d", step.what, a.Prefix, got, want)
		}
	}
	u.restore(1)
	return nil
}

// updateBench compares updates of many addresses with those of four, and Remove with
// Add.
func updateBench(m mix) (*suite.Bench, error) {
	many, err := newUpdater(m, 100_000)
	if err != nil {
		return nil, err
	}
	few, err := newUpdater(m, 4)
	if err != nil {
		return nil, err
	}
	const add, remove, flag, atFew = 0, 1, 2, 3
	grows := report.Goal{Kind: report.Grows}
	b := &suite.Bench{
		Check: func() error {
			if err := many.check(); err != nil {
				return err
			}
			return few.check()
		},
		Contenders: append(many.contenders(), few.contenders()...),
		Fewer:      2, // most of a round restores the hosts
		Rows: []suite.Row{
			{Name: "add/growth", Ours: add, Peer: atFew + add, Goal: report.Goal{Kind: report.AtMost, Value: 50}},
			{Name: "remove/growth", Ours: remove, Peer: atFew + remove, Goal: grows},
			{Name: "remove/add", Ours: remove, Peer: add, Goal: report.Goal{Kind: report.AtMost, Value: 2}},
			{Name: "flag/growth", Ours: flag, Peer: atFew + flag, Goal: grows},
			{Name: "flag/add", Ours: flag, Peer: add, Goal: grows},
		},
	}
	for i, name := range []string{"add", "remove", "flag"} {
		count := suite.Count{Name: name + "/allocs", Unit: "allocs", Get: func() (float64, error) { return measure.Allocations(b.Contenders[i], updatesPerRound), nil }}
		if i == add {
			count.Goal = report.Goal{Kind: report.Total, Value: 25}
		}
		b.Counts = append(b.Counts, count)
	}
	return b, nil
}

func updateCases() (cases []suite.Case) {
	for _, m := range mixes {
		cases = append(cases, suite.Case{Name: "select/update/" + m.name, Open: func(context.Context) (*suite.Bench, error) { return updateBench(m) }})
	}
	return cases
}
