//go:build unix

package dnsreg

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/hextet/hextet/internal/dnspeer"
)

// startResolver starts a BIND that is resolver and authority at once, with the empty zones that it has by default,
// a child zone, a classless zone (RFC 2317), a reverse zone that is elsewhere by DNAME, and one with the contents
// of AS112's.
func startResolver(t *testing.T) *dnspeer.Peer {
	t.Helper()
	return dnspeer.Start(t, dnspeer.BIND, dnspeer.Config{
		Keys: []dnspeer.Key{peerKey}, Recursive: true,
		Options: `query-source address 127.0.0.1; disable-empty-zone "8.B.D.0.1.0.0.2.IP6.ARPA";`,
		Zones: []dnspeer.Zone{
			{Name: "example.test", Records: []string{"ns1 IN A 127.0.0.1", "sub IN NS ns1"}},
			{Name: "sub.example.test"},
			{Name: "rev.example.test"},
			{Name: "2.0.192.in-addr.arpa", Records: []string{"0-63 IN NS ns1.example.test.", "$GENERATE 0-63 $ CNAME $.0-63"}},
			{Name: "0-63.2.0.192.in-addr.arpa"},
			{Name: "100.51.198.in-addr.arpa", Records: []string{"@ IN DNAME 100.rev.example.test."}},
			{Name: "113.0.203.in-addr.arpa", Records: []string{"@ IN DNAME empty.as112.arpa."}},
			{Name: "8.b.d.0.1.0.0.2.ip6.arpa"},
			{Name: "168.192.in-addr.arpa", SOA: "prisoner.iana.org. hostmaster.root-servers.org. 1 604800 60 604800 604800"},
		},
	})
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
	address := startResolver(t).Address()
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
	peer := startResolver(t)
	address := peer.Address()
	var table AddressTable
	table.Set(host("192.0.2.5", "192.0.2.6", "198.51.100.9", "203.0.113.5", "10.0.0.1", "2001:db8::1")...)
	r, err := New(Config{Name: "host.sub.example.test", Source: &table, Resolvers: []string{address}, Auth: TSIG(keyName, "", secret), Dial: dialOnly(t, address)})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"5.0-63.2.0.192.in-addr.arpa":                     {"host.sub.example.test."},
		"6.0-63.2.0.192.in-addr.arpa":                     {"host.sub.example.test."},
		"9.100.rev.example.test":                          {"host.sub.example.test."},
		"7.0-63.2.0.192.in-addr.arpa":                     nil,
		reverseName(host("2001:db8::1")[0].Prefix.Addr()): {"host.sub.example.test."},
	} {
		var targets []string
		for _, record := range peer.Query(name, "PTR") {
			targets = append(targets, record[strings.LastIndexByte(record, ' ')+1:])
		}
		if !slices.Equal(targets, want) {
			t.Errorf("%s: %v, want %v", name, targets, want)
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
