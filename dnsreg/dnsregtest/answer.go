package dnsregtest

import (
	"github.com/miekg/dns"
)

// maxUDP is the longest reply over UDP, whatever larger size a client offers: what servers have settled on.
const maxUDP = 1232

// answer serves one request: parse, count, ask for faults, process, sign, send.
func (s *Server) answer(raw []byte, network string, send func([]byte)) {
	req, layout, ok := parse(raw)
	if !ok || req == nil {
		s.count(func(st *Stats) { st.Malformed++ })
		if ok && !s.Down() {
			send(formatError(raw))
		} else {
			s.drop()
		}
		return
	}
	update := req.Opcode == dns.OpcodeUpdate
	s.mu.Lock()
	epoch, down := s.epoch, s.down
	s.stats.seen(update, network, len(raw))
	s.mu.Unlock()
	var fault Fault
	if s.cfg.Fault != nil && !down {
		fault = s.cfg.Fault(newRequest(req, raw, network))
	}
	if fault.Crash == CrashBefore {
		s.Crash()
	}
	if down || fault.Drop || fault.Crash == CrashBefore {
		s.drop()
		return
	}
	r := s.process(req, raw, layout, network, fault, epoch)
	r.epoch, r.datagram, r.send = epoch, network == "udp", send
	switch {
	case fault.Crash != NoCrash:
		s.crash(fault.Crash == CrashLost)
		s.drop()
	case r.messages == nil || fault.DropReply:
		s.giveUp(r)
	default:
		s.deliver(r, fault)
	}
}

// reply is what goes back for one request.
type reply struct {
	messages [][]byte // several only of a zone transfer
	change   uint64   // the last change of a zone that it acknowledges
	copies   int
	epoch    int // that of the server's life in which the request came
	datagram bool
	send     func([]byte)
}

// process carries the request out and returns the packed reply; none if the server has died since the request came.
func (s *Server) process(req *dns.Msg, raw []byte, l layout, network string, fault Fault, epoch int) (r reply) {
	now := s.cfg.Now().Add(fault.Skew)
	sig := s.verify(req, raw, l, now)
	sig.now = now.Add(fault.SkewReply)
	m := new(dns.Msg)
	m.Id, m.Response, m.Opcode, m.RecursionDesired, m.Question = req.Id, true, req.Opcode, req.RecursionDesired, req.Question
	m.Compress = true
	size, known := edns(req, m)
	var transfer []dns.RR
	switch {
	case !known:
		sig = signature{}
	case sig.rcode != dns.RcodeSuccess:
		m.Rcode = sig.rcode
	case fault.Rcode != 0:
		m.Rcode = fault.Rcode
	case req.Opcode == dns.OpcodeUpdate:
		var alive bool
		if m.Rcode, r.change, alive = s.update(req, sig.request != nil, epoch); !alive {
			return reply{}
		}
	case req.Opcode != dns.OpcodeQuery:
		m.Rcode, m.Question = dns.RcodeNotImplemented, nil
	case len(req.Question) == 0:
		m.Rcode = dns.RcodeFormatError
	case req.Question[0].Qtype == dns.TypeAXFR:
		transfer = s.transfer(req, m, network)
	default:
		s.query(req, m)
	}
	if fault.Unsigned {
		sig = signature{}
	}
	if transfer != nil {
		r.messages = split(m, transfer, &sig)
		return r
	}
	limit := dns.MaxMsgSize
	if network == "udp" {
		limit = min(max(dns.MinMsgSize, size), maxUDP)
	}
	unsigned := sig // signing once more starts over
	packed := sig.sign(m)
	if len(packed) > limit || fault.Truncate && network == "udp" {
		m.Answer, m.Ns = nil, nil
		m.Truncated = true
		packed = unsigned.sign(m)
	}
	if packed != nil {
		r.messages = [][]byte{packed}
	}
	return r
}

// edns puts an OPT record into the reply if the request has one, and returns the size of datagram that
// the client takes (RFC 6891). known is false if that decides the rcode; then the reply is not signed.
func edns(req, m *dns.Msg) (size int, known bool) {
	options := 0
	for _, rr := range req.Extra {
		if rr.Header().Rrtype == dns.TypeOPT {
			options++
		}
	}
	opt := req.IsEdns0()
	if opt == nil {
		return 0, true
	}
	if options > 1 { // RFC 6891 section 6.1.1: "If a query message with more than one OPT RR is received, a FORMERR ... MUST be returned."
		m.Rcode = dns.RcodeFormatError
		return 0, false
	}
	m.SetEdns0(maxUDP, false)
	if opt.Version() != 0 { // section 6.1.3
		m.Rcode = dns.RcodeBadVers
		return 0, false
	}
	return int(opt.UDPSize()), true
}

// seen counts a request.
func (st *Stats) seen(update bool, network string, size int) {
	if update {
		st.Updates++
		st.UpdateBytes += size
	} else {
		st.Queries++
		st.QueryBytes += size
	}
	if network == "tcp" {
		st.TCP++
	}
}

// giveUp loses a reply. For all that the server knows, it has answered.
func (s *Server) giveUp(r reply) {
	s.count(func(st *Stats) {
		s.acknowledge(r.change)
		st.Dropped++
	})
}

func (s *Server) drop() { s.count(func(st *Stats) { st.Dropped++ }) }

func (s *Server) count(f func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.stats)
}
