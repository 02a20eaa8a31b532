package streams

import (
	"context"
	"fmt"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/pairs"
	"github.com/hextet/hextet/bench/internal/suite"
)

// A bench collects streams, of which each becomes a contender.
type bench struct {
	suite.Bench
	pairs   []*pairs.Pair
	streams []*stream
}

func newBench() *bench {
	b := &bench{}
	b.Check, b.Err, b.Close = b.check, b.err, b.close
	return b
}

// add opens a connection of p, which it takes over, and adds its stream from the near
// host to the far one, or back. It returns the contender's place.
func (b *bench) add(ctx context.Context, p *pairs.Pair, name string, back bool) (int, error) {
	near, far, err := p.Connect(ctx)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", p.Name, err)
	}
	if back {
		near, far = far, near
	}
	s := newStream(near, far)
	b.streams = append(b.streams, s)
	b.Contenders = append(b.Contenders, measure.Contender{Name: name, Before: s.warm, Run: s.run})
	return len(b.Contenders) - 1, nil
}

// open makes a pair whose Close is the bench's.
func (b *bench) open(p *pairs.Pair, err error) (*pairs.Pair, error) {
	if err == nil {
		b.pairs = append(b.pairs, p)
	}
	return p, err
}

func (b *bench) check() error {
	for i, s := range b.streams {
		if err := s.check(); err != nil {
			return fmt.Errorf("%s: %w", b.Contenders[i].Name, err)
		}
	}
	return nil
}

func (b *bench) err() error {
	for i, s := range b.streams {
		if s.err != nil {
			return fmt.Errorf("%s: %w", b.Contenders[i].Name, s.err)
		}
	}
	return nil
}

func (b *bench) close() {
	for _, s := range b.streams {
		s.close()
		s.from.Close()
		s.to.Close()
	}
	for _, p := range b.pairs {
		p.Close()
	}
}
