package gss

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/hextet/hextet/dnsreg"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/miekg/dns"
)

// Provider negotiates keys with name servers and keeps them. It is a dnsreg.Auth, and its methods may be called
// from any goroutine. It holds no connection and no goroutine between calls, so there is nothing to close.
type Provider struct {
	cfg  Config
	kdcs *kdcs
	from source

	mu    sync.Mutex
	last  time.Time // of the newest authenticator
	slots map[place]*slot
}

// place is where a key belongs.
type place struct{ server, target string }

// slot has the key for a place. Whoever holds its turn negotiates; the others wait and share the outcome.
type slot struct {
	turn chan struct{}

	// Guarded by Provider.mu.
	key      *key
	attempts int   // that came to an end
	err      error // of the last one
	waiting  int   // callers of Key
}

var (
	_ dnsreg.PrimaryAuth = (*Provider)(nil)
	_ dnsreg.Rejecter    = (*Provider)(nil)
	_ dnsreg.OnceKey     = (*key)(nil)
)

// New checks the configuration and returns a Provider. It sends nothing; files are read to see whether they fit.
// Every error names the field or the file at fault.
func New(cfg Config) (*Provider, error) {
	if cfg.Timeout < 0 {
		return nil, fmt.Errorf("gss: Config.Timeout: %v is negative", cfg.Timeout)
	}
	cfg.fill()
	krb, err := cfg.krb5()
	if err != nil {
		return nil, err
	}
	none := config.New().LibDefaults
	loginTypes, err := enctypes("default_tkt_enctypes", krb.LibDefaults.DefaultTktEnctypeIDs, none.DefaultTktEnctypeIDs)
	if err != nil {
		return nil, err
	}
	ticketTypes, err := enctypes("default_tgs_enctypes", krb.LibDefaults.DefaultTGSEnctypeIDs, none.DefaultTGSEnctypeIDs)
	if err != nil {
		return nil, err
	}
	from, err := cfg.source(krb)
	if err != nil {
		return nil, err
	}
	p := &Provider{cfg: cfg, from: from, slots: make(map[place]*slot)}
	p.kdcs = &kdcs{
		krb: krb, loginTypes: loginTypes, ticketTypes: ticketTypes, clock: cfg.Clock, stamp: p.stamp,
		dial: cfg.Dial, lookup: cfg.LookupSRV, timeout: cfg.Timeout,
	}
	return p, nil
}

// String says who authenticates, and by what; never a secret.
func (p *Provider) String() string   { return "GSS-TSIG as " + p.from.String() }
func (p *Provider) GoString() string { return p.String() }

// Validate implements dnsreg.Auth. New has found what there is to find.
func (p *Provider) Validate() error {
	if p == nil || p.kdcs == nil {
		return errors.New("gss: a Provider is made by New")
	}
	return nil
}

// Key is KeyFor without a primary's name. The key is nil if nothing else gives the server's name: Config.Target does
// not, and server is an address.
func (p *Provider) Key(ctx context.Context, server string) (dnsreg.Key, error) {
	if target, err := p.target(server, ""); err == nil && target == "" {
		return nil, nil
	}
	return p.KeyFor(ctx, server, "")
}

