//go:build unix

package gss

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/srcselect"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/miekg/dns"
)

const aes256 = "aes256-cts-hmac-sha1-96:normal"

// config is for a keytab.
func (r *realm) config(principal string) Config {
	return Config{Principal: principal, Keytab: r.path("host.keytab"), Krb5Conf: r.conf, Target: ns1}
}

func ns1(string) string { return "ns1.example.test" }

func (r *realm) provider(cfg Config) *Provider {
	r.t.Helper()
	p, err := New(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// registrar registers one address under a name.
func (r *realm) registrar(t *testing.T, name, address string, auth dnsreg.Auth) *dnsreg.Registrar {
	t.Helper()
	host := new(dnsreg.AddressTable)
	host.Set(srcselect.Address{Prefix: netip.PrefixFrom(netip.MustParseAddr(address), 24), Interface: 1})
	reg, err := dnsreg.New(dnsreg.Config{Name: name, Source: host, Servers: []string{r.name}, Auth: auth, NoPTR: true})
	if err != nil {
		t.Fatal(err)
	}
	return reg
}

// addresses asks named for the A records of a name.
func (r *realm) addresses(name string) []string {
	r.t.Helper()
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(name), dns.TypeA)
	m, err := dns.Exchange(q, r.name)
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, rr := range m.Answer {
		if a, ok := rr.(*dns.A); ok {
			out = append(out, a.A.String())
		}
	}
	return out
}

func (r *realm) holds(t *testing.T, name string, want ...string) {
	t.Helper()
	if got := r.addresses(name); !slices.Equal(got, want) {
		t.Errorf("%s has %v, want %v", name, got, want)
	}
}

// Each kind of credential, with and without SPNEGO, registers and removes its own name, and only that.
func TestRegistrarWithBIND(t *testing.T) {
	r := startRealm(t, aes256)
	r.run("kinit", "-k", "-t", "host.keytab", "host/h2.example.test")
	for i, cfg := range []Config{
		r.config("host/h1.example.test"),
		{CCache: "FILE:" + r.path("cc"), Krb5Conf: r.conf, Target: ns1},
		{Principal: "host/h3.example.test@EXAMPLE.TEST", Password: func(context.Context) (string, error) { return password, nil }, Krb5ConfFile: r.path("krb5.conf"), Target: ns1},
	} {
		name, address := fmt.Sprintf("h%d.example.test", i+1), fmt.Sprintf("192.0.2.%d", i+1)
		for _, cfg.Raw = range []bool{false, true} {
			p := r.provider(cfg)
			t.Run(fmt.Sprintf("%v, raw %v", p.from, cfg.Raw), func(t *testing.T) {
				reg := r.registrar(t, name, address, p)
				if err := reg.Sync(t.Context()); err != nil {
					t.Fatal(err)
				}
				r.holds(t, name, address)
				if err := reg.Sync(t.Context()); err != nil { // a refresh
					t.Error(err)
				}
				if c := reg.Status().Counters; c.Updates != 2 || c.Probes != 1 || c.NotAuthentic != 0 || c.Ignored != 0 || c.Retransmits != 0 {
					t.Errorf("counters %+v", c)
				}
				if err := reg.Deregister(t.Context()); err != nil {
					t.Error(err)
				}
				r.holds(t, name)
			})
		}
	}

	// update-policy krb5-self: h2 may not write h1.
	err := r.registrar(t, "h1.example.test", "192.0.2.66", r.provider(r.config("host/h2.example.test"))).Sync(t.Context())
	e, ok := errors.AsType[*dnsreg.ServerError](err)
	if !ok || e.Rcode != dns.RcodeRefused || !e.Authentic || e.TSIG != 0 || dnsreg.ClassOf(err) != dnsreg.Rediscover {
		t.Errorf("h2 registers h1: %v", err)
	}
	r.holds(t, "h1.example.test")
}

// The control: what nsupdate does in the same realm, so do we.
func TestNsupdateBesideUs(t *testing.T) {
	r := startRealm(t, aes256)
	r.run("kinit", "-k", "-t", "host.keytab", "host/h1.example.test")
	nsupdate := func(name string) error {
		host, port, _ := net.SplitHostPort(r.name)
		cmd := r.command("nsupdate", "-g")
		cmd.Stdin = strings.NewReader(fmt.Sprintf("server %s %s\nzone example.test\nupdate add %s 60 A 192.0.2.9\nsend\n", host, port, name))
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	if err := nsupdate("h1.example.test"); err != nil {
		t.Error(err)
	}
	r.holds(t, "h1.example.test", "192.0.2.9")
	if err := nsupdate("h2.example.test"); err == nil || !strings.Contains(err.Error(), "REFUSED") {
		t.Error(err)
	}
	reg := r.registrar(t, "h1.example.test", "192.0.2.1", r.provider(Config{CCache: r.path("cc"), Krb5Conf: r.conf, Target: ns1}))
	if err := reg.Sync(t.Context()); err != nil {
		t.Error(err)
	}
	if got := r.addresses("h1.example.test"); !slices.Contains(got, "192.0.2.1") || !slices.Contains(got, "192.0.2.9") {
		t.Errorf("h1 has %v", got)
	}
}

// All encryption types that this package speaks, as MIT's KDC and acceptor do.
func TestEncryptionTypesWithBIND(t *testing.T) {
	for _, e := range []string{"aes128-cts-hmac-sha1-96", "aes256-cts-hmac-sha384-192", "aes128-cts-hmac-sha256-128"} {
		t.Run(e, func(t *testing.T) {
			r := startRealm(t, e+":normal")
			for _, cfg := range []Config{
				r.config("host/h1.example.test"),
				{Principal: "host/h3.example.test", Password: func(context.Context) (string, error) { return password, nil }, Krb5Conf: r.conf, Target: ns1},
			} {
				p := r.provider(cfg)
				name := strings.TrimPrefix(cfg.Principal, "host/")
				if err := r.registrar(t, name, "192.0.2.1", p).Sync(t.Context()); err != nil {
					t.Errorf("%v: %v", p, err)
				}
				r.holds(t, name, "192.0.2.1")
			}
		})
	}
}

// A server given by name needs no Target, and one given by address gets its name from the zone's SOA record.
func TestTargetWithBIND(t *testing.T) {
	r := startRealm(t, aes256)
	const byName = "ns1.example.test:53"
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == byName {
			address = r.name
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	cfg := r.config("host/h1.example.test")
	cfg.Target, cfg.Dial = nil, dial
	for i, server := range []string{r.name, byName} {
		host := new(dnsreg.AddressTable)
		want := fmt.Sprintf("192.0.2.%d", i+1)
		host.Set(srcselect.Address{Prefix: netip.MustParsePrefix(want + "/24"), Interface: 1})
		reg, err := dnsreg.New(dnsreg.Config{
			Name: "h1.example.test", Source: host, Servers: []string{server}, Auth: r.provider(cfg), NoPTR: true, Dial: dial,
			Adopt: func(netip.Addr) bool { return true },
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := reg.Sync(t.Context()); err != nil {
			t.Errorf("%s: %v", server, err)
		}
		r.holds(t, "h1.example.test", want)
	}
}

// named forgets its keys when it crashes, and a key is replaced before it ends.
func TestNewKeysWithBIND(t *testing.T) {
	r := startRealm(t, aes256)
	cfg := r.config("host/h1.example.test")
	clock := &shiftedClock{Clock: hostClock{}}
	cfg.Clock = clock
	// Kerberos forgives five minutes, so that is how far the clock may be moved.
	cfg.Krb5Conf = strings.Replace(r.conf, "[libdefaults]", "[libdefaults]\n ticket_lifetime = 6m", 1)
	p := r.provider(cfg)
	reg := r.registrar(t, "h1.example.test", "192.0.2.1", p)
	key := func() dnsreg.Key {
		t.Helper()
		k, err := p.Key(t.Context(), r.name)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	sync := func(what string) {
		t.Helper()
		if err := reg.Sync(t.Context()); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	sync("first")
	first := key()
	sync("second")
	if key() != first {
		t.Error("the key is not kept")
	}
	clock.shift(4 * time.Minute)
	sync("after four minutes of six")
	second := key()
	if second == first {
		t.Error("the key is not replaced before it ends")
	}

	r.named.Kill() // when asked to end, it writes its keys down for the next start
	r.named.Restart()
	sync("after a crash")
	if key() == second {
		t.Error("the key is not replaced after BADKEY")
	}
	r.holds(t, "h1.example.test", "192.0.2.1")
}

// What MIT's KDC and BIND answer to mistakes.
func TestErrorsWithBIND(t *testing.T) {
	r := startRealm(t, aes256)
	with := func(change func(*Config)) *Provider {
		cfg := r.config("host/h1.example.test")
		change(&cfg)
		return r.provider(cfg)
	}
	check := func(name string, p *Provider, step Step, class dnsreg.Class, kerberos int32, tkey int) *Error {
		t.Helper()
		_, err := p.Key(t.Context(), r.name)
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Step != step || e.Class() != class || e.Kerberos != kerberos || e.TKEY != tkey {
			t.Fatalf("%s: %v, class %v", name, err, dnsreg.ClassOf(err))
		}
		t.Logf("%s: %v", name, err)
		return e
	}
	check("password", with(func(c *Config) {
		c.Principal, c.Keytab, c.Password = "host/h3.example.test", "", func(context.Context) (string, error) { return "wrong", nil }
	}), Login, dnsreg.Permanent, errorcode.KDC_ERR_PREAUTH_FAILED, 0)
	check("principal", with(func(c *Config) {
		c.Principal, c.Keytab, c.Password = "nobody", "", func(context.Context) (string, error) { return "wrong", nil }
	}), Login, dnsreg.Permanent, errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN, 0)
	check("service", with(func(c *Config) { c.Target = func(string) string { return "ns2.example.test" } }),
		Ticket, dnsreg.Permanent, errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN, 0)
	check("no ccache", with(func(c *Config) { c.Principal, c.Keytab, c.CCache = "", "", r.path("none") }), Credentials, dnsreg.Permanent, 0, 0)

	r.run("kinit", "-k", "-t", "host.keytab", "host/h1.example.test")
	late := &shiftedClock{Clock: hostClock{}, by: -time.Hour}
	ccache := func(c *Config) { c.Principal, c.Keytab, c.CCache, c.Clock = "", "", r.path("cc"), late }
	e := check("clock", with(ccache), Ticket, dnsreg.ClockSkew, errorcode.KRB_AP_ERR_SKEW, 0)
	if (e.Skew - time.Hour).Abs() > time.Minute {
		t.Errorf("skew %v", e.Skew)
	}
	late.shift(48 * time.Hour)
	check("expired ccache", with(ccache), Credentials, dnsreg.Permanent, 0, 0)

	// The KDC has a newer key of the service than named's keytab.
	r.run("kadmin.local", "-r", "EXAMPLE.TEST", "-q", "cpw -randkey DNS/ns1.example.test")
	check("service's keytab", with(func(*Config) {}), Negotiation, dnsreg.Permanent, 0, dns.RcodeBadKey)
	// And of ours, without preauthentication and with it.
	r.run("kadmin.local", "-r", "EXAMPLE.TEST", "-q", "cpw -randkey host/h1.example.test")
	check("keytab", with(func(*Config) {}), Login, dnsreg.Permanent, 0, 0)
	r.run("kadmin.local", "-r", "EXAMPLE.TEST", "-q", "modprinc +requires_preauth host/h1.example.test")
	check("keytab", with(func(*Config) {}), Login, dnsreg.Permanent, errorcode.KDC_ERR_PREAUTH_FAILED, 0)
	r.run("kadmin.local", "-r", "EXAMPLE.TEST", "-q", "ktadd -k new.keytab host/h1.example.test")
	newer, err := os.ReadFile(r.path("new.keytab"))
	if err != nil {
		t.Fatal(err)
	}
	r.write("host.keytab", string(newer)) // is read again
	r.named.Kill()
	check("no named", with(func(*Config) {}), Negotiation, dnsreg.Transient, 0, 0)
	r.endKDC()
	check("no KDC", with(func(*Config) {}), Login, dnsreg.Transient, 0, 0)
}
