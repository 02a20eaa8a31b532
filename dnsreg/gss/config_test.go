package gss

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/dnsreg"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/keytab"
)

// writeKeytab makes a keytab with keys of one encryption type.
func writeKeytab(t *testing.T, etype int32, principals ...string) string {
	t.Helper()
	kt := keytab.New()
	for _, p := range principals {
		if err := kt.AddEntry(p, "EXAMPLE.TEST", password, time.Unix(1, 0), 1, etype); err != nil {
			t.Fatal(err)
		}
	}
	b, err := kt.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, "keytab", b)
}

func writeFile(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNewRefuses(t *testing.T) {
	const aes, rc4 = etypeID.AES256_CTS_HMAC_SHA1_96, etypeID.RC4_HMAC
	secret := func(context.Context) (string, error) { return password, nil }
	for name, tt := range map[string]struct {
		cfg  Config
		says string
	}{
		"negative timeout":          {Config{Timeout: -1}, "Config.Timeout: -1ns is negative"},
		"no krb5.conf":              {Config{Krb5ConfFile: "/nowhere/krb5.conf"}, "/nowhere/krb5.conf"},
		"garbled krb5.conf":         {Config{Krb5Conf: "[libdefaults]\n default_realm\n"}, "krb5.conf: Config.Krb5Conf: error processing libdefaults"},
		"a realm without end":       {Config{Krb5Conf: "[realms]\n }\n"}, "krb5.conf"},
		"no AES for logins":         {Config{Krb5Conf: "[libdefaults]\n default_tkt_enctypes = rc4-hmac\n"}, "default_tkt_enctypes has no AES"},
		"no AES for tickets":        {Config{Krb5Conf: "[libdefaults]\n default_tgs_enctypes = rc4-hmac\n"}, "default_tgs_enctypes has no AES"},
		"two credentials":           {Config{Keytab: "x", Password: secret}, "exclude each other"},
		"a password for nobody":     {Config{Password: secret}, "Config.Principal is empty"},
		"no realm":                  {Config{Krb5Conf: "[libdefaults]\n", Principal: "me", Password: secret}, `"me" has no realm`},
		"empty name":                {Config{Principal: "@EXAMPLE.TEST", Password: secret}, "empty component"},
		"empty component":           {Config{Principal: "host/", Password: secret}, "empty component"},
		"two realms":                {Config{Principal: "me@A@B", Password: secret}, "quoted names"},
		"no keytab":                 {Config{Keytab: "/nowhere/keytab"}, "/nowhere/keytab"},
		"garbled keytab":            {Config{Keytab: writeFile(t, "keytab", []byte{5, 2, 0, 0, 0, 9, 1})}, "keytab"},
		"empty keytab":              {Config{Keytab: writeKeytab(t, aes)}, "keytab"},
		"keytab of RC4":             {Config{Keytab: writeKeytab(t, rc4, "me")}, "has no AES key"},
		"keytab of somebody else":   {Config{Principal: "me", Keytab: writeKeytab(t, aes, "you")}, "has no AES key of me@EXAMPLE.TEST"},
		"keytab of several":         {Config{Keytab: writeKeytab(t, aes, "me", "you")}, "me@EXAMPLE.TEST, you@EXAMPLE.TEST: Config.Principal has to say which"},
		"ccache of another kind":    {Config{CCache: "KEYRING:persistent:0"}, `Config.CCache: "KEYRING:persistent:0"`},
		"ccache in the environment": {Config{}, `KRB5CCNAME: "KCM:"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("KRB5CCNAME", "KCM:")
			if tt.cfg.Krb5Conf == "" && tt.cfg.Krb5ConfFile == "" {
				tt.cfg.Krb5Conf = worldConf
			}
			_, err := New(tt.cfg)
			if err == nil || !strings.HasPrefix(err.Error(), "gss: ") || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v; want %q", err, tt.says)
			}
		})
	}
}

func TestNewTakes(t *testing.T) {
	t.Setenv("KRB5CCNAME", "FILE:/tmp/cc")
	t.Setenv("KRB5_CONFIG", writeFile(t, "krb5.conf", []byte(worldConf)))
	one := writeKeytab(t, etypeID.AES256_CTS_HMAC_SHA1_96, "host/h1.example.test")
	for _, tt := range []struct {
		cfg  Config
		says string
	}{
		{Config{}, "GSS-TSIG as ccache /tmp/cc"},
		{Config{Principal: "me"}, "GSS-TSIG as me@EXAMPLE.TEST by ccache /tmp/cc"},
		{Config{CCache: `C:\cc`}, `GSS-TSIG as ccache C:\cc`},
		{Config{Keytab: one}, "GSS-TSIG as host/h1.example.test@EXAMPLE.TEST by keytab " + one},
	} {
		p, err := New(tt.cfg)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := p.String(); got != tt.says || p.Validate() != nil {
			t.Errorf("%q, want %q; %v", got, tt.says, p.Validate())
		}
	}
	for _, p := range []*Provider{nil, {}} {
		if p.Validate() == nil {
			t.Error("a Provider that New did not make is valid")
		}
	}
}

// Lists in krb5.conf narrow what is offered; without one all is.
func TestEnctypes(t *testing.T) {
	p := newWorld(t).provider(func(c *Config) {
		c.Krb5Conf = "[libdefaults]\n default_realm = EXAMPLE.TEST\n default_tkt_enctypes = rc4-hmac aes128-cts aes128-cts des3-cbc-sha1\n"
	})
	if got := p.kdcs.loginTypes; !slices.Equal(got, []int32{etypeID.AES128_CTS_HMAC_SHA1_96}) {
		t.Errorf("for logins %v", got)
	}
	if got := p.kdcs.ticketTypes; !slices.Equal(got, strong) {
		t.Errorf("for tickets %v", got)
	}
}

// Nothing that prints shows a secret.
func TestSecretsStayOut(t *testing.T) {
	w := newWorld(t)
	p := w.provider(nil)
	k := key1(t, p)
	raw := fmt.Sprintf("%x", k.(*key).secret)
	_, err := w.provider(func(c *Config) {
		c.Password = func(context.Context) (string, error) { return "wr0ng", errors.New("no") }
	}).Key(t.Context(), serverAddr)
	for _, v := range []any{p, *p.kdcs, p.from, k, err, []dnsreg.Key{k}, w.config()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			s := fmt.Sprintf(verb, v)
			if strings.Contains(s, password) || strings.Contains(s, "wr0ng") || strings.Contains(s, raw) || strings.Contains(s, fmt.Sprint(k.(*key).secret)) {
				t.Errorf("%s of %T shows a secret", verb, v)
			}
		}
	}
}
