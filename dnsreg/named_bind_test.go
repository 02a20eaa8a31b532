package dnsreg

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/internal/peertest"
)

// named is a BIND on loopback with zones of its own.
type named struct {
	t       *testing.T
	address string // host:port
}

const bindConf = `
key "upd.example.test." { algorithm %s; secret "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="; };
options { directory "%s"; pid-file "named.pid"; session-keyfile "session.key"; managed-keys-directory "."; lock-file none;
  listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };
  recursion no; dnssec-validation no; notify no; empty-zones-enable no; allow-transfer { 127.0.0.1; }; };
controls { };
`

func startNamed(t *testing.T, algorithm string, zones ...string) *named {
	t.Helper()
	peertest.DNS.Tools(t, "named", "dig")
	dir := t.TempDir() // named runs as this user and writes its journals here
	program := unconfined(t, dir, "named")
	for try := range 3 {
		if n := tryNamed(t, program, dir, algorithm, zones); n != nil {
			return n
		}
		t.Logf("named did not come up, try %d", try+1)
	}
	t.Fatal("named did not come up")
	return nil
}

// unconfined returns a copy of a program, in dir. AppArmor knows named by its path, and on Debian and
// Ubuntu lets it read no configuration but its own.
func unconfined(t *testing.T, dir, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, program, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func tryNamed(t *testing.T, program, dir, algorithm string, zones []string) *named {
	t.Helper()
	port := freePort(t)
	conf := fmt.Sprintf(bindConf, algorithm, dir, port)
	for _, z := range zones {
		conf += fmt.Sprintf("zone %q { type primary; file \"%s.zone\"; allow-update { key upd.example.test.; }; };\n", z, z)
		text := fmt.Sprintf("$ORIGIN %s.\n$TTL 300\n@ IN SOA ns1.example.test. hm.example.test. 1 3600 600 86400 60\n@ IN NS ns1.example.test.\n", z)
		if z == "example.test" {
			text += "ns1 IN A 127.0.0.1\nhost IN TXT \"by hand\"\n"
		}
		writeFile(t, filepath.Join(dir, z+".zone"), text)
	}
	file := filepath.Join(dir, "named.conf")
	writeFile(t, file, conf)
	cmd := exec.Command(program, "-g", "-n", "1", "-c", file)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	running, drained := make(chan bool, 1), make(chan struct{})
	go func() {
		defer close(drained)
		up, listening := false, true
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if strings.HasSuffix(lines.Text(), "address in use") {
				listening = false // named runs on without the port that somebody else has taken
			}
			if !up && strings.HasSuffix(lines.Text(), " running") {
				up = true
				running <- listening
			}
		}
		running <- false // ended; nobody may be listening any more, and there is room
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		<-drained
		cmd.Wait()
	})
	if !<-running {
		return nil
	}
	return &named{t, fmt.Sprintf("127.0.0.1:%d", port)}
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
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

// dig returns the non-empty lines of dig's answer, sorted.
func (n *named) dig(args ...string) []string {
	n.t.Helper()
	host, port, _ := strings.Cut(n.address, ":")
	out, err := exec.Command("dig", append([]string{"@" + host, "-p", port}, args...)...).CombinedOutput()
	if err != nil {
		n.t.Fatalf("dig %v: %v\n%s", args, err, out)
	}
	lines := strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
	slices.Sort(lines)
	return lines
}

func (n *named) addresses() []string {
	lines := append(n.dig("+short", hostName, "A"), n.dig("+short", hostName, "AAAA")...)
	slices.Sort(lines)
	return lines
}

// transfer returns a zone without its SOA records, and its serial.
func (n *named) transfer(zone string) (records []string, serial string) {
	for _, line := range n.dig("+onesoa", "+noall", "+answer", zone, "AXFR") {
		if f := strings.Fields(line); f[3] == "SOA" {
			serial = f[6]
		} else {
			records = append(records, strings.Join(f, " "))
		}
	}
	return records, serial
}

var bindZones = append([]string{"example.test"}, reverseZones...)

// 20 addresses of which 3 may speak, as the issue behind all this has it.
func twentyAddresses() []string {
	lines := []string{"192.0.2.1", "2001:db8::1", "2001:db8::2"}
	for i := range 9 {
		lines = append(lines, fmt.Sprintf("192.0.2.%d skip", 100+i))
	}
	return append(lines, "2001:db8::10 skip", "2001:db8::11 skip", "2001:db8::12 temporary", "2001:db8::13 deprecated",
		"2001:db8::14 tentative", "fe80::1", "127.0.0.1", "169.254.3.4")
}

