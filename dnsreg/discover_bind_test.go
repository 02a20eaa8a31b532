package dnsreg

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hextet/hextet/internal/peertest"
)

// A BIND that is resolver and authority at once, with the empty zones that it has by default, a child zone, a
// classless zone (RFC 2317), a reverse zone that is elsewhere by DNAME, and one with the contents of AS112's.
const resolverConf = `
key "upd.example.test." { algorithm hmac-sha256; secret "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="; };
options { directory "%s"; pid-file "named.pid"; session-keyfile "session.key"; managed-keys-directory "."; lock-file none;
  listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; query-source address 127.0.0.1;
  recursion yes; dnssec-validation no; notify no; empty-zones-enable yes; disable-empty-zone "8.B.D.0.1.0.0.2.IP6.ARPA"; };
controls { };
`

var resolverZones = map[string]string{
	"example.test":              "ns1 IN A 127.0.0.1\nsub IN NS ns1",
	"sub.example.test":          "",
	"rev.example.test":          "",
	"2.0.192.in-addr.arpa":      "0-63 IN NS ns1.example.test.\n$GENERATE 0-63 $ CNAME $.0-63",
	"0-63.2.0.192.in-addr.arpa": "",
	"100.51.198.in-addr.arpa":   "@ IN DNAME 100.rev.example.test.",
	"113.0.203.in-addr.arpa":    "@ IN DNAME empty.as112.arpa.",
	"8.b.d.0.1.0.0.2.ip6.arpa":  "",
	"168.192.in-addr.arpa":      "",
}

