package dnsreg_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"github.com/hextet/hextet/stack/lab"
)

// In a lab a Registrar waits for its connections only, so a pass takes the time that it must, each time: no reply
// to the first two questions is 1 s and 2 s, and nothing else takes any.
func TestSyncInLab(t *testing.T) {
	for range 5 {
		l, questions := lab.New(t), 0
		l.DNS(lab.DNSConfig{Addresses: lab.Addresses("2001:db8::53/64"), Zones: []string{"example.test"}, Fault: func(dnsregtest.Request) dnsregtest.Fault {
			questions++
			return dnsregtest.Fault{Drop: questions <= 2}
		}})
		host := l.Host(lab.HostConfig{Addresses: lab.Addresses("2001:db8::1/64")})
		r, err := dnsreg.New(dnsreg.Config{
			Name: "host.example.test", Source: host, Servers: []string{"[2001:db8::53]:53"}, NoPTR: true, Dial: host.DialContext, Clock: l.Clock(),
		})
		if err != nil {
			t.Fatal(err)
		}
		start := l.Now()
		if err := r.Sync(l.Context()); err != nil {
			t.Fatal(err)
		}
		if took, again := l.Now().Sub(start), r.Status().Counters.Retransmits; took != 3*time.Second || again != 2 {
			t.Errorf("took %v, %d datagrams sent again", took, again)
		}
	}
}

// Run in a lab is exact: one seed, one trace, through an outage, while a reverse zone is silent, and with addresses
// that come and go; and a flag is followed after just the debounce and two ways over the wire.
func TestRunInLab(t *testing.T) {
	const latency = 10 * time.Millisecond
	run := func(t *testing.T, tcp bool) string {
		l := lab.New(t, lab.Config{Seed: 7})
		l.Segment(lab.SegmentConfig{Impair: lab.Impairment{Latency: latency}})
		began, away, silent := l.Now(), false, false
		dns := l.DNS(lab.DNSConfig{
			Addresses: lab.Addresses("2001:db8::53/64"), Zones: []string{"example.test", "8.b.d.0.1.0.0.2.ip6.arpa"},
			Fault: func(q dnsregtest.Request) dnsregtest.Fault {
				return dnsregtest.Fault{Drop: away || silent && strings.HasSuffix(q.Name, ".arpa.")}
			},
		})
		host := l.Host(lab.HostConfig{Addresses: lab.Addresses("2001:db8::1/64", "2001:db8::2/64")})
		r, err := dnsreg.New(dnsreg.Config{
			Name: "host.example.test", Source: host, Servers: []string{"[2001:db8::53]:53"}, Dial: host.DialContext, Clock: l.Clock(), TCP: tcp,
		})
		if err != nil {
			t.Fatal(err)
		}
		l.Go("registrar", r.Run)
		holds := func(want ...string) {
			t.Helper()
			var got []string
			for _, rec := range dns.Server().Records("host.example.test") {
				got = append(got, rec.Data)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v after the start the server has %v, want %v", l.Now().Sub(began), got, want)
			}
		}
		skip := func(addr string, on bool) {
			if err := host.Interface("eth0").SetSkipAsSource(netip.MustParseAddr(addr), on); err != nil {
				t.Error(err)
			}
		}
		l.Advance(time.Minute)
		holds("2001:db8::1", "2001:db8::2")

		skip("2001:db8::2", true)
		l.Advance(250*time.Millisecond + latency - 1)
		holds("2001:db8::1", "2001:db8::2")
		if !tcp { // which begins with a handshake
			l.Advance(1)
			holds("2001:db8::1")
		}

		silent = true
		l.Advance(time.Minute)
		skip("2001:db8::2", false)
		l.Advance(3 * time.Second) // the reverse zone is asked in vain
		skip("2001:db8::1", true)  // which nobody waits for
		l.Advance(time.Second)
		holds("2001:db8::2")

		away, silent = true, false
		skip("2001:db8::1", false)
		l.Advance(time.Hour)
		holds("2001:db8::2")
		away = false
		l.Advance(10*time.Minute + 5*time.Second)
		holds("2001:db8::1", "2001:db8::2")
		hash := l.TraceHash()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		return hash
	}
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			want := run(t, network == "tcp")
			for range 5 {
				if got := run(t, network == "tcp"); got != want {
					t.Fatalf("another run, another trace: %s, %s", got, want)
				}
			}
		})
	}
}
