package gss

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/hextet/hextet/dnsreg"
	"github.com/jcmturner/gokrb5/v8/config"
)

// Config says who registers. The zero value takes the tickets that kinit left, as nsupdate -g does. Its functions are
// called from several goroutines at once.
type Config struct {
	// Principal is who to authenticate as, with or without the realm: "host/h1.example.test", or "H1$@EXAMPLE.TEST"
	// for a computer account of Active Directory. Realms are case-sensitive.
	// Empty: the ccache's own principal, or the keytab's only one.
	Principal string
	// Keytab is the path of a keytab with AES keys of Principal. It is read again for every login.
	// Empty: no keytab is used.
	Keytab string
	// Password returns the password of Principal. It is called for every login, with the context of the call that
	// needs it. Nil: no password is used.
	Password func(ctx context.Context) (string, error)
	// CCache is the path of a credentials cache file, which may start with "FILE:". Only its ticket-granting
	// ticket is used, and it is read again for every ticket, so whoever renews the file renews this.
	// Empty, with neither Keytab nor Password: $KRB5CCNAME, else /tmp/krb5cc_ and the user's number, if it is the
	// user's or root's and nobody else may write it.
	CCache string

	// Krb5Conf is the text of a krb5.conf: default_realm, realms with their KDCs, domain_realm. Empty: Krb5ConfFile.
	Krb5Conf string
	// Krb5ConfFile is the path of a krb5.conf; include and includedir in it are not followed.
	// Empty: $KRB5_CONFIG, else /etc/krb5.conf.
	Krb5ConfFile string

	// Target returns the name of the host whose principal, DNS/<name>, a server (host:port) has.
	// Nil, or for an empty result: the primary that the SOA record of the zone names, if the caller of the
	// Provider knows it, else the host of server, which then must not be an IP address.
	Target func(server string) string
	// Raw exchanges Kerberos tokens as they are, which BIND takes as well. False: wrapped in SPNEGO, which Active
	// Directory expects and nsupdate -g sends.
	Raw bool

	// Timeout bounds one exchange with a KDC, and one with the name server. 0: 5 seconds.
	Timeout time.Duration
	// Clock tells and passes the time, Kerberos' too. Nil: the host's.
	Clock dnsreg.Clock
	// Dial opens connections to KDCs and name servers, network being "tcp". Nil: net.Dialer's DialContext.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// LookupSRV finds the KDCs of a realm that krb5.conf lists none for, unless it says dns_lookup_kdc = false.
	// Nil: net.DefaultResolver's.
	LookupSRV func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	// Logger gets one record for each login failure and new key. Nil: nothing is logged.
	Logger *slog.Logger
}

const defaultTimeout = 5 * time.Second

func (cfg *Config) fill() {
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Clock == nil {
		cfg.Clock = hostClock{}
	}
	if cfg.Dial == nil {
		cfg.Dial = new(net.Dialer).DialContext
	}
	if cfg.LookupSRV == nil {
		cfg.LookupSRV = net.DefaultResolver.LookupSRV
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
}

// krb5 reads the krb5.conf.
func (cfg *Config) krb5() (*config.Config, error) {
	text, name := cfg.Krb5Conf, "Config.Krb5Conf"
	if text == "" {
		name = cfg.Krb5ConfFile
		if name == "" {
			name = os.Getenv("KRB5_CONFIG")
		}
		if name == "" {
			name = "/etc/krb5.conf"
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("gss: krb5.conf: %w", err)
		}
		text = string(b)
	}
	var krb *config.Config
	err := safely(func() (err error) {
		krb, err = config.NewFromString(text)
		if _, ok := errors.AsType[config.UnsupportedDirective](err); ok {
			err = nil // Kerberos 4's, and read past
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("gss: krb5.conf: %s: %w", name, err)
	}
	if !saysLookupKDC.MatchString(text) {
		krb.LibDefaults.DNSLookupKDC = true // MIT's default, which is not gokrb5's
	}
	return krb, nil
}

var saysLookupKDC = regexp.MustCompile(`(?m)^\s*dns_lookup_kdc\s*=`)

// enctypes are the strong encryption types, as far as a list in krb5.conf has them. gokrb5's default, which is
// what it has when there is no list, leaves those of RFC 8009 out.
func enctypes(directive string, listed, none []int32) ([]int32, error) {
	if slices.Equal(listed, none) {
		return strong, nil
	}
	var out []int32
	for _, id := range listed {
		if isStrong(id) && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("gss: krb5.conf: %s has no AES: nothing else is supported", directive)
	}
	return out, nil
}

type hostClock struct{}

func (hostClock) Now() time.Time { return time.Now() }

func (hostClock) AfterFunc(d time.Duration, f func()) func() bool {
	return time.AfterFunc(d, f).Stop
}