// KeyFor returns the key for exchanges with a server (host:port) that is the primary mname of a zone. It negotiates
// one if there is none, or if the one there is ends soon. Concurrent callers share one negotiation and its outcome;
// when the one that works on it is called off, another goes on. The error is an *Error, or ctx's cause.
func (p *Provider) KeyFor(ctx context.Context, server, mname string) (dnsreg.Key, error) {
	target, err := p.target(server, mname)
	if err == nil && target == "" {
		err = permanent("an address is no name of a principal: Config.Target or the zone's SOA record has to give one")
	}
	if err != nil {
		return nil, wrap(server, "", &stepError{Credentials, err})
	}
	s, seen := p.enter(place{server, target})
	defer p.leave(s)
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if k, err := p.outcome(s, seen); k != nil || err != nil {
		return orNil(k), err
	}
	k, err := p.establish(ctx, server, target)
	if err != nil && ctx.Err() != nil {
		return nil, err // it was this caller's end, and no other's
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s.key, s.err = k, err
	s.attempts++
	return orNil(k), err
}

// orNil keeps a nil *key from becoming a Key that is not nil.
func orNil(k *key) dnsreg.Key {
	if k == nil {
		return nil
	}
	return k
}

// Reject forgets a key that the server has refused (BADKEY, BADSIG or BADTIME), so that the next caller gets another.
func (p *Provider) Reject(server string, k dnsreg.Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at, s := range p.slots {
		if at.server == server && s.key != nil && k == dnsreg.Key(s.key) {
			s.key = nil
			p.cfg.Logger.Info("gss: key rejected", "server", server, "target", at.target)
		}
	}
}

// target returns the host whose principal the server has, without the final dot and in lower case, as principals
// are written; nothing if only an address is known.
func (p *Provider) target(server, mname string) (string, error) {
	name := ""
	if p.cfg.Target != nil {
		name = p.cfg.Target(server)
	}
	if name == "" {
		name = mname
	}
	if name == "" {
		host, _, err := net.SplitHostPort(server)
		if err != nil {
			return "", permanent("%q is not host:port", server)
		}
		if _, err := netip.ParseAddr(host); err == nil {
			return "", nil
		}
		name = host
	}
	host := strings.ToLower(strings.TrimSuffix(name, "."))
	if _, ok := dns.IsDomainName(host); !ok || host == "" || strings.ContainsAny(host, `/@\`) {
		return "", permanent("%q is no host name", name)
	}
	return host, nil
}

// maxSlots bounds the memory that names from the network can take.
const maxSlots = 64

// enter finds or makes the slot of a place, and says how many attempts it has seen.
func (p *Provider) enter(at place) (s *slot, seen int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s = p.slots[at]
	if s == nil {
		for old, o := range p.slots {
			if len(p.slots) < maxSlots {
				break
			}
			if o.waiting == 0 {
				delete(p.slots, old)
			}
		}
		s = &slot{turn: make(chan struct{}, 1)}
		p.slots[at] = s
	}
	s.waiting++
	return s, s.attempts
}

func (p *Provider) leave(s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.waiting--
}

// outcome returns a key that is good, or the error of an attempt that ended while the caller waited.
func (p *Provider) outcome(s *slot, seen int) (*key, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.key != nil && p.cfg.Clock.Now().Before(s.key.expires) {
		return s.key, nil
	}
	if s.attempts != seen {
		return nil, s.err
	}
	return nil, nil
}

// establish goes all the way from the credentials to a key.
func (p *Provider) establish(ctx context.Context, server, target string) (*key, error) {
	service := servicePrincipal(target).PrincipalNameString()
	k, err := p.try(ctx, server, target)
	if err != nil {
		e := wrap(server, service, err)
		p.cfg.Logger.Warn("gss: no key", "server", server, "target", service, "error", e)
		return nil, e
	}
	p.cfg.Logger.Info("gss: key negotiated", "server", server, "target", service, "key", k.name, "until", k.expires)
	return k, nil
}

func (p *Provider) try(ctx context.Context, server, target string) (*key, error) {
	tgt, err := p.from.tgt(ctx, p.kdcs)
	if err != nil {
		return nil, err
	}
	t, err := p.kdcs.service(ctx, tgt, target)
	if err != nil {
		return nil, err
	}
	return p.negotiate(ctx, server, t)
}

// stamp returns the time for an authenticator. Servers and KDCs take two with the same microsecond for a replay.
func (p *Provider) stamp() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.cfg.Clock.Now().Truncate(time.Microsecond)
	if next := p.last.Add(time.Microsecond); now.Before(next) && next.Sub(now) < time.Second {
		now = next
	}
	p.last = now
	return now
}
