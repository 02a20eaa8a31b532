package stack

import (
	cryptorand "crypto/rand"
	"math/rand/v2"

	"github.com/hextet/hextet/stack/internal/turn"
)

// A Clock that is a turn.Host decides which goroutine goes on, and what is random: that of a lab. Without
// one, what follows is what the standard library does.

// attend makes the stack its clock's, if that wants it.
func (s *Stack) attend() {
	s.turn = turn.Of(s.cfg.Clock)
	if s.turn == nil {
		s.rand, s.secure = rand.New(globalSource{}), cryptorand.Reader
		return
	}
	src := s.turn.Source()
	s.rand, s.secure = rand.New(src), turn.Reader(src)
	if f, ok := s.turn.(turn.Follower); ok {
		f.Follow(s.gen.now)
	}
}

// seed is where gVisor is to take its random numbers from; nil: from where nobody can guess them.
func (s *Stack) seed() rand.Source {
	if s.turn == nil {
		return nil
	}
	return s.turn.Source()
}

// yield returns once one of the channels can be received from: what a select over them that follows then
// does at once. It is only called if there is a turn.Host.
func (s *Stack) yield(chans ...<-chan struct{}) {
	s.turn.Wait(func() bool { return turn.Ready(chans...) })
}

// await returns once one of the channels can be received from, and takes the token if it is that.
func (s *Stack) await(token, passed, done <-chan struct{}) {
	if s.turn != nil {
		s.yield(token, passed, done)
	}
	select {
	case <-token:
	case <-passed:
	case <-done:
	}
}

// start runs f on a goroutine of its own.
func (s *Stack) start(f func()) {
	if s.turn == nil {
		go f()
		return
	}
	s.turn.Go(f)
}

// settle returns when gVisor's TCP has worked off what a call gave it, if it matters who comes first.
func (s *Stack) settle() {
	if s.turn == nil || s.cfg.NoTCP {
		return
	}
	s.settling.Lock()
	defer s.settling.Unlock()
	if !s.settled {
		s.gv.Pause()
		s.gv.Resume()
	}
}

// settleNoMore is called before gVisor is destroyed, which does not answer any more then.
func (s *Stack) settleNoMore() {
	s.settling.Lock()
	defer s.settling.Unlock()
	s.settled = true
}

// globalSource is math/rand/v2's own, which is safe for concurrent use.
type globalSource struct{}

func (globalSource) Uint64() uint64 { return rand.Uint64() }
