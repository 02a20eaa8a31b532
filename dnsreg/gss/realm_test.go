package gss

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hextet/hextet/internal/peertest"
)

// realm is EXAMPLE.TEST: an MIT KDC, and a BIND that takes its tickets. Each host may register itself only.
type realm struct {
	t    *testing.T
	dir  string
	kdc  string // host:port
	name string // host:port of named
	conf string // text of krb5.conf

	named, krb5kdc *process
}

const (
	password = "correct horse battery staple"
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
	namedConf = `options { directory "%[1]s"; pid-file "named.pid"; session-keyfile "session.key"; managed-keys-directory "."; lock-file none;
  listen-on port %[2]d { 127.0.0.1; }; listen-on-v6 { none; };
  recursion no; dnssec-validation no; notify no; empty-zones-enable no; tkey-gssapi-keytab "%[1]s/dns.keytab"; };
controls { };
zone "example.test" { type primary; file "example.test.zone"; update-policy { grant EXAMPLE.TEST krb5-self . A AAAA; }; };
`
	zoneText = "$ORIGIN example.test.\n$TTL 300\n@ IN SOA ns1.example.test. hm.example.test. 1 3600 600 86400 60\n@ IN NS ns1.example.test.\nns1 IN A 127.0.0.1\n"
)

// startRealm makes the database and starts both. The principals are host/h1.example.test and host/h2.example.test
// (host.keytab has both), and host/h3.example.test with a password; named has DNS/ns1.example.test.
func startRealm(t *testing.T, enctypes string) *realm {
	t.Helper()
	peertest.DNS.Tools(t, "named", "nsupdate", "krb5kdc", "kadmin.local", "kdb5_util", "kinit")
	r := &realm{t: t, dir: t.TempDir()}
	for try := range 3 {
		if r.start(enctypes) {
			return r
		}
		t.Logf("no KDC or no named, try %d", try+1)
	}
	t.Fatal("the KDC or named did not come up")
	return nil
}

func (r *realm) start(enctypes string) bool {
	r.t.Helper()
	r.kdc = fmt.Sprintf("127.0.0.1:%d", freePort(r.t))
	r.conf = fmt.Sprintf(confText, r.kdc)
	r.write("krb5.conf", r.conf)
	r.write("kdc.conf", fmt.Sprintf(kdcConf, r.kdc, r.dir, enctypes))
	r.write("example.test.zone", zoneText)
	if _, err := os.Stat(filepath.Join(r.dir, "stash")); err != nil {
		r.run("kdb5_util", "create", "-r", "EXAMPLE.TEST", "-s", "-P", "masterpw")
		for _, q := range []string{
			"addprinc -randkey DNS/ns1.example.test", "ktadd -k dns.keytab DNS/ns1.example.test",
			"addprinc -randkey host/h1.example.test", "ktadd -k host.keytab host/h1.example.test",
			"addprinc -randkey host/h2.example.test", "ktadd -k host.keytab host/h2.example.test",
			`addprinc +requires_preauth -pw "` + password + `" host/h3.example.test`,
		} {
			r.run("kadmin.local", "-r", "EXAMPLE.TEST", "-q", q)
		}
	}
	r.krb5kdc = r.launch("commencing operation", "krb5kdc", "-n")
	return r.krb5kdc != nil && r.startNamed()
}

func (r *realm) startNamed() bool {
	r.t.Helper()
	port := freePort(r.t)
	r.name = fmt.Sprintf("127.0.0.1:%d", port)
	r.write("named.conf", fmt.Sprintf(namedConf, r.dir, port))
	r.named = r.launchNamed()
	return r.named != nil
}

// launchNamed starts it, or starts it again.
func (r *realm) launchNamed() *process {
	r.t.Helper()
	return r.launch(" running", unconfined(r.t, r.dir, "named"), "-g", "-n", "1", "-c", r.path("named.conf"))
}

// env is what the programs of the realm are told.
func (r *realm) env() []string {
	return append(os.Environ(), "KRB5_CONFIG="+filepath.Join(r.dir, "krb5.conf"), "KRB5_KDC_PROFILE="+filepath.Join(r.dir, "kdc.conf"),
		"KRB5CCNAME=FILE:"+filepath.Join(r.dir, "cc"))
}

func (r *realm) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = r.dir, r.env()
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

// process is a server in the foreground.
type process struct {
	cmd     *exec.Cmd
	drained chan struct{}
}

// launch starts a server and waits until its log says that it is up; nil if it is not.
func (r *realm) launch(ready, name string, args ...string) *process {
	r.t.Helper()
	p := &process{r.command(name, args...), make(chan struct{})}
	log, err := p.cmd.StderrPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	running := make(chan bool, 1)
	go func() {
		defer close(p.drained)
		up, listening := false, true
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if strings.Contains(strings.ToLower(lines.Text()), "address in use") {
				listening = false
			}
			if !up && strings.HasSuffix(lines.Text(), ready) {
				up = true
				running <- listening
			}
		}
		if !up {
			running <- false
		}
	}()
	r.t.Cleanup(p.stop)
	if !<-running {
		p.stop()
		return nil
	}
	return p
}

func (p *process) stop() { p.end(syscall.SIGTERM) }
func (p *process) kill() { p.end(syscall.SIGKILL) }

func (p *process) end(signal os.Signal) {
	if p.cmd.ProcessState == nil {
		p.cmd.Process.Signal(signal)
		<-p.drained
		p.cmd.Wait()
	}
}

// unconfined returns a copy of a program, in dir. AppArmor knows named by its path, and on Debian and Ubuntu lets it
// read no configuration but its own.
func unconfined(t *testing.T, dir, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, name)
	if _, err := os.Stat(copied); err == nil {
		return copied
	}
	program, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, program, 0o700); err != nil {
		t.Fatal(err)
	}
	return copied
}

func freePort(t *testing.T) int {
	t.Helper()
	for range 16 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		pc, err := net.ListenPacket("udp", l.Addr().String())
		l.Close()
		if err == nil {
			pc.Close()
			return port
		}
	}
	t.Fatal("no port is free for both UDP and TCP")
	return 0
}
