package dnsregtest

import (
	"slices"
	"time"

	"github.com/miekg/dns"
)

// Request is what a fault hook sees.
type Request struct {
	Network string // "udp" or "tcp"
	Update  bool   // opcode UPDATE
	Name    string // the question's name; for an update, the zone; empty if there is none
	Type    string // the question's type, as in "AAAA"; empty if there is none
	Raw     []byte // the message, a copy
}

// Fault says what goes wrong with one request. The zero value: nothing. Several may go wrong together; the
// package's documentation has a table.
type Fault struct {
	// Drop loses the request: it is neither carried out nor answered.
	Drop bool
	// DropReply loses the reply: the request is carried out.
	DropReply bool
	// Rcode answers with this rcode, signed, without carrying the request out.
	Rcode int
	// Truncate empties the reply and sets TC, over UDP only.
	Truncate bool
	// Unsigned leaves the reply without its TSIG record.
	Unsigned bool
	// Skew is how far the server's clock is ahead, or behind if negative, while it handles this request:
	// beyond the fudge of the request's signature it answers BADTIME.
	Skew time.Duration
	// SkewReply is how far the clock is ahead when it signs the reply.
	SkewReply time.Duration
	// Forge returns messages to send before the true reply, from the same address, at once.
	// It gets a copy of the true reply.
	Forge func(reply []byte) [][]byte
	// Until holds the reply back until the channel is closed. Other requests are served meanwhile.
	Until <-chan struct{}
	// Delay holds the reply back for so long, after Until, by Config.AfterFunc.
	Delay time.Duration
	// Reorder holds the reply back, after Until and Delay, until another reply has been sent.
	Reorder bool
	// Duplicate is how many times more the reply is sent.
	Duplicate int
	// Crash kills the server: Server.Restart brings it back.
	Crash Crash
}

func newRequest(req *dns.Msg, raw []byte, network string) Request {
	r := Request{Network: network, Update: req.Opcode == dns.OpcodeUpdate, Raw: slices.Clone(raw)}
	if len(req.Question) > 0 {
		r.Name, r.Type = dns.CanonicalName(req.Question[0].Name), dns.Type(req.Question[0].Qtype).String()
	}
	return r
}

// maxHeld bounds the replies that are held back. Beyond it they are dropped.
const maxHeld = 4096

// deliver sends the reply, late or after forged ones where the fault says so.
func (s *Server) deliver(r reply, fault Fault) {
	if fault.Forge != nil {
		s.transmit(r, fault.Forge(slices.Clone(r.messages[0])))
	}
	r.copies = 1 + max(fault.Duplicate, 0)
	if (fault.Until != nil || fault.Delay > 0 || fault.Reorder) && !s.hold() {
		s.giveUp(r)
		return
	}
	switch {
	case fault.Until != nil:
		s.start(func() {
			select {
			case <-fault.Until:
				s.wait(r, fault)
			case <-s.done:
			}
		})
	case fault.Delay > 0 || fault.Reorder:
		s.wait(r, fault)
	default:
		s.emit(r)
	}
}

// hold makes room for one more reply that is held back.
func (s *Server) hold() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held >= maxHeld {
		return false
	}
	s.held++
	return true
}

// wait does what Delay and Reorder say with a held reply.
func (s *Server) wait(r reply, fault Fault) {
	if fault.Delay > 0 {
		fault, d := Fault{Reorder: fault.Reorder}, fault.Delay
		s.after(d, func() { s.wait(r, fault) })
		return
	}
	s.mu.Lock()
	alive := r.epoch == s.epoch
	if alive && fault.Reorder {
		s.later = append(s.later, r)
	} else if alive {
		s.held--
	}
	s.mu.Unlock()
	if alive && !fault.Reorder {
		s.emit(r)
	}
}

// emit sends a reply, unless the server has died since it was asked, and then those that waited for that. What the
// reply may tell is kept before it can: a crash may come between.
func (s *Server) emit(r reply) {
	s.mu.Lock()
	alive := s.lives(r)
	if alive {
		s.acknowledge(r.change)
	}
	s.mu.Unlock()
	if !alive {
		return
	}
	for range r.copies {
		s.transmit(r, r.messages)
	}
	s.mu.Lock()
	later := s.later
	s.later = nil
	s.held = max(s.held-len(later), 0)
	s.mu.Unlock()
	for _, r := range later {
		s.emit(r)
	}
}

// lives reports whether a reply may still be sent. Callers hold s.mu.
func (s *Server) lives(r reply) bool { return r.epoch == s.epoch && !s.closed }

// transmit sends messages until the server dies. Crash waits for a datagram that is being sent; a stream it closes.
func (s *Server) transmit(r reply, messages [][]byte) {
	for _, m := range messages {
		s.mu.Lock()
		alive := s.lives(r)
		if alive && r.datagram {
			s.sending++
		}
		s.mu.Unlock()
		if !alive {
			return
		}
		r.send(m)
		if r.datagram {
			s.mu.Lock()
			s.sending--
			s.sent.Broadcast()
			s.mu.Unlock()
		}
	}
}

// after calls f when d has passed, unless stop or Close comes first.
func (s *Server) after(d time.Duration, f func()) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return func() {}
	}
	s.timers++
	id := s.timers
	s.stops[id] = s.cfg.AfterFunc(d, func() {
		if s.take(id, true) == nil {
			return
		}
		if s.cfg.Go == nil {
			defer s.wg.Done()
		}
		f()
	})
	return func() {
		if stop := s.take(id, false); stop != nil {
			stop()
		}
	}
}

// take removes a timer that is still set, or returns nil. Close waits for one that goes on to run.
func (s *Server) take(id uint64, run bool) (stop func() bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stop = s.stops[id]
	delete(s.stops, id)
	if run && stop != nil && s.cfg.Go == nil {
		s.wg.Add(1)
	}
	return stop
}
