//go:build unix

package dnsreg

import (
	"testing"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"github.com/hextet/hextet/internal/dnspeer"
)

// peerKey may update every zone of every server.
var peerKey = dnspeer.Key{Name: "upd.example.test", Secret: secret}

// eachPeer runs a test against BIND, Knot DNS and PowerDNS.
func eachPeer(t *testing.T, f func(t *testing.T, kind dnspeer.Kind)) {
	for _, kind := range dnspeer.Kinds {
		t.Run(string(kind), func(t *testing.T) { f(t, kind) })
	}
}

// zonesOf returns zones by name, with nothing in them but SOA and NS; example.test has ns1 and a foreign
// record at the host's name.
func zonesOf(names ...string) []dnspeer.Zone {
	var zones []dnspeer.Zone
	for _, name := range names {
		z := dnspeer.Zone{Name: name}
		if name == "example.test" {
			z.Records = []string{"ns1 IN A 127.0.0.1", `host IN TXT "by hand"`, "other IN A 192.0.2.200"}
		}
		zones = append(zones, z)
	}
	return zones
}

var peerZones = append([]string{"example.test"}, reverseZones...)

// peer is a server with zones, and a host with a table of addresses.
type peer struct {
	*dnspeer.Peer
	t     *testing.T
	table AddressTable
}

func startPeer(t *testing.T, kind dnspeer.Kind, zones ...dnspeer.Zone) *peer {
	t.Helper()
	return &peer{Peer: dnspeer.Start(t, kind, dnspeer.Config{Zones: zones, Keys: []dnspeer.Key{peerKey}}), t: t}
}

// registrar makes one for host.example.test that knows the server and has the key.
func (p *peer) registrar(change ...func(*Config)) *Registrar {
	p.t.Helper()
	cfg := Config{Name: "host.example.test", Source: &p.table, Servers: []string{p.Address()}, Auth: TSIG(keyName, "", secret)}
	for _, f := range change {
		f(&cfg)
	}
	r, err := New(cfg)
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

func (p *peer) sync(r *Registrar) {
	p.t.Helper()
	if err := r.Sync(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// inMemory is a dnsregtest.Server on loopback in the place of a real server.
func inMemory(t *testing.T, cfg dnsregtest.Config) (s *dnsregtest.Server, address string) {
	t.Helper()
	s, err := dnsregtest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if address, err = s.Listen("127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	return s, address
}
