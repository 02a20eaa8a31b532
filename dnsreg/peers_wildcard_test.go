//go:build unix

package dnsreg

import (
	"fmt"
	"testing"

	"github.com/hextet/hextet/internal/dnspeer"
)

// Real servers answer for a name by wildcards too, and take its registration; the wildcards stay.
func TestPeersHaveWildcards(t *testing.T) {
	eachPeer(t, func(t *testing.T, kind dnspeer.Kind) {
		p := startPeer(t, kind,
			dnspeer.Zone{Name: "example.test", Records: append([]string{
				"*.a IN A 203.0.113.1", "*.both IN A 203.0.113.1", "*.both IN AAAA 2001:db8::ffff", "*.both IN MX 10 ns1",
				"*.in IN CNAME other", "*.out IN CNAME www.example.com.", `*.mark IN TXT "heritage=that,owner=x"`,
			}, foreign...)},
			dnspeer.Zone{Name: reverseZones[0], Records: []string{"* IN PTR pool.example.com."}},
			dnspeer.Zone{Name: reverseZones[1], Records: []string{"* IN PTR pool.example.com."}})
		before := p.all()
		for name, owner := range map[string]Owner{
			"host.a.example.test": {}, "host.both.example.test": {}, "deep.host.both.example.test": {},
			"host.in.example.test": {}, "host.out.example.test": {}, "host.mark.example.test": OwnerTXT("this"),
		} {
			for how, change := range pinsAndKeys {
				t.Run(name+" "+how, func(t *testing.T) {
					p := p.in(t)
					p.table.Set(host("192.0.2.1", "2001:db8::1")...)
					r := p.registrar(change, func(c *Config) { c.Name, c.Owner = name, owner })
					p.sync(r)
					for rtype, want := range map[string]string{"A": "192.0.2.1", "AAAA": "2001:db8::1"} {
						if got := p.Query(name, rtype); len(got) != 1 || got[0] != name+". "+fmt.Sprint(r.ttl)+" IN "+rtype+" "+want {
							t.Errorf("%s %s: %q", name, rtype, got)
						}
					}
					if err := r.Deregister(t.Context()); err != nil {
						t.Error(err)
					}
					p.holds(before)
				})
			}
		}
	})
}
