package dnsreg

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/miekg/dns"
)

// Class says what a failure means for the next attempt.
type Class uint8

const (
	Transient  Class = iota // may pass by itself: no reply, SERVFAIL, a lost race
	Rediscover              // the wrong server or zone was asked: REFUSED, NOTAUTH, NOTZONE
	Permanent               // somebody has to change something: a wrong key, FORMERR, a bad name
	ClockSkew               // the clocks of host and server differ too much: BADTIME
)

var classNames = [...]string{"transient", "rediscover", "permanent", "clock skew"}

func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return fmt.Sprintf("class %d", uint8(c))
}

// ClassOf returns the class of an error of this package; unknown errors are Transient.
// Of joined errors the first that has a class decides.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[interface {
		error
		Class() Class
	}](err); ok {
		return e.Class()
	}
	return Transient
}

// ServerError is a reply that says no.
type ServerError struct {
	Server string // host:port
	Op     string // "query" or "update"
	Name   string // the name asked for, or the zone to be updated
	Rcode  int    // RFC 2136 section 2.2, as in 5 for REFUSED
	TSIG   int    // error field of the reply's TSIG record (RFC 8945 section 3), as in 18 for BADTIME; 0: none
	// Skew is how far the server's clock is ahead of ours, for an authentic BADTIME; else 0.
	Skew time.Duration
	// Authentic is false when the reply lacked the signature that was due. Servers answer a bad key
	// that way, and so may anyone on the path: it is a hint, not a fact.
	Authentic bool
}

func (e *ServerError) Error() string {
	s := fmt.Sprintf("dnsreg: %s of %s at %s: %s", e.Op, e.Name, e.Server, rcodeText(e.Rcode))
	if e.TSIG != 0 {
		s += ", " + rcodeText(e.TSIG)
	}
	if e.Skew != 0 {
		s += fmt.Sprintf(" (the server's clock is %v %s ours)", e.Skew.Abs(), aheadOf[e.Skew > 0])
	}
	switch {
	case e.Authentic:
		return s
	case e.TSIG == 0 && (e.Rcode == dns.RcodeRefused || e.Rcode == dns.RcodeNotAuth):
		// PowerDNS says no more than this when key, secret or clock are wrong.
		return s + " (reply not authentic: the server may not accept the key or the time, or somebody else answers for it)"
	}
	return s + " (reply not authentic)"
}

// Class implements the classification of ClassOf.
func (e *ServerError) Class() Class {
	switch {
	case e.TSIG == dns.RcodeBadTime:
		return ClockSkew
	case e.TSIG != 0:
		return Permanent
	}
	switch e.Rcode {
	case dns.RcodeRefused, dns.RcodeNotAuth, dns.RcodeNotZone:
		return Rediscover
	case dns.RcodeServerFailure, dns.RcodeNXRrset, dns.RcodeYXRrset, dns.RcodeNameError, dns.RcodeYXDomain:
		return Transient
	}
	return Permanent
}

func rcodeText(code int) string {
	if s, ok := dns.RcodeToString[code]; ok {
		return s
	}
	return fmt.Sprintf("rcode %d", code)
}

// NoReplyError is an exchange that ended without an acceptable reply. Whether the server carried the
// request out is unknown. For errors.Is it is an os.ErrDeadlineExceeded when Config.Timeout ran out, and the
// context's cause when the caller's context ended.
type NoReplyError struct {
	Server string // host:port
	Op     string // "query" or "update"
	Name   string // the name asked for, or the zone to be updated
	Err    error  // why: the transport's error, a deadline, the context's end, or a reply that can't be trusted
}

func (e *NoReplyError) Error() string {
	return fmt.Sprintf("dnsreg: %s of %s at %s: no acceptable reply: %v", e.Op, e.Name, e.Server, e.Err)
}

func (e *NoReplyError) Unwrap() error { return e.Err }

// ClockError is a reply with the right signature, made at a time that differs too much from ours (RFC 8945
// section 5.4.3). It is in the chain of a [NoReplyError].
type ClockError struct {
	Skew time.Duration // how far the server's clock is ahead of ours
}

func (e *ClockError) Error() string {
	return fmt.Sprintf("the reply was signed when the server's clock was %v %s ours", e.Skew.Abs(), aheadOf[e.Skew > 0])
}

// Class implements the classification of ClassOf.
func (e *ClockError) Class() Class { return ClockSkew }

var aheadOf = map[bool]string{true: "ahead of", false: "behind"}

// LimitError is returned when more addresses of a family are eligible than Config.MaxAddresses.
// Then none of the family is added, and those that must not stay are removed all the same.
type LimitError struct {
	Name   string // of the host, canonical
	Family string // "IPv4" or "IPv6"
	Count  int    // of its eligible addresses of the family
	Limit  int    // Config.MaxAddresses, or its default
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("dnsreg: %s: %d eligible %s addresses exceed the limit of %d (Config.MaxAddresses)", e.Name, e.Count, e.Family, e.Limit)
}

// Class implements the classification of ClassOf.
func (e *LimitError) Class() Class { return Permanent }

// NameError is a name that can't be registered.
type NameError struct {
	Name  string // as given
	Label string // the label at fault; empty when the name as a whole is
	Rule  string // what it breaks
}

func (e *NameError) Error() string {
	if e.Label == "" {
		return fmt.Sprintf("dnsreg: name %q: %s", e.Name, e.Rule)
	}
	return fmt.Sprintf("dnsreg: name %q: label %q: %s", e.Name, e.Label, e.Rule)
}

// Class implements the classification of ClassOf.
func (e *NameError) Class() Class { return Permanent }

// aliasError is an ErrAlias of a name.
type aliasError struct{ name, target string }

func (e *aliasError) Error() string {
	return fmt.Sprintf("dnsreg: %s: %v to %s", e.name, ErrAlias, e.target)
}
func (e *aliasError) Unwrap() error { return ErrAlias }

// classified is a sentinel error with a class.
type classified struct {
	text  string
	class Class
}

func (e *classified) Error() string { return e.text }
func (e *classified) Class() Class  { return e.class }

// Errors that say what is wrong around the name; the returned error wraps them and names the input.
var (
	// ErrAlias: the name is a CNAME, and other records can't stand beside one (RFC 1034 section 3.6.2).
	ErrAlias error = &classified{"the name is an alias (CNAME)", Permanent}
	// ErrNoZone: no zone that could take the name was found.
	ErrNoZone error = &classified{"no zone found", Rediscover}
	// ErrLocalZone: the zone is an empty one that resolvers serve by themselves (RFC 6303) or AS112
	// answers for (RFC 7534): nothing can be registered there, and nothing is sent.
	ErrLocalZone error = &classified{"the zone is an empty one, served locally or by AS112", Rediscover}

	// ErrUntrusted: something replied, and its signature or time is not right. It is in the chain of a
	// [NoReplyError].
	ErrUntrusted = errors.New("a reply that can't be trusted")

	errSuperseded = errors.New("the addresses have changed meanwhile")

	errTimeout = fmt.Errorf("timed out: %w", os.ErrDeadlineExceeded)
)
