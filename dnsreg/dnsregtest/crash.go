package dnsregtest

import "maps"

// Crash says whether a server dies of a request, and what of it survives.
type Crash int

const (
	// NoCrash lets the server live.
	NoCrash Crash = iota
	// CrashBefore kills it before it carries the request out.
	CrashBefore
	// CrashAfter kills it after it has carried the request out and before it answers. The change is kept.
	CrashAfter
	// CrashLost kills it like CrashAfter, and what no reply had acknowledged yet is lost: changes of other
	// updates too whose replies are held back.
	CrashLost
)

// change is what it takes to undo an update.
type change struct {
	number uint64
	zone   *zone
	before map[string]node
}

// remember notes a change until a reply acknowledges it. Callers hold s.mu.
func (s *Server) remember(z *zone, before map[string]node) (number uint64) {
	s.changes++
	s.pending = append(s.pending, change{s.changes, z, before})
	return s.changes
}

// acknowledge forgets how to undo a change and those before it: a journal keeps what came earlier, too. Callers hold
// s.mu.
func (s *Server) acknowledge(number uint64) {
	for len(s.pending) > 0 && s.pending[0].number <= number {
		s.pending = s.pending[1:]
	}
}

// Crash kills the server: until Restart it answers nothing, streams are closed and new ones at once, and
// replies that were held back are gone. Its sockets remain, so that no port becomes somebody else's; that
// nobody listens (an ICMP error) is not imitated. The zones are kept. Once it returns nothing is sent.
func (s *Server) Crash() { s.crash(false) }

func (s *Server) crash(lose bool) {
	s.mu.Lock()
	s.down = true
	s.epoch++
	s.held, s.later = 0, nil
	for lose && len(s.pending) > 0 {
		last := s.pending[len(s.pending)-1]
		s.pending = s.pending[:len(s.pending)-1]
		last.zone.restore(last.before)
	}
	s.pending = nil
	streams := maps.Clone(s.streams)
	s.mu.Unlock()
	for st := range streams {
		st.conn.Close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.sending > 0 {
		s.sent.Wait()
	}
}

// Restart brings a crashed server back, with the zones that it has.
func (s *Server) Restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = false
}

// Down reports whether the server has crashed and was not restarted.
func (s *Server) Down() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down
}
