package dnsreg

import (
	"context"
	"errors"
	"fmt"

	"github.com/miekg/dns"
)

// seal says how a message is signed. The zero value: not at all.
type seal struct {
	sign  bool   // with the key for the server, if there is one
	host  string // the server's name, once that is known
	brief bool   // so that the signature counts for a short time only
}

// ask sends one question. A name that does not exist is an answer, not an error.
func (r *Registrar) ask(ctx context.Context, name string, qtype uint16, server string, sign bool) (*dns.Msg, error) {
	return r.askWith(ctx, name, qtype, server, seal{sign: sign})
}

// askAt is ask for a name whose zone is known.
func (r *Registrar) askAt(ctx context.Context, name string, qtype uint16, p place) (*dns.Msg, error) {
	return r.askWith(ctx, name, qtype, p.server, seal{sign: true, host: r.places.serverName(p.zone)})
}

func (r *Registrar) askWith(ctx context.Context, name string, qtype uint16, server string, how seal) (*dns.Msg, error) {
	m := new(dns.Msg)
	m.Question = []dns.Question{{Name: name, Qtype: qtype, Qclass: dns.ClassINET}}
	m.RecursionDesired = !how.sign // asked of resolvers only
	reply, err := r.exchange(ctx, server, m, how)
	if e, ok := errors.AsType[*ServerError](err); ok && e.Authentic && e.Op == "query" && e.Rcode == dns.RcodeNameError {
		return reply, nil
	}
	return reply, err
}

// exchange signs and sends a message and returns the reply. An Auth that can make another key gets one chance
// to, when the server refuses this one.
func (r *Registrar) exchange(ctx context.Context, server string, m *dns.Msg, how seal) (*dns.Msg, error) {
	for again := false; ; again = true {
		key, err := r.key(ctx, server, how)
		if err != nil {
			return nil, err
		}
		if key == nil && how.sign && r.cfg.Auth != nil && m.Opcode == dns.OpcodeUpdate {
			return nil, fmt.Errorf("dnsreg: update of %s at %s: Config.Auth has no key for a server whose name is not known", m.Question[0].Name, server)
		}
		sealed := key
		if how.brief && key != nil {
			sealed = brief{key, briefly}
		}
		reply, err := r.net.exchange(ctx, server, m, sealed)
		if key != nil && rejected(r.cfg.Auth, server, key, err) && !again {
			continue
		}
		return reply, err
	}
}

// key returns the key for a server, nil if nothing is to be signed, or if a PrimaryAuth has none yet.
func (r *Registrar) key(ctx context.Context, server string, how seal) (key Key, err error) {
	if !how.sign || r.cfg.Auth == nil {
		return nil, nil
	}
	if a, ok := r.cfg.Auth.(PrimaryAuth); ok && how.host != "" {
		key, err = a.KeyFor(ctx, server, how.host)
	} else {
		key, err = r.cfg.Auth.Key(ctx, server)
	}
	if err != nil {
		return nil, fmt.Errorf("dnsreg: key for %s: %w", server, err)
	}
	return key, nil
}
