package gss

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/dnsreg"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/miekg/dns"
)

// What goes wrong is told by step, code and class.
func TestErrors(t *testing.T) {
	conf := func(line string) func(*Config) {
		return func(c *Config) { c.Krb5Conf = strings.Replace(worldConf, "[libdefaults]", "[libdefaults]\n "+line, 1) }
	}
	for name, tt := range map[string]struct {
		config   func(*Config)
		world    func(*world)
		step     Step
		class    dnsreg.Class
		kerberos int32
		tkey     int
		skew     time.Duration
		says     string
	}{
		"password": {
			config: func(c *Config) { c.Password = func(context.Context) (string, error) { return "wrong", nil } },
			step:   Login, class: dnsreg.Permanent, kerberos: errorcode.KDC_ERR_PREAUTH_FAILED, says: "PREAUTH_FAILED",
		},
		"no password": {
			config: func(c *Config) {
				c.Password = func(context.Context) (string, error) { return "", errors.New("no terminal") }
			},
			step: Credentials, class: dnsreg.Permanent, says: "no terminal",
		},
		"principal": {
			config: func(c *Config) { c.Principal = "nobody" },
			step:   Login, class: dnsreg.Permanent, kerberos: errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN,
		},
		"service": {
			config: func(c *Config) { c.Target = func(string) string { return "ns2.example.test" } },
			step:   Ticket, class: dnsreg.Permanent, kerberos: errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN, says: "DNS/ns2.example.test",
		},
		"clock behind": {
			config: func(c *Config) { c.Clock = &shiftedClock{Clock: hostClock{}, by: -time.Hour} },
			step:   Login, class: dnsreg.ClockSkew, kerberos: errorcode.KRB_AP_ERR_SKEW, skew: time.Hour, says: "ahead",
		},
		"clock ahead": {
			config: func(c *Config) { c.Clock = &shiftedClock{Clock: hostClock{}, by: time.Hour} },
			step:   Login, class: dnsreg.ClockSkew, kerberos: errorcode.KRB_AP_ERR_SKEW, skew: -time.Hour, says: "behind",
		},
		"server's clock": {
			world: func(w *world) {
				w.acceptor.krb = errorcode.KRB_AP_ERR_SKEW
				w.acceptor.code = dns.RcodeBadKey
				w.acceptor.clock = late
			},
			step: Negotiation, class: dnsreg.ClockSkew, kerberos: errorcode.KRB_AP_ERR_SKEW, tkey: dns.RcodeBadKey, skew: time.Hour,
		},
		"server's clock, said by time only": {
			world: func(w *world) { w.acceptor.clock = late },
			step:  Negotiation, class: dnsreg.ClockSkew, skew: time.Hour,
		},
		"KDCs away": {
			world: func(w *world) { w.away["kdc1.example.test:88"], w.away["kdc2.example.test:88"] = true, true },
			step:  Login, class: dnsreg.Transient, says: "KDC kdc2.example.test:88: no route to host",
		},
		"KDC busy":     {world: func(w *world) { w.fail = 29 }, step: Login, class: dnsreg.Transient, kerberos: 29},
		"KDC's garble": {world: func(w *world) { w.bad = []byte("garble") }, step: Login, class: dnsreg.Transient, says: "AS-REP"},
		"realm without KDC": {
			config: func(c *Config) {
				conf("dns_lookup_kdc = false")(c)
				c.Principal = "me@NOWHERE.TEST"
			},
			step: Login, class: dnsreg.Permanent, says: "no KDC for the realm NOWHERE.TEST",
		},
		"realm unknown to the DNS": {
			config: func(c *Config) { c.Principal = "me@NOWHERE.TEST" },
			step:   Login, class: dnsreg.Transient, says: "looking for the KDCs of NOWHERE.TEST: no such host",
		},
		"encryption type not permitted": {
			config: conf("default_tkt_enctypes = aes128-cts-hmac-sha1-96"),
			step:   Login, class: dnsreg.Permanent, says: "not permitted",
		},
		"server away":   {world: func(w *world) { w.away[serverAddr] = true }, step: Negotiation, class: dnsreg.Transient, says: "no route"},
		"BADKEY":        {world: func(w *world) { w.acceptor.code = dns.RcodeBadKey }, step: Negotiation, class: dnsreg.Permanent, tkey: 17, says: "BADKEY"},
		"REFUSED":       {world: func(w *world) { w.acceptor.rcode = dns.RcodeRefused }, step: Negotiation, class: dnsreg.Rediscover, tkey: 5},
		"SERVFAIL":      {world: func(w *world) { w.acceptor.rcode = 2 }, step: Negotiation, class: dnsreg.Transient, tkey: 2},
		"NOTIMP":        {world: func(w *world) { w.acceptor.rcode = 4 }, step: Negotiation, class: dnsreg.Permanent, tkey: 4},
		"unsigned":      {world: func(w *world) { w.acceptor.unsigned = true }, step: Negotiation, says: "TSIG"},
		"other key":     {world: func(w *world) { w.acceptor.stranger = true }, step: Negotiation, says: "another key"},
		"other AP-REQ":  {world: func(w *world) { w.acceptor.wrongTime = true }, step: Negotiation, says: "another request"},
		"no end":        {world: func(w *world) { w.acceptor.mics, w.acceptor.endless = true, true }, step: Negotiation, says: "to an end"},
		"RC4 key":       {world: func(w *world) { w.acceptor.weak = true }, step: Negotiation, class: dnsreg.Permanent, says: "only AES"},
		"referred away": {world: func(w *world) { w.refer["EXAMPLE.TEST"] = "NOWHERE.TEST" }, step: Ticket, class: dnsreg.Permanent, kerberos: 7},
		"referred in a circle": {
			world: func(w *world) { w.refer["EXAMPLE.TEST"], w.refer["OTHER.TEST"] = "OTHER.TEST", "EXAMPLE.TEST" },
			step:  Ticket, class: dnsreg.Permanent, says: "referrals",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if tt.world != nil {
				tt.world(w)
			}
			_, err := w.provider(tt.config).Key(t.Context(), serverAddr)
			e, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("%T: %v", err, err)
			}
			if e.Step != tt.step || dnsreg.ClassOf(err) != tt.class || e.Kerberos != tt.kerberos || e.TKEY != tt.tkey ||
				(e.Skew-tt.skew).Abs() > 10*time.Second || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%+v, class %v: %v", *e, dnsreg.ClassOf(err), err)
			}
			// Only then a Registrar tries the zone's next server: no other helps against what a KDC says.
			if n, silent := errors.AsType[*dnsreg.NoReplyError](err); silent != (name == "server away") || silent && n.Server != serverAddr {
				t.Errorf("the server did not reply: %v: %v", silent, err)
			}
			if strings.Contains(err.Error(), password) || strings.ContainsRune(err.Error(), '\n') && tt.says == "" {
				t.Errorf("printed: %v", err)
			}
		})
	}
}

func late() time.Time { return time.Now().Add(time.Hour) }
