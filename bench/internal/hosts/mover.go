package hosts

import (
	"errors"

	"github.com/hextet/hextet/bench/internal/measure"
)

// A mover adds a crowd to a host that is new each time, and removes it.
type mover struct {
	make func() (host, error)
	size int
	host host // nil: none yet
	full bool
	err  error // the first
}

// contenders add and remove, one turn in a round. A round that only removes adds before,
// out of the time that is measured.
func (m *mover) contenders(name string) []measure.Contender {
	return []measure.Contender{
		{Name: name + " add", Limit: 1, Before: m.empty, Run: m.add, After: m.verify},
		{Name: name + " remove", Limit: 1, Before: m.fill, Run: m.remove, After: m.verify},
	}
}

// do keeps the first error, and does nothing after it.
func (m *mover) do(f func() error) {
	if m.err == nil {
		m.err = f()
	}
}

// empty makes a new host.
func (m *mover) empty(int) {
	m.do(m.close)
	m.do(func() (err error) { m.host, err = m.make(); return err })
}

func (m *mover) fill(int) {
	if !m.full {
		m.empty(1)
		m.add(1)
	}
}

func (m *mover) add(int) {
	m.do(func() error { m.full = true; return m.host.add() })
}

func (m *mover) remove(int) {
	m.do(func() error { m.full = false; return m.host.remove() })
}

// verify says if an address is missing or left over.
func (m *mover) verify(int) {
	want := 0
	if m.full {
		want = m.size
	}
	m.do(func() error { return has(m.host, want) })
}

func (m *mover) close() error {
	if m.host == nil {
		return nil
	}
	err := m.host.close()
	m.host, m.full = nil, false
	return err
}

// failure is the first error of several movers.
func failure(ms []*mover) error {
	var err error
	for _, m := range ms {
		err = errors.Join(err, m.err)
	}
	return err
}
