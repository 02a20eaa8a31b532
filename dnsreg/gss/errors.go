package gss

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hextet/hextet/dnsreg"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/miekg/dns"
)

// Error says why there is no key for a server. dnsreg.ClassOf knows its class.
type Error struct {
	Server string // host:port of the name server the key was for
	Target string // service principal, as in DNS/ns1.example.test; empty: not known yet
	Step   Step   // where it ended
	// Kerberos is the error code of RFC 4120 section 7.5.9 that the KDC or the server sent, as in 24 for a wrong
	// password; 0: none. Such errors are not authenticated: anyone on the path may have sent them.
	Kerberos int32
	// TKEY is the rcode or the TKEY error with which the server refused, as in 17 for BADKEY; 0: none.
	TKEY int
	// Skew is how far the KDC's or the server's clock is ahead of ours, where that is what is wrong.
	Skew time.Duration
	Err  error // the rest; may be nil

	class dnsreg.Class
}

// Step is a stage on the way to a key.
type Step uint8

const (
	Credentials Step = iota // read the keytab, the ccache or the password
	Login                   // get a ticket-granting ticket (RFC 4120 section 3.1)
	Ticket                  // get a ticket for the server (RFC 4120 section 3.3)
	Negotiation             // set up the security context with the server (RFC 3645 section 3)
)

var stepNames = [...]string{"credentials", "login", "ticket", "negotiation"}

func (s Step) String() string {
	if int(s) < len(stepNames) {
		return stepNames[s]
	}
	return fmt.Sprintf("step %d", uint8(s))
}

func (e *Error) Error() string {
	s := "gss: no key for " + e.Server
	if e.Target != "" {
		s += " (" + e.Target + ")"
	}
	s += ": " + e.Step.String()
	if e.Kerberos != 0 {
		s += ": " + errorcode.Lookup(e.Kerberos)
	}
	if e.TKEY != 0 {
		s += ": " + tkeyText(e.TKEY)
	}
	if e.Skew != 0 {
		word := "ahead"
		if e.Skew < 0 {
			word = "behind"
		}
		s += fmt.Sprintf(" (its clock is %v %s)", e.Skew.Abs().Round(time.Second), word)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func tkeyText(code int) string {
	if s, ok := dns.RcodeToString[code]; ok {
		return s
	}
	return fmt.Sprintf("rcode %d", code)
}

func (e *Error) Unwrap() error { return e.Err }

// Class says what the failure means for the next attempt: a wrong password, keytab or principal is Permanent, a
// KDC that does not answer is Transient.
func (e *Error) Class() dnsreg.Class { return e.class }

// kerberosError is a KRB_ERROR message.
type kerberosError struct {
	code int32
	text string
	data []byte        // e-data: what a KDC wants instead
	skew time.Duration // of the sender's clock, if that is what it complains about
}

func (e *kerberosError) Error() string { return e.text }

// stepError tells wrap at which step it was.
type stepError struct {
	step Step
	err  error
}

func (e *stepError) Error() string { return e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }

var errTimeout = fmt.Errorf("timed out: %w", os.ErrDeadlineExceeded)

// classed is an error of this package with a class.
type classed struct {
	class dnsreg.Class
	err   error
}

func (e *classed) Error() string { return e.err.Error() }
func (e *classed) Unwrap() error { return e.err }

// permanent is for what stays wrong until somebody changes something.
func permanent(format string, args ...any) error {
	return &classed{dnsreg.Permanent, fmt.Errorf(format, args...)}
}

// skewed is for clocks that differ by more than Kerberos allows.
type skewed struct{ by time.Duration }

func (e *skewed) Error() string { return "the clocks differ too much" }

// refusal is the server's no to a TKEY query.
type refusal struct {
	code int
}

func (e *refusal) Error() string {
	if e.code == dns.RcodeBadKey {
		return "the server can't read the ticket, takes it for a replay, or has another time"
	}
	return "the server refuses the negotiation"
}

// wrap makes an *Error of what went wrong, at the last step unless it says otherwise.
func wrap(server, target string, err error) *Error {
	e := &Error{Server: server, Target: target, Step: Negotiation, Err: err, class: dnsreg.Transient}
	if s, ok := errors.AsType[*stepError](err); ok {
		e.Step = s.step
	}
	if c, ok := errors.AsType[*classed](err); ok {
		e.class = c.class
	}
	if k, ok := errors.AsType[*kerberosError](err); ok {
		e.Kerberos, e.Skew, e.class = k.code, k.skew, classOf(k.code)
		if e.Err = nil; k.text != "" {
			e.Err = k
		}
	}
	if s, ok := errors.AsType[*skewed](err); ok {
		e.Skew, e.class = s.by, dnsreg.ClockSkew
	}
	if r, ok := errors.AsType[*refusal](err); ok {
		e.TKEY = r.code
		if e.Kerberos == 0 {
			e.class = refusalClass(r.code)
		}
	}
	return e
}

// classOf sorts the codes of RFC 4120 section 7.5.9.
func classOf(code int32) dnsreg.Class {
	switch code {
	case errorcode.KRB_AP_ERR_SKEW:
		return dnsreg.ClockSkew
	case errorcode.KDC_ERR_SVC_UNAVAILABLE, errorcode.KRB_AP_ERR_REPEAT, errorcode.KRB_AP_ERR_TKT_EXPIRED,
		errorcode.KRB_AP_ERR_TKT_NYV, errorcode.KRB_ERR_GENERIC:
		return dnsreg.Transient // another ticket, another authenticator or another moment may do
	}
	return dnsreg.Permanent
}

// refusalClass sorts the rcodes and the TKEY errors of RFC 2930 section 2.6.
func refusalClass(code int) dnsreg.Class {
	switch code {
	case dns.RcodeServerFailure:
		return dnsreg.Transient
	case dns.RcodeRefused, dns.RcodeNotAuth:
		return dnsreg.Rediscover
	case dns.RcodeBadTime:
		return dnsreg.ClockSkew
	}
	return dnsreg.Permanent
}

// safely calls f, which parses or decrypts what came from outside by way of gokrb5. That panics on some input
// that is too short.
func safely(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("malformed: %v", r)
		}
	}()
	return f()
}