func startResolver(t *testing.T) (address string) {
	t.Helper()
	peertest.DNS.Tools(t, "named", "dig")
	dir := t.TempDir()
	port := freePort(t)
	conf := fmt.Sprintf(resolverConf, dir, port)
	for z, more := range resolverZones {
		conf += fmt.Sprintf("zone %q { type primary; file \"%s.zone\"; allow-update { key upd.example.test.; }; };\n", z, z)
		soa := "ns1.example.test. hm.example.test. 1 3600 600 86400 60"
		if z == "168.192.in-addr.arpa" {
			soa = "prisoner.iana.org. hostmaster.root-servers.org. 1 604800 60 604800 604800"
		}
		writeFile(t, filepath.Join(dir, z+".zone"), fmt.Sprintf("$ORIGIN %s.\n$TTL 300\n@ IN SOA %s\n@ IN NS ns1.example.test.\n%s\n", z, soa, more))
	}
	file := filepath.Join(dir, "named.conf")
	writeFile(t, file, conf)
	cmd := exec.Command(unconfined(t, dir, "named"), "-g", "-n", "1", "-c", file)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Wait() })
	lines := bufio.NewScanner(log)
	up, said := false, ""
	for !up && lines.Scan() {
		up, said = strings.HasSuffix(lines.Text(), " running"), said+lines.Text()+"\n"
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for lines.Scan() {
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		<-drained
	})
	if !up {
		t.Fatalf("named did not come up:\n%s", said)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// Port 53 of the primary is the port that BIND has here. Nothing else may be dialled.
func dialOnly(t *testing.T, address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, to string) (net.Conn, error) {
		if to != address && to != "127.0.0.1:53" {
			t.Errorf("%s was dialled", to)
			return nil, errAway
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
}

func TestBINDAsResolverAndAuthority(t *testing.T) {
	address := startResolver(t)
	for way, want := range map[string]string{"resolver": "127.0.0.1:53", "server": address} {
		cfg := Config{Name: "host.sub.example.test", Source: new(AddressTable), Auth: TSIG(keyName, "", secret), Dial: dialOnly(t, address)}
		if way == "resolver" {
			cfg.Resolvers = []string{address}
		} else {
			cfg.Servers = []string{address}
		}
		r, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		v6 := reverseName(host("2001:db8::1")[0].Prefix.Addr())
		for name, p := range map[string]place{
			"host.sub.example.test.":   {"host.sub.example.test.", "sub.example.test.", want},
			"host.example.test.":       {"host.example.test.", "example.test.", want},
			"5.2.0.192.in-addr.arpa.":  {"5.0-63.2.0.192.in-addr.arpa.", "0-63.2.0.192.in-addr.arpa.", want},
			"77.2.0.192.in-addr.arpa.": {"77.2.0.192.in-addr.arpa.", "2.0.192.in-addr.arpa.", want},
			// RFC 6672: the DNAME's CNAME is followed
			"9.100.51.198.in-addr.arpa.": {"9.100.rev.example.test.", "rev.example.test.", want},
			v6:                           {v6, "8.b.d.0.1.0.0.2.ip6.arpa.", want},
		} {
			if got, err := r.places.locate(t.Context(), name); err != nil || got != p {
				t.Errorf("%s: %s is at %v, %v; want %v", way, name, got, err, p)
			}
		}
		for _, a := range []string{"10.0.0.1", "172.16.0.1", "172.31.0.1", "100.64.0.1", "169.254.0.1", "127.0.0.2", "192.168.0.1", "203.0.113.5", "fd00::1", "fe80::1"} {
			name := reverseName(host(a)[0].Prefix.Addr())
			if got, err := r.places.locate(t.Context(), name); way == "resolver" && !errors.Is(err, ErrLocalZone) || err == nil {
				t.Errorf("%s: %s is at %v, %v", way, name, got, err)
			}
		}
	}
}

// The records of aliased reverse names are where their aliases lead, and one question each is enough for a whole
// classless zone.
func TestBINDClasslessRegistration(t *testing.T) {
	address := startResolver(t)
	var table AddressTable
	table.Set(host("192.0.2.5", "192.0.2.6", "198.51.100.9", "203.0.113.5", "10.0.0.1", "2001:db8::1")...)
	r, err := New(Config{Name: "host.sub.example.test", Source: &table, Resolvers: []string{address}, Auth: TSIG(keyName, "", secret), Dial: dialOnly(t, address)})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := &named{t, address}
	for name, want := range map[string][]string{
		"5.0-63.2.0.192.in-addr.arpa":                     {"host.sub.example.test."},
		"6.0-63.2.0.192.in-addr.arpa":                     {"host.sub.example.test."},
		"9.100.rev.example.test":                          {"host.sub.example.test."},
		"7.0-63.2.0.192.in-addr.arpa":                     nil,
		reverseName(host("2001:db8::1")[0].Prefix.Addr()): {"host.sub.example.test."},
	} {
		if got := n.dig("+short", name, "PTR"); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if got := len(r.Status().Skipped); got != 2 { // AS112's and BIND's own empty zone
		t.Errorf("skipped %v", r.Status().Skipped)
	}
	before := r.Status().Counters.Queries
	for _, a := range []string{"192.0.2.10", "192.0.2.11", "192.0.2.12", "192.0.2.13"} {
		name := reverseName(host(a)[0].Prefix.Addr())
		p, answer, err := r.places.locatePointer(t.Context(), name)
		if err != nil || p.zone != "0-63.2.0.192.in-addr.arpa." || answer == nil {
			t.Errorf("%s: %v, %v, %v", name, p, answer, err)
		}
	}
	if n := r.Status().Counters.Queries - before; n != 2*4 {
		t.Errorf("%d questions for four names, want one for the alias and one for what it leads to each", n)
	}

	// Another run finds the records there. BIND sends the zone's NS records along, which proves the place.
	again, err := New(Config{Name: "host.sub.example.test", Source: &table, Servers: []string{address}, Auth: TSIG(keyName, "", secret), Dial: dialOnly(t, address)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.places.locate(t.Context(), "5.0-63.2.0.192.in-addr.arpa."); err != nil {
		t.Fatal(err)
	}
	before = again.Status().Counters.Queries
	p, answer, err := again.places.locatePointer(t.Context(), "6.0-63.2.0.192.in-addr.arpa.")
	if want := (place{"6.0-63.2.0.192.in-addr.arpa.", "0-63.2.0.192.in-addr.arpa.", address}); err != nil || p != want || answer == nil || len(answer.Answer) != 1 {
		t.Errorf("at %v, answer %v, %v", p, answer, err)
	}
	if n := again.Status().Counters.Queries - before; n != 1 {
		t.Errorf("%d questions", n)
	}
}
