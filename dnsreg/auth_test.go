package dnsreg

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

// freshKeys is an Auth whose first keys have a name that the server does not know.
type freshKeys struct {
	Auth
	stale    int
	made     int
	rejected []Key
}

type onceKey struct {
	Key
	name string
}

func (k *onceKey) Name() string { return k.name }
func (k *onceKey) Once() bool   { return true }

func (a *freshKeys) Key(ctx context.Context, server string) (Key, error) {
	k, err := a.Auth.Key(ctx, server)
	a.made++
	if a.made <= a.stale {
		return &onceKey{k, "stale.example.test."}, err
	}
	return &onceKey{k, k.Name()}, err
}

func (a *freshKeys) Reject(_ string, k Key) { a.rejected = append(a.rejected, k) }

// A key that the server refuses is given back, and another asked for, once; and what may be sent only once goes
// over TCP.
func TestRefusedKeyIsReplacedOnce(t *testing.T) {
	for _, tt := range []struct {
		stale, rejected int
		ok              bool
	}{{0, 0, true}, {1, 1, true}, {2, 2, false}} {
		t.Run(strconv.Itoa(tt.stale), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testRefusedKey(t, tt.stale, tt.rejected, tt.ok) })
		})
	}
}

func testRefusedKey(t *testing.T, stale, rejected int, ok bool) {
	var mem memNet
	mem.serve(t, serverAddr, dnsregtest.Config{Zones: []string{"example.test"}, Keys: map[string][]byte{keyName: secret}})
	auth := &freshKeys{Auth: TSIG(keyName, "", secret), stale: stale}
	var table AddressTable
	table.Set(host("192.0.2.1")...)
	r, err := New(Config{Name: hostName, Source: &table, Servers: []string{serverAddr}, Auth: auth, NoPTR: true, Dial: mem.dial})
	if err != nil {
		t.Fatal(err)
	}
	err = r.Sync(t.Context())
	if (err == nil) != ok {
		t.Error(err)
	}
	if e, refused := errors.AsType[*ServerError](err); !ok && (!refused || e.Class() != Permanent) {
		t.Error(err)
	}
	if len(auth.rejected) != rejected || slices.Contains(auth.rejected, nil) {
		t.Errorf("rejected %v", auth.rejected)
	}
	if mem.dials["udp"] != 0 {
		t.Errorf("dialled %v", mem.dials)
	}
}

// namedKeys is an Auth that needs the primary's name, as Kerberos does.
type namedKeys struct {
	Auth
	hosts []string
	none  bool
	away  string // a server with which no key can be negotiated
}

func (a *namedKeys) Key(context.Context, string) (Key, error) { return nil, nil }

func (a *namedKeys) KeyFor(ctx context.Context, server, host string) (Key, error) {
	a.hosts = append(a.hosts, host)
	switch {
	case a.none:
		return nil, nil
	case server == a.away:
		return nil, &NoReplyError{Server: server, Op: "query", Name: host, Err: errTimeout}
	}
	return a.Auth.Key(ctx, server)
}

// Without a key the zone is looked up unsigned; what the zone's primary is then told is signed, or not told.
func TestKeysByThePrimarysName(t *testing.T) {
	for _, none := range []bool{false, true} {
		var mem memNet
		server := mem.serve(t, serverAddr, dnsregtest.Config{Zones: []string{"example.test"}, Keys: map[string][]byte{keyName: secret}})
		auth := &namedKeys{Auth: TSIG(keyName, "", secret), none: none}
		var table AddressTable
		table.Set(host("192.0.2.1")...)
		r, err := New(Config{Name: hostName, Source: &table, Servers: []string{serverAddr}, Auth: auth, NoPTR: true, Dial: mem.dial})
		if err != nil {
			t.Fatal(err)
		}
		err = r.Sync(t.Context())
		if len(auth.hosts) == 0 || slices.ContainsFunc(auth.hosts, func(s string) bool { return s != auth.hosts[0] || s == "" }) {
			t.Errorf("asked for the keys of %q", auth.hosts)
		}
		got := server.Records(hostName)
		if none && (err == nil || r.Status().Counters.Updates != 0 || len(got) != 0) || !none && (err != nil || len(got) != 1) {
			t.Errorf("without keys %v: %v, %d updates, %v", none, err, r.Status().Counters.Updates, got)
		}
	}
}

// The server that has the zone does not answer when a key is to be negotiated: the next one has the zone's updates in
// the same pass, is known by its own name, and none is said to have been sent to the first.
func TestNoKeyAtOneServer(t *testing.T) {
	const primary, secondary = "203.0.113.1:53", "203.0.113.2:53"
	s := newSite(t)
	auth := &namedKeys{Auth: TSIG(keyName, "", secret), away: primary}
	resolver := s.serve(resolverAddr, nil, "example.test")
	s.insert(resolver, soa("example.test", "ns1.example.test."), "example.test. 60 NS ns1.example.test.", "example.test. 60 NS ns2.example.test.",
		"ns1.example.test. 60 A 203.0.113.1", "ns2.example.test. 60 A 203.0.113.2")
	servers := make(map[string]*dnsregtest.Server)
	for _, at := range []string{primary, secondary} {
		servers[at] = s.net.serve(t, at, dnsregtest.Config{Zones: []string{"example.test"}, Keys: map[string][]byte{keyName: secret}})
		s.insert(servers[at], soa("example.test", "ns1.example.test."))
	}
	var table AddressTable
	table.Set(host("192.0.2.1")...)
	var sent []string
	r := s.registrar(func(c *Config) {
		c.Source, c.Resolvers, c.Auth, c.NoPTR = &table, []string{resolverAddr}, auth, true
		c.Hooks.Sending = func(z ZonePlan) { sent = append(sent, z.Server) }
	})
	if err := r.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, m := len(servers[primary].Records(hostName)), len(servers[secondary].Records(hostName)); n != 0 || m != 1 {
		t.Errorf("%d records at the primary, %d at the secondary", n, m)
	}
	if !slices.Equal(sent, []string{secondary}) {
		t.Errorf("updates sent to %v", sent)
	}
	if want := []string{"ns1.example.test.", "ns2.example.test."}; !slices.Equal(slices.Compact(auth.hosts), want) {
		t.Errorf("keys for %v, want %v", auth.hosts, want)
	}
}
