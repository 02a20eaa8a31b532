package lab_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

// named is a lab with a DNS host, a client and a web host.
func named(tb testing.TB, cfg lab.Config, wire lab.Impairment, dns lab.DNSConfig) (l *lab.Lab, d *lab.DNS, client, web *lab.Host) {
	l = lab.New(tb, cfg)
	l.Segment(lab.SegmentConfig{Impair: wire})
	dns.Addresses = lab.Addresses("2001:db8::53/64", "10.0.0.53/24")
	dns.Zones = append(dns.Zones, "example.test")
	dns.Records = append(dns.Records,
		"web.example.test. 60 AAAA 2001:db8::80", "web.example.test. 60 A 10.0.0.80",
		"four.example.test. 60 A 10.0.0.80", "www.example.test. 60 CNAME web.example.test.",
		`text.example.test. 60 TXT "hello"`)
	for n := range 100 {
		dns.Records = append(dns.Records, fmt.Sprintf("many.example.test. 60 AAAA 2001:db8:f::%x", n+1))
	}
	d = l.DNS(dns)
	web = l.Host(lab.HostConfig{Name: "web", Addresses: lab.Addresses("2001:db8::80/64", "10.0.0.80/24")})
	client = l.Host(lab.HostConfig{Name: "client", Addresses: lab.Addresses("2001:db8::c/64", "10.0.0.201/24")})
	return l, d, client, web
}