func TestBINDHoldsExactlyTheEligible(t *testing.T) {
	n := startNamed(t, "hmac-sha256", bindZones...)
	before := make(map[string][]string)
	serials := make(map[string]string)
	for _, z := range bindZones {
		before[z], _ = n.transfer(z)
	}
	var table AddressTable
	lines := twentyAddresses()
	if len(lines) != 20 {
		t.Fatalf("%d addresses", len(lines))
	}
	table.Set(host(lines...)...)
	r, err := New(Config{Name: "host.example.test", Source: &table, Servers: []string{n.address}, Auth: TSIG(keyName, "", secret)})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := n.addresses(), []string{"192.0.2.1", "2001:db8::1", "2001:db8::2"}; !slices.Equal(got, want) {
		t.Errorf("dig shows %v, want %v", got, want)
	}
	for _, a := range []string{"192.0.2.1", "2001:db8::1", "2001:db8::2"} {
		if got := n.dig("+short", "-x", a); !slices.Equal(got, []string{hostName}) {
			t.Errorf("dig -x %s shows %v", a, got)
		}
	}
	if got := n.dig("+short", "-x", "192.0.2.100"); len(got) != 0 {
		t.Errorf("dig -x 192.0.2.100 shows %v", got)
	}
	c := r.Status().Counters
	if c.Updates != 3 || c.UpdateBytes > 800 {
		t.Errorf("%d updates of %d octets", c.Updates, c.UpdateBytes)
	}

	for _, z := range bindZones {
		_, serials[z] = n.transfer(z)
	}
	if err := r.Sync(t.Context()); err != nil { // a refresh
		t.Fatal(err)
	}
	for _, z := range bindZones {
		if _, serial := n.transfer(z); serial != serials[z] {
			t.Errorf("%s: a refresh moved the serial from %s to %s", z, serials[z], serial)
		}
	}
	if c := r.Status().Counters; c.Probes != 3 || c.Conflicts != 0 {
		t.Errorf("counters after the refresh: %+v", c)
	}

	if err := r.Deregister(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, z := range bindZones {
		if after, _ := n.transfer(z); !slices.Equal(after, before[z]) {
			t.Errorf("%s after Deregister: %q, before: %q", z, after, before[z])
		}
	}
}

func TestBINDFollowsAFlag(t *testing.T) {
	n := startNamed(t, "hmac-sha512", bindZones...)
	var table AddressTable
	lines := twentyAddresses()
	table.Set(host(lines...)...)
	w := &world{t: t}
	r, err := New(Config{Name: "host.example.test", Source: &table, Servers: []string{n.address}, Auth: TSIG(keyName, "hmac-sha512", secret)})
	if err != nil {
		t.Fatal(err)
	}
	defer w.start(r)()
	n.await("192.0.2.1", "2001:db8::1", "2001:db8::2")
	lines[2], lines[3] = "2001:db8::2 skip", "192.0.2.100"
	flipped := time.Now()
	table.Set(host(lines...)...)
	n.await("192.0.2.1", "192.0.2.100", "2001:db8::1")
	if d := time.Since(flipped); d > 2*time.Second {
		t.Errorf("followed after %v, want at most 2 s", d)
	} else {
		t.Logf("followed after %v", d)
	}
}

// await asks until BIND holds these addresses, for ten seconds at most.
func (n *named) await(want ...string) {
	n.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	var got []string
	for time.Now().Before(deadline) {
		if got = n.addresses(); slices.Equal(got, want) {
			return
		}
	}
	n.t.Fatalf("dig shows %v, want %v", got, want)
}

// BIND says what is wrong as the errors' documentation has it.
func TestBINDRefuses(t *testing.T) {
	n := startNamed(t, "hmac-sha256", "example.test")
	var table AddressTable
	table.Set(host("192.0.2.1")...)
	for name, test := range map[string]struct {
		change func(*Config)
		class  Class
		says   string
	}{
		"wrong key":    {func(c *Config) { c.Auth = TSIG("other.", "", secret) }, Permanent, "BADKEY"},
		"wrong secret": {func(c *Config) { c.Auth = TSIG(keyName, "", []byte("wrong")) }, Permanent, "BADSIG"},
		"wrong clock":  {func(c *Config) { c.Clock = lateClock{hostClock{}} }, ClockSkew, "the server's clock is"},
		"unsigned":     {func(c *Config) { c.Auth = nil }, Rediscover, "REFUSED"},
		"no such zone": {func(c *Config) { c.Name = "host.example.com" }, Rediscover, "REFUSED"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Name: "host.example.test", Source: &table, Servers: []string{n.address}, Auth: TSIG(keyName, "", secret)}
			test.change(&cfg)
			r, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			err = r.Sync(t.Context())
			serverError(t, err)
			if ClassOf(err) != test.class || !strings.Contains(err.Error(), test.says) {
				t.Errorf("class %v, error %v; want %v and %q", ClassOf(err), err, test.class, test.says)
			}
		})
	}
	if got := n.addresses(); len(got) != 0 {
		t.Errorf("registered all the same: %v", got)
	}
}

// lateClock is an hour slow.
type lateClock struct{ Clock }

func (c lateClock) Now() time.Time { return c.Clock.Now().Add(-time.Hour) }
