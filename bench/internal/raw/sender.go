package raw

import (
	"fmt"
	"net/netip"

	"github.com/hextet/hextet/bench/internal/measure"
)

// A sender is a socket with what it sends to.
type sender struct {
	name string
	to   []netip.Addr // in turn

	// send sends a message to the i-th of them.
	send func(i int) error

	next int
	sent uint64 // since the check began
	err  error  // the first one
}

func (s *sender) run(n int) {
	next := s.next
	for range n {
		if err := s.send(next); err != nil && s.err == nil {
			s.err = fmt.Errorf("raw: %s: %w", s.name, err)
		}
		if next++; next == len(s.to) {
			next = 0
		}
	}
	s.next, s.sent = next, s.sent+uint64(n)
}

func (s *sender) contender() measure.Contender { return measure.Contender{Name: s.name, Run: s.run} }

// A host is one whose senders write to one sink.
type host struct {
	senders []*sender

	// took returns how many packets the sink took in all. What is in it before the check,
	// such as the MLD reports about its addresses, doesn't count.
	took   func() (uint64, error)
	before uint64

	// capture calls send, and then returns the echo requests that came to the sink
	// meanwhile, from the IPv6 header on. It is called once.
	capture func(n int, send func()) ([][]byte, error)

	close func()
}

// check lets each sender send to each of its destinations, and compares what comes out.
func (h *host) check() (err error) {
	if h.before, err = h.took(); err != nil {
		return err
	}
	n := 0
	for _, s := range h.senders {
		s.sent = 0
		n += len(s.to)
	}
	packets, err := h.capture(n, func() {
		for _, s := range h.senders {
			s.run(len(s.to))
		}
	})
	if err != nil {
		return err
	}
	if err := h.failed(); err != nil {
		return err
	}
	if len(packets) != n {
		return fmt.Errorf("raw: %s: %d packets of %d were sent", h.senders[0].name, len(packets), n)
	}
	for _, s := range h.senders {
		for _, to := range s.to {
			if err := compare(packets[0], to); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			packets = packets[1:]
		}
	}
	return nil
}

// failed returns the first error of a send.
func (h *host) failed() error {
	for _, s := range h.senders {
		if s.err != nil {
			return s.err
		}
	}
	return nil
}

// lost returns how many packets didn't reach the sink since the check began. What else
// the host had to say may hide some.
func (h *host) lost() (uint64, error) {
	if err := h.failed(); err != nil {
		return 0, err
	}
	took, err := h.took()
	sent := uint64(0)
	for _, s := range h.senders {
		sent += s.sent
	}
	return sent - min(sent, took-h.before), err
}
