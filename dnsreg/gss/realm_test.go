//go:build unix

package gss

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/hextet/hextet/internal/dnspeer"
	"github.com/hextet/hextet/internal/peertest"
)

// realm is EXAMPLE.TEST: an MIT KDC, and a BIND that takes its tickets. Each host may register itself only.
type realm struct {
	t    *testing.T
	dir  string
	name string // host:port of named
	conf string // text of krb5.conf

	named  *dnspeer.Peer
	endKDC func()
}

const (
	confText = `[libdefaults]
 default_realm = EXAMPLE.TEST
 dns_lookup_kdc = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 EXAMPLE.TEST = {
  kdc = %s
 }
[domain_realm]
 .example.test = EXAMPLE.TEST
`
	kdcConf = `[realms]
 EXAMPLE.TEST = {
  kdc_listen = %[1]s
  kdc_tcp_listen = %[1]s
  database_name = %[2]s/principal
  key_stash_file = %[2]s/stash
  acl_file = %[2]s/acl
  supported_enctypes = %[3]s
 }
[logging]
 kdc = STDERR
`
)

// startRealm makes the database and starts both. The principals are host/h1.example.test and host/h2.example.test
// (host.keytab has both), and host/h3.example.test with a password; named has DNS/ns1.example.test.
func startRealm(t *testing.T, enctypes string) *realm {
	t.Helper()
	peertest.DNS.Tools(t, "named", "nsupdate", "krb5kdc", "kadmin.local", "kdb5_util", "kinit")
	kdc, err := dnspeer.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	r := &realm{t: t, dir: t.TempDir(), conf: fmt.Sprintf(confText, kdc)}
	r.write("krb5.conf", r.conf)
	r.write("kdc.conf", fmt.Sprintf(kdcConf, kdc, r.dir, enctypes))
	r.run("kdb5_util", "create", "-r", "EXAMPLE.TEST", "-s", "-P", "masterpw")
	for _, q := range []string{
		"addprinc -randkey DNS/ns1.example.test", "ktadd -k dns.keytab DNS/ns1.example.test",
		"addprinc -randkey host/h1.example.test", "ktadd -k host.keytab host/h1.example.test",
		"addprinc -randkey host/h2.example.test", "ktadd -k host.keytab host/h2.example.test",
		`addprinc +requires_preauth -pw "` + password + `" host/h3.example.test`,
	} {
		r.run("kadmin.local", "-r", "EXAMPLE.TEST", "-q", q)
	}
	r.endKDC = dnspeer.StartProgram(t, dnspeer.Program{Dir: r.dir, Argv: []string{"krb5kdc", "-n"}, Env: r.env(), Up: "commencing operation"})
	r.named = dnspeer.Start(t, dnspeer.BIND, dnspeer.Config{
		Zones: []dnspeer.Zone{{
			Name: "example.test", Records: []string{"ns1 IN A 127.0.0.1"}, Policy: "grant EXAMPLE.TEST krb5-self . A AAAA;",
		}},
		Options: fmt.Sprintf("  tkey-gssapi-keytab %q;\n", r.path("dns.keytab")),
		Env:     r.env(),
	})
	r.name = r.named.Address()
	return r
}

// env is what the programs of the realm are told.
func (r *realm) env() []string {
	return []string{"KRB5_CONFIG=" + r.path("krb5.conf"), "KRB5_KDC_PROFILE=" + r.path("kdc.conf"), "KRB5CCNAME=FILE:" + r.path("cc")}
}

func (r *realm) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = r.dir, append(os.Environ(), r.env()...)
	return cmd
}

func (r *realm) run(name string, args ...string) {
	r.t.Helper()
	if out, err := r.command(name, args...).CombinedOutput(); err != nil {
		r.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

func (r *realm) write(name, text string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *realm) path(name string) string { return filepath.Join(r.dir, name) }
