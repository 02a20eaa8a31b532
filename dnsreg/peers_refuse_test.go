//go:build unix

package dnsreg

import (
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/internal/dnspeer"
)

// What is wrong with a configuration shows in the class and the text of the error of Sync, and nothing is
// registered. TestMatrix has the single exchanges.
func TestPeersRefuse(t *testing.T) {
	for column, kind := range dnspeer.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel() // each reply without a signature is a second of listening for a better one
			p := startPeer(t, kind, append(foreignZones(), dnspeer.Zone{Name: "locked.test", Locked: true})...)
			before := p.all()
			p.table.Set(host("192.0.2.1", "2001:db8::1")...)
			for _, test := range refusals {
				t.Run(test.name, func(t *testing.T) {
					want := test.want[0]
					if column < len(test.want) {
						want = test.want[column]
					}
					p := p.in(t)
					err := p.registrar(test.change).Sync(t.Context())
					says, class, _ := strings.Cut(want, ": ")
					serverError(t, err)
					if ClassOf(err).String() != class || !strings.Contains(err.Error(), says) {
						t.Errorf("class %v, error %v; want %v and %q", ClassOf(err), err, class, says)
					}
					p.holds(before)
				})
			}
		})
	}
}

// refusals have what the error says and its class, by column. Those left out say what BIND's says.
var refusals = []struct {
	name   string
	change func(*Config)
	want   []string
}{
	{"unknown key", func(c *Config) { c.Auth = TSIG("other.", "", secret) }, []string{
		"BADKEY: permanent", "BADKEY: permanent", "NOTAUTH (reply not authentic: rediscover"}},
	{"wrong secret", func(c *Config) { c.Auth = TSIG(keyName, "", []byte("wrong")) }, []string{
		"BADSIG: permanent", "BADSIG: permanent", "NOTAUTH (reply not authentic: rediscover"}},
	{"wrong clock", func(c *Config) { c.Clock = skewedClock{hostClock{}, -time.Hour} }, []string{
		"the server's clock is 1h0m: clock skew", "the server's clock is 1h0m: clock skew", "NOTAUTH (reply not authentic: rediscover"}},
	{"no signature", func(c *Config) { c.Auth = nil }, []string{"REFUSED: rediscover", "NOTAUTH: rediscover"}},
	{"no such zone", func(c *Config) { c.Name = "host.example.com" }, []string{"REFUSED: rediscover"}},
	{"no right", func(c *Config) { c.Name = "host.locked.test" }, []string{"REFUSED: rediscover", "BADKEY: permanent"}},
}

// A clock that is a minute off is no hindrance: RFC 8945 tolerates five.
func TestPeersTolerateAMinute(t *testing.T) {
	eachPeer(t, func(t *testing.T, kind dnspeer.Kind) {
		t.Parallel()
		p := startPeer(t, kind, foreignZones()...)
		before := p.all()
		r := p.registrar(func(c *Config) { c.Clock = skewedClock{hostClock{}, time.Minute} })
		for _, addr := range []string{"192.0.2.1", "192.0.2.2"} {
			p.table.Set(host(addr)...)
			p.sync(r)
			p.holds(plus(before, addr))
		}
	})
}
