package dnsreg

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Auth says how the exchanges with the servers to be updated are authenticated. A Registrar calls its methods, and
// those of its keys, on one goroutine at a time: that of New, Sync, Plan, Deregister or Run, which they must not
// call. One that several Registrars share is called from all of them at once.
type Auth interface {
	// Validate reports parameters that can't work. New calls it.
	Validate() error
	// Key returns the key for exchanges with a server (host:port). It may take the time to negotiate one.
	Key(ctx context.Context, server string) (Key, error)
}

// Key makes and checks the message authentication codes of TSIG (RFC 8945). Name and Algorithm always say the same.
// It must not keep or modify the slices that it is given, and what Sign returns is the caller's.
type Key interface {
	Name() string      // of the key, absolute
	Algorithm() string // name of the algorithm, absolute
	Sign(data []byte) (mac []byte, err error)
	// Verify returns nil if mac is that of data, which may be anybody's.
	Verify(data, mac []byte) error
}

// PrimaryAuth is an Auth whose key for a server depends on the server's name, as Kerberos' does: its address is not
// enough. Key is for look-ups before the zone's primary is known, and may return nil: they go unsigned then.
type PrimaryAuth interface {
	Auth
	// KeyFor is Key for a server that takes a zone's updates. host is its name: that of the SOA or NS
	// record by which it was found, or the primary's by the SOA record if it was given. It is not authenticated.
	KeyFor(ctx context.Context, server, host string) (Key, error)
}

// Rejecter is an Auth that makes its keys, and makes another one when a server no longer takes the last.
type Rejecter interface {
	Auth
	// Reject says that the server refused what was signed with the key.
	Reject(server string, k Key)
}

// OnceKey is a Key whose signatures servers take only once: a request repeated as it was is a replay to them.
// Requests signed with one go over TCP, where nothing is sent again.
type OnceKey interface {
	Key
	Once() bool
}

// rejected tells an Auth that makes its keys when a server refused one, and says whether it did. Such a reply has no
// signature, so it may be anybody's; to ask for another key costs little. A BADTIME that is signed with the key
// speaks against the clocks, not against the key.
func rejected(auth Auth, server string, key Key, err error) bool {
	a, ok := auth.(Rejecter)
	e, refused := errors.AsType[*ServerError](err)
	if !ok || !refused || e.Authentic || e.TSIG != dns.RcodeBadKey && e.TSIG != dns.RcodeBadSig && e.TSIG != dns.RcodeBadTime {
		return false
	}
	a.Reject(server, key)
	return true
}

// TSIG returns an Auth with a shared secret. The algorithm is "hmac-sha256" (also for the empty string),
// "hmac-sha224", "hmac-sha384" or "hmac-sha512". Parameters that can't work are reported by New.
func TSIG(name, algorithm string, secret []byte) Auth {
	return tsigAuth{name: name, algorithm: algorithm, secret: slices.Clone(secret)}
}

// TSIGSHA1 is TSIG with hmac-sha1, for servers that know nothing better: RFC 8945 section 6 has it as
// "NOT RECOMMENDED". There is none for hmac-md5, which the same section says "MUST NOT" be used.
func TSIGSHA1(name string, secret []byte) Auth {
	return tsigAuth{name: name, algorithm: sha1Name, secret: slices.Clone(secret), sha1: true}
}

const sha1Name = "hmac-sha1"

// ParseTSIG is TSIG with a secret in base64, as tsig-keygen prints it. It reports bad parameters at once.
func ParseTSIG(name, algorithm, secret string) (Auth, error) {
	b, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		// The decoder's error names the place, not the secret.
		return nil, fmt.Errorf("dnsreg: TSIG key %q: secret is not base64: %w", name, err)
	}
	auth := TSIG(name, algorithm, b)
	if err := auth.Validate(); err != nil {
		return nil, err
	}
	return auth, nil
}

type tsigAuth struct {
	name, algorithm string
	secret          []byte
	sha1            bool // asked for by name, not by configuration
}

// String and GoString keep the secret out of printed configurations.
func (a tsigAuth) String() string   { return fmt.Sprintf("TSIG key %q", a.name) }
func (a tsigAuth) GoString() string { return a.String() }

func (a tsigAuth) Validate() error {
	_, err := a.key()
	return err
}

func (a tsigAuth) Key(context.Context, string) (Key, error) { return a.key() }

func (a tsigAuth) key() (Key, error) {
	fail := func(format string, args ...any) (Key, error) {
		return nil, fmt.Errorf("dnsreg: TSIG key %q: "+format, append([]any{a.name}, args...)...)
	}
	k := hmacKey{name: dns.CanonicalName(a.name), secret: a.secret}
	algorithm := strings.ToLower(strings.TrimSuffix(a.algorithm, "."))
	switch algorithm {
	case "", "hmac-sha256":
		k.algorithm, k.hash = dns.HmacSHA256, sha256.New
	case "hmac-sha224":
		k.algorithm, k.hash = dns.HmacSHA224, sha256.New224
	case "hmac-sha384":
		k.algorithm, k.hash = dns.HmacSHA384, sha512.New384
	case "hmac-sha512":
		k.algorithm, k.hash = dns.HmacSHA512, sha512.New
	case sha1Name:
		if !a.sha1 {
			return fail("algorithm %q is refused: RFC 8945 section 6 does not recommend it, use hmac-sha256 (or TSIGSHA1)", a.algorithm)
		}
		k.algorithm, k.hash = dns.HmacSHA1, sha1.New
	case "hmac-md5", "hmac-md5.sig-alg.reg.int":
		return fail("algorithm %q is refused: MD5 is broken, and RFC 8945 section 6 forbids its use, use hmac-sha256", a.algorithm)
	default:
		return fail("unknown algorithm %q: use hmac-sha224, hmac-sha256, hmac-sha384 or hmac-sha512", a.algorithm)
	}
	if _, ok := dns.IsDomainName(a.name); !ok || k.name == "." || strings.ContainsFunc(a.name, unprintable) {
		return fail("the name is no domain name")
	}
	if len(a.secret) == 0 {
		return fail("the secret is empty")
	}
	return k, nil
}

func unprintable(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' || r == '"' || r == ';' }

type hmacKey struct {
	name, algorithm string
	secret          []byte
	hash            func() hash.Hash
}

var errMAC = errors.New("the signature does not verify")

func (k hmacKey) Name() string      { return k.name }
func (k hmacKey) Algorithm() string { return k.algorithm }

func (k hmacKey) Sign(data []byte) ([]byte, error) {
	h := hmac.New(k.hash, k.secret)
	h.Write(data)
	return h.Sum(nil), nil
}

// Verify takes MACs of full length only: RFC 8945 section 5.2.2.1 permits truncated ones, and lets a
// receiver refuse them.
func (k hmacKey) Verify(data, mac []byte) error {
	if want, _ := k.Sign(data); !hmac.Equal(mac, want) {
		return errMAC
	}
	return nil
}
