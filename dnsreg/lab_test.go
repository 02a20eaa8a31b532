package dnsreg_test

import (
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
