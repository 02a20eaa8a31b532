package dnsreg

import (
	"context"
	"errors"
	"fmt"

	"github.com/miekg/dns"
)

// ask sends one question. A name that does not exist is an answer, not an error.
func (r *Registrar) ask(ctx context.Context, name string, qtype uint16, server string, sign bool) (*dns.Msg, error) {
	m := new(dns.Msg)
	m.Question = []dns.Question{{Name: name, Qtype: qtype, Qclass: dns.ClassINET}}
	m.RecursionDesired = !sign // asked of resolvers only
	return r.exchange(ctx, server, m, sign)
}

// exchange signs with the key for the server, if that is wanted and there is one.
func (r *Registrar) exchange(ctx context.Context, server string, m *dns.Msg, sign bool) (*dns.Msg, error) {
	var key Key
	if sign && r.cfg.Auth != nil {
		var err error
		if key, err = r.cfg.Auth.Key(ctx, server); err != nil {
			return nil, fmt.Errorf("dnsreg: key for %s: %w", server, err)
		}
	}
	reply, err := r.net.exchange(ctx, server, m, key)
	if e, ok := errors.AsType[*ServerError](err); ok && e.Authentic && e.Op == "query" && e.Rcode == dns.RcodeNameError {
		return reply, nil
	}
	return reply, err
}
