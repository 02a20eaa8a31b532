package dnsregtest

import "github.com/miekg/dns"

// answer serves one request: parse, count, ask for faults, process, sign, send.
func (s *Server) answer(raw []byte, network string, send func([]byte)) {
	req := new(dns.Msg)
	if err := req.Unpack(raw); err != nil || req.Response || len(req.Question) != 1 {
		s.count(func(st *Stats) { st.Malformed++ })
		return
	}
	update := req.Opcode == dns.OpcodeUpdate
	s.count(func(st *Stats) {
		if update {
			st.Updates++
			st.UpdateBytes += len(raw)
		} else {
			st.Queries++
			st.QueryBytes += len(raw)
		}
		if network == "tcp" {
			st.TCP++
		}
	})
	var fault Fault
	if s.cfg.Fault != nil {
		fault = s.cfg.Fault(newRequest(req, raw, network))
	}
	if fault.Drop {
		return
	}
	reply := s.process(req, raw, network, fault)
	if reply == nil || fault.DropReply {
		return
	}
	s.deliver(reply, fault, send)
}

// process carries the request out and returns the packed reply.
func (s *Server) process(req *dns.Msg, raw []byte, network string, fault Fault) []byte {
	reply := new(dns.Msg)
	reply.SetReply(req)
	reply.Opcode = req.Opcode
	reply.Compress = true
	sig := s.verify(req, raw)
	switch {
	case sig.rcode != dns.RcodeSuccess:
		reply.Rcode = sig.rcode
	case fault.Rcode != 0:
		reply.Rcode = fault.Rcode
	case req.Opcode == dns.OpcodeUpdate && len(s.keys) > 0 && sig.request == nil:
		reply.Rcode = dns.RcodeRefused
	case req.Opcode == dns.OpcodeUpdate:
		reply.Rcode = s.update(req)
	case req.Opcode == dns.OpcodeQuery:
		s.query(req, reply)
	default:
		reply.Rcode = dns.RcodeNotImplemented
	}
	if fault.Unsigned {
		sig = signature{}
	}
	limit := dns.MaxMsgSize
	if network == "udp" {
		limit = dns.MinMsgSize
		if opt := req.IsEdns0(); opt != nil {
			limit = max(limit, int(opt.UDPSize()))
		}
	}
	if req.IsEdns0() != nil {
		reply.SetEdns0(dns.MaxMsgSize, false)
	}
	packed := s.sign(reply, sig)
	if len(packed) > limit || fault.Truncate && network == "udp" {
		reply.Answer, reply.Ns = nil, nil
		reply.Truncated = true
		packed = s.sign(reply, sig)
	}
	return packed
}

func (s *Server) count(f func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.stats)
}
