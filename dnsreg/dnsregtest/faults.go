package dnsregtest

import (
	"slices"

	"github.com/miekg/dns"
)

// Request is what a fault hook sees.
type Request struct {
	Network string // "udp" or "tcp"
	Update  bool   // opcode UPDATE
	Name    string // the question's name; for an update, the zone
	Type    string // the question's type, as in "AAAA"
	Raw     []byte // the message, a copy
}

// Fault says what goes wrong with one request. The zero value: nothing.
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
	// Until holds the reply back until the channel is closed. Other requests are served meanwhile.
	Until <-chan struct{}
	// Forge returns messages to send before the true reply, from the same address.
	// It gets a copy of the true reply.
	Forge func(reply []byte) [][]byte
}

func newRequest(req *dns.Msg, raw []byte, network string) Request {
	return Request{
		Network: network,
		Update:  req.Opcode == dns.OpcodeUpdate,
		Name:    dns.CanonicalName(req.Question[0].Name),
		Type:    dns.Type(req.Question[0].Qtype).String(),
		Raw:     slices.Clone(raw),
	}
}

// deliver sends the reply, late or after forged ones where the fault says so.
func (s *Server) deliver(reply []byte, fault Fault, send func([]byte)) {
	if fault.Forge != nil {
		for _, forged := range fault.Forge(slices.Clone(reply)) {
			send(forged)
		}
	}
	if fault.Until == nil {
		send(reply)
		return
	}
	s.start(func() {
		select {
		case <-fault.Until:
			send(reply)
		case <-s.done:
		}
	})
}