func lookup(t *testing.T, h *lab.Host, network, name string) string {
	t.Helper()
	addrs, err := h.Resolver().LookupNetIP(t.Context(), network, name)
	if err != nil {
		var dnsErr *net.DNSError
		if errors.As(err, &dnsErr) && dnsErr.IsNotFound {
			return "not found"
		}
		return err.Error()
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return fmt.Sprint(addrs)
}

func TestDNS(t *testing.T) {
	l, d, client, web := named(t, lab.Config{}, lab.Impairment{Latency: 10 * time.Millisecond}, lab.DNSConfig{})
	for _, tt := range []struct{ network, name, want string }{
		{"ip", "web.example.test.", "[10.0.0.80 2001:db8::80]"},
		{"ip", "www.example.test.", "[10.0.0.80 2001:db8::80]"},
		{"ip4", "web.example.test.", "[10.0.0.80]"},
		{"ip6", "web.example.test.", "[2001:db8::80]"},
		{"ip", "four.example.test.", "[10.0.0.80]"},
		{"ip", "ftp.example.test.", "not found"},
	} {
		if got := lookup(t, client, tt.network, tt.name); got != tt.want {
			t.Errorf("%s %s: %s", tt.network, tt.name, got)
		}
	}
	// With a known neighbour both questions take one way there and back.
	start := l.Now()
	lookup(t, client, "ip", "web.example.test.")
	if took := l.Now().Sub(start); took != 20*time.Millisecond {
		t.Errorf("took %v", took)
	}
	if txt, err := client.Resolver().LookupTXT(t.Context(), "text.example.test."); err != nil || fmt.Sprint(txt) != "[hello]" {
		t.Error(txt, err)
	}
	if got := lookup(t, client, "ip", "many.example.test."); strings.Count(got, " ") != 99 {
		t.Errorf("a long answer: %s", got)
	}
	if d.Server().Stats().TCP == 0 {
		t.Error("what was too long for UDP did not come by TCP")
	}
	ln, err := web.Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	l.Go("web", func(context.Context) error {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		io.WriteString(c, "hello")
		return c.Close()
	})
	c, err := client.DialContext(t.Context(), "tcp", "web.example.test.:80")
	if err != nil {
		t.Fatal(err)
	}
	if said, err := io.ReadAll(c); err != nil || string(said) != "hello" || c.RemoteAddr().String() != "[2001:db8::80]:80" {
		t.Errorf("%v said %q, %v", c.RemoteAddr(), said, err)
	}
	if got := fmt.Sprint(d.Nameservers()); got != "[[2001:db8::53]:53 10.0.0.53:53]" {
		t.Error(got)
	}
}

// Lookups by several tasks, over a wire that loses packets, so that there are timeouts, second tries and second
// servers; one seed, one trace. Another seed gives another.
func TestDNSDeterminism(t *testing.T) {
	run := func(seed uint64) (string, string) {
		l, _, client, web := named(t, lab.Config{Seed: seed}, lab.Impairment{Loss: 0.1, Latency: 3 * time.Millisecond, Jitter: time.Millisecond}, lab.DNSConfig{})
		defer l.Close()
		var tasks []*lab.Task
		results := make([]string, 4)
		for n, h := range []*lab.Host{client, web, client, web} {
			tasks = append(tasks, l.Go(fmt.Sprint("task", n), func(ctx context.Context) error {
				for _, name := range []string{"web", "four", "many", "www", "none"} {
					results[n] += lookup(t, h, []string{"ip", "ip4"}[n/2], name+".example.test.") + " "
				}
				return nil
			}))
		}
		for _, task := range tasks {
			if err := task.Wait(); err != nil {
				t.Fatal(err)
			}
		}
		if l.Foreign() {
			t.Error("goroutines were noticed that are not the lab's")
		}
		return l.TraceHash(), fmt.Sprint(results)
	}
	want, results := run(1)
	if !strings.Contains(results, "2001:db8::80") {
		t.Error(results)
	}
	for n := range 13 {
		if n == 10 { // and now with others who want the processors
			defer busyLoop(t)()
			defer busyLoop(t)()
		}
		if got, other := run(1); got != want || other != results {
			a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
			for i := range min(len(a), len(b)) {
				if a[i] != b[i] {
					t.Fatalf("packet %d of %d is\n%s, not\n%s", i, len(b), a[i], b[i])
				}
			}
			t.Fatalf("%d packets, not %d", len(a), len(b))
		}
	}
	if got, _ := run(2); got == want {
		t.Error("another seed gives the same trace")
	}
}

// A server that says nothing has its five seconds, of the lab's; then the other address is asked.
func TestDNSSilent(t *testing.T) {
	silent := true
	l, d, client, _ := named(t, lab.Config{}, lab.Impairment{}, lab.DNSConfig{Fault: func(r dnsregtest.Request) dnsregtest.Fault {
		return dnsregtest.Fault{Drop: silent && r.Name == "web.example.test."}
	}})
	l.AfterFunc(3*time.Second, func() { silent = false })
	start := l.Now()
	if got := lookup(t, client, "ip", "web.example.test."); got != "[10.0.0.80 2001:db8::80]" {
		t.Error(got)
	}
	if took := l.Now().Sub(start); took < time.Second || took > time.Minute || took%time.Second != 0 {
		t.Errorf("took %v", took)
	}
	if s := d.Server().Stats(); s.Queries != 4 {
		t.Errorf("%d questions", s.Queries)
	}
	// Forgeries pass by.
	l2, _, client2, _ := named(t, lab.Config{}, lab.Impairment{}, lab.DNSConfig{Fault: func(dnsregtest.Request) dnsregtest.Fault {
		return dnsregtest.Fault{Forge: func(reply []byte) [][]byte { reply[0]++; return [][]byte{reply, {1, 2, 3}} }}
	}})
	if got := lookup(t, client2, "ip", "web.example.test."); got != "[10.0.0.80 2001:db8::80]" {
		t.Error(got)
	}
	l2.Close()
}

// A reply that is late, a server that dies and comes back: all in the lab's time, to the nanosecond.
func TestDNSDelayAndCrash(t *testing.T) {
	for range 3 {
		asked := 0
		l, d, client, _ := named(t, lab.Config{}, lab.Impairment{}, lab.DNSConfig{Fault: func(r dnsregtest.Request) (f dnsregtest.Fault) {
			asked++
			switch asked {
			case 1:
				f.Delay = 700 * time.Millisecond
			case 2:
				f.Crash = dnsregtest.CrashAfter
			}
			return f
		}})
		registrar := func() *dnsreg.Registrar {
			r, err := dnsreg.New(dnsreg.Config{
				Name: "host.example.test", Source: client, Servers: []string{"[2001:db8::53]:53"}, Dial: client.DialContext, Clock: l.Clock(), NoPTR: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		start := l.Now()
		l.AfterFunc(2*time.Second, d.Server().Restart)
		if err := registrar().Sync(l.Context()); err != nil {
			t.Fatal(err)
		}
		took, records := l.Now().Sub(start), len(d.Server().Records("host.example.test"))
		if records != 2 || took < 2*time.Second || took%(100*time.Millisecond) != 0 || l.Foreign() {
			t.Errorf("%d records after %v, foreign: %v", records, took, l.Foreign())
		}
		l.Close()
	}
}

// A host registers what may speak, signed, and others find it there.
func TestDNSRegistration(t *testing.T) {
	secret := []byte("a secret of this test's own")
	l, d, client, web := named(t, lab.Config{}, lab.Impairment{Latency: time.Millisecond}, lab.DNSConfig{Keys: map[string][]byte{"lab": secret}})
	if err := web.Interfaces()[0].AddAddresses(lab.Addresses("10.0.0.81/24 skip", "2001:db8::81/64 skip")); err != nil {
		t.Fatal(err)
	}
	r, err := dnsreg.New(dnsreg.Config{
		Name: "host.example.test", Source: web, Servers: []string{"[2001:db8::53]:53"}, Dial: web.DialContext, Clock: l.Clock(),
		Auth: dnsreg.TSIG("lab", "hmac-sha256", secret),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := lookup(t, client, "ip", "host.example.test."); got != "[10.0.0.80 2001:db8::80]" {
		t.Error(got)
	}
	if s := d.Server().Stats(); s.Updates == 0 {
		t.Errorf("%+v", s)
	}
}

func TestDNSErrors(t *testing.T) {
	l := lab.New(t)
	for want, cfg := range map[string]lab.DNSConfig{
		"example.test":   {Zones: []string{"example.test", "example.test."}},
		"no zone for it": {Zones: []string{"example.test"}, Records: []string{"www.example.com. 60 A 10.0.0.1"}},
		"taken":          {Name: "lan1"},
	} {
		l.Segment(lab.SegmentConfig{Name: strings.Repeat("x", len(want))})
		if want == "taken" {
			l.Segment(lab.SegmentConfig{Name: "lan1"})
		}
		if _, err := l.AddDNS(cfg); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "lab: dns") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	// Without a DNS host, no names.
	h := l.Host(lab.HostConfig{Addresses: lab.Addresses("10.0.0.1/24")})
	if _, err := h.DialContext(t.Context(), "udp", "web.example.test.:9"); err == nil {
		t.Error("a name resolved without a server")
	}
	// One that a host was told goes before the lab's.
	l.DNS(lab.DNSConfig{Addresses: lab.Addresses("10.0.0.53/24"), Zones: []string{"example.test"}, Records: []string{"a.example.test. 60 A 10.0.0.9"}})
	own := l.Host(lab.HostConfig{Addresses: lab.Addresses("10.0.0.2/24"), Stack: stack.Config{Nameservers: []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:53")}}})
	if got := lookup(t, own, "ip4", "a.example.test."); strings.Contains(got, "10.0.0.9") {
		t.Error(got)
	}
}
