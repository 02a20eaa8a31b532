package dnsreg

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

var (
	errRefused = &ServerError{Rcode: dns.RcodeRefused, Authentic: true}
	errSilent  = &NoReplyError{Err: errTimeout}
)

const otherAddr = "192.0.2.54:53"

var (
	first  = place{hostName, "example.test.", serverAddr}
	second = place{hostName, "example.test.", otherAddr}
)

func TestPlaceIsRememberedForADay(t *testing.T) {
	s := newSite(t)
	s.serve(serverAddr, nil, "example.test")
	ps := s.given(serverAddr)
	s.locates(ps, hostName, first)
	s.questions()
	s.clock.step(placeLife - time.Second)
	s.locates(ps, hostName, first)
	s.asks()
	s.clock.step(time.Second)
	s.locates(ps, hostName, first)
	s.asks("192.0.2.53:53 SOA host.example.test.")
	s.locates(ps, hostName, first)
	s.asks()
	s.clock.step(-2 * placeLife) // set back: the time of expiry is too far off to be believed
	s.locates(ps, hostName, first)
	s.asks("192.0.2.53:53 SOA host.example.test.")
}

// The zone is split while nothing fails: a day later the name is in the child zone, at whatever server has it.
func TestSplitZoneIsNoticed(t *testing.T) {
	s := newSite(t)
	split := false
	s.serve(serverAddr, func(q dnsregtest.Request) dnsregtest.Fault {
		return rewrite(func(m *dns.Msg) {
			if split {
				m.Authoritative, m.Rcode, m.Answer = false, dns.RcodeSuccess, nil
				m.Ns = []dns.RR{&dns.NS{Hdr: dns.RR_Header{Name: "sub.example.test.", Rrtype: dns.TypeNS, Class: dns.ClassINET}, Ns: "ns.sub.example.test."}}
			}
		})(q)
	}, "example.test")
	s.serve(otherAddr, nil, "sub.example.test")
	ps := s.given(serverAddr, otherAddr)
	name := "host.sub.example.test."
	s.locates(ps, name, place{name, "example.test.", serverAddr})
	split = true
	s.locates(ps, name, place{name, "example.test.", serverAddr})
	s.clock.step(placeLife)
	s.locates(ps, name, place{name, "sub.example.test.", otherAddr})
}

// A zone is gone for good: what was known of it goes too.
func TestVanishedZoneIsForgotten(t *testing.T) {
	s := newSite(t)
	gone := false
	s.serve(serverAddr, func(dnsregtest.Request) dnsregtest.Fault {
		return dnsregtest.Fault{Rcode: map[bool]int{true: dns.RcodeRefused}[gone]}
	}, "example.test")
	ps := s.given(serverAddr)
	s.locates(ps, hostName, first)
	gone = true
	s.clock.step(placeLife)
	if _, err := ps.locate(t.Context(), hostName); ClassOf(err) != Rediscover || ps.knows(hostName) {
		t.Errorf("error %v, known %v", err, ps.knows(hostName))
	}
}

// What can't be renewed goes on, for all names of the zone after one timeout, and is tried again in an hour.
func TestRenewalThatFailsStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		away := false
		s.serve(serverAddr, func(dnsregtest.Request) dnsregtest.Fault { return dnsregtest.Fault{Drop: away} }, "example.test")
		ps := s.given(serverAddr)
		names := []string{hostName, "a.example.test.", "b.example.test."}
		for _, n := range names {
			s.locates(ps, n, place{n, "example.test.", serverAddr})
		}
		away = true
		s.clock.step(placeLife)
		for pass, want := range []time.Duration{defaultTimeout, 0, 0, defaultTimeout} {
			if pass == 3 {
				s.clock.step(renewalDelay)
			}
			ps.begin()
			start := time.Now()
			for _, n := range names {
				s.locates(ps, n, place{n, "example.test.", serverAddr})
			}
			if d := time.Since(start); d != want {
				t.Errorf("pass %d took %v, want %v", pass, d, want)
			}
		}
	})
}

// A name in a zone that is known is looked for at that zone's server: neither the resolver nor the other
// servers are asked again.
func TestKnownZoneIsAShortWay(t *testing.T) {
	s := newSite(t)
	s.serve(serverAddr, nil, "example.com")
	s.serve(otherAddr, nil, "example.test", "sub.example.test")
	ps := s.given(serverAddr, otherAddr)
	s.locates(ps, hostName, second)
	s.questions()
	s.locates(ps, "a.example.test.", place{"a.example.test.", "example.test.", otherAddr})
	s.locates(ps, "a.sub.example.test.", place{"a.sub.example.test.", "sub.example.test.", otherAddr})
	s.asks("192.0.2.54:53 SOA a.example.test.", "192.0.2.54:53 SOA a.sub.example.test.")
}

// The renewal meets silence, and another server has other zones: one timeout, and the other is asked once an hour.
func TestRenewalThatIsSilentElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		away := false
		s.serve(serverAddr, func(dnsregtest.Request) dnsregtest.Fault { return dnsregtest.Fault{Drop: away} }, "example.test")
		s.serve(otherAddr, nil, "example.com")
		ps := s.given(serverAddr, otherAddr)
		s.locates(ps, hostName, first)
		away = true
		s.clock.step(placeLife)
		start := time.Now()
		for range 3 {
			ps.begin()
			s.locates(ps, hostName, first)
		}
		if d := time.Since(start); d != defaultTimeout {
			t.Errorf("took %v, want %v", d, defaultTimeout)
		}
	})
}

// An update is refused: the other server is next, then, when that one refuses too, the first again, which the
// caller takes as the end of it.
func TestShunnedServerComesLast(t *testing.T) {
	s := newSite(t)
	s.serve(serverAddr, nil, "example.test")
	s.serve(otherAddr, nil, "example.test")
	ps := s.given(serverAddr, otherAddr)
	s.locates(ps, hostName, first)
	ps.shun(first, errRefused)
	s.locates(ps, hostName, second)
	s.locates(ps, "a.example.test.", place{"a.example.test.", "example.test.", otherAddr}) // not only that name
	ps.shun(second, errRefused)
	s.locates(ps, hostName, first)
	ps.begin() // another pass
	s.locates(ps, hostName, first)
	ps.shun(first, errRefused)
	s.locates(ps, hostName, second)
	if ps.others(second) {
		t.Error("both have failed lately, and yet there is another")
	}
}

func TestShunnedServerIsForgiven(t *testing.T) {
	for name, forgive := range map[string]func(*site, *places){
		"after an hour": func(s *site, ps *places) { s.clock.step(shunLife); ps.begin() },
		"on success":    func(_ *site, ps *places) { ps.absolve(first) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.serve(serverAddr, nil, "example.test")
			s.serve(otherAddr, nil, "example.test")
			ps := s.given(serverAddr, otherAddr)
			s.locates(ps, hostName, first)
			ps.shun(first, errRefused)
			s.locates(ps, hostName, second)
			forgive(s, ps)
			ps.displace(second)
			s.locates(ps, hostName, first)
		})
	}
}

// One server only, which refuses an update: it is asked where the zone is, once for all its names.
func TestOnlyServerRefuses(t *testing.T) {
	s := newSite(t)
	s.serve(serverAddr, nil, "example.test")
	ps := s.given(serverAddr)
	names := []string{hostName, "a.example.test.", "b.example.test."}
	for range 2 {
		for _, n := range names {
			s.locates(ps, n, place{n, "example.test.", serverAddr})
		}
		ps.shun(first, errRefused)
		s.questions()
	}
	for _, n := range names {
		s.locates(ps, n, place{n, "example.test.", serverAddr})
	}
	s.asks("192.0.2.53:53 SOA host.example.test.")
}

// A server that did not reply to an update is not asked where the zone is: the next update will tell whether it is
// back. The others are asked once an hour at most.
func TestSilentServerIsKept(t *testing.T) {
	s := newSite(t)
	s.serve(serverAddr, nil, "example.test")
	s.serve(otherAddr, nil, "example.com") // has other zones
	ps := s.given(serverAddr, otherAddr)
	s.locates(ps, hostName, first)
	if !ps.others(first) {
		t.Error("nobody has asked the other server yet")
	}
	s.questions()
	ps.shun(first, errSilent)
	s.locates(ps, hostName, first)
	s.asks("192.0.2.54:53 SOA host.example.test.")
	if ps.others(first) {
		t.Error("the other server has not the zone")
	}
	s.clock.step(shunLife)
	if !ps.others(first) {
		t.Error("an hour later nobody knows")
	}
}

// A server that is away and the only one is not looked for: not when it is silent, and not when it is back.
func TestOnlyServerIsSilent(t *testing.T) {
	s := newSite(t)
	s.serve(serverAddr, nil, "example.test")
	ps := s.given(serverAddr)
	s.locates(ps, hostName, first)
	s.questions()
	for range 3 {
		if ps.others(first) {
			t.Error("there is one server only")
		}
		ps.shun(first, errSilent)
		s.locates(ps, hostName, first)
		ps.begin()
		s.locates(ps, hostName, first)
	}
	s.asks()
}

// The primary does not reply, and the secondary refuses updates: the pass ends with the primary.
func TestSilentPrimaryAndItsSecondary(t *testing.T) {
	s := newZoneSite(t)
	s.serve(primary4, nil, "example.test")
	s.serve(secondary, nil, "example.test")
	ps := s.resolving()
	at := func(server string) place { return place{hostName, "example.test.", server} }
	s.locates(ps, hostName, at(primary4)) // nobody listens at its IPv6 address
	if !ps.others(at(primary4)) {
		t.Error("the name servers have not been asked for yet")
	}
	ps.shun(at(primary4), errSilent)
	s.locates(ps, hostName, at(secondary))
	ps.shun(at(secondary), errRefused)
	s.questions()
	s.locates(ps, hostName, at(primary4))
	for _, q := range s.questions() {
		if q[:len(resolverAddr)] != resolverAddr {
			t.Errorf("asked %s", q)
		}
	}
	if ps.others(at(primary4)) {
		t.Error("all have failed, and yet there is another")
	}
	s.questions()
	ps.shun(at(primary4), errSilent)
	ps.begin()
	s.locates(ps, hostName, at(primary4))
	s.asks() // not even the resolver: there was an answer a moment ago
}

// The zone moves to another primary: a refused update is enough to find it.
func TestPrimaryMoves(t *testing.T) {
	s := newSite(t)
	resolver := s.serve(resolverAddr, nil, "example.test")
	s.insert(resolver, soa("example.test", "a.example.test."), "a.example.test. 60 A 192.0.2.53", "b.example.test. 60 A 192.0.2.54")
	s.serve(serverAddr, nil, "example.test")
	s.serve(otherAddr, nil, "example.test")
	ps := s.resolving()
	s.locates(ps, hostName, first)
	s.insert(resolver, soa("example.test", "b.example.test."))
	s.locates(ps, hostName, first)
	ps.shun(first, errRefused)
	s.locates(ps, hostName, second)
}

// The primary keeps its name and gets another address.
func TestPrimaryIsRenumbered(t *testing.T) {
	s := newSite(t)
	address := "192.0.2.53"
	resolver := s.serve(resolverAddr, func(q dnsregtest.Request) dnsregtest.Fault {
		if q.Type != "A" {
			return dnsregtest.Fault{}
		}
		rr, err := dns.NewRR("a.example.test. 60 A " + address)
		if err != nil {
			t.Error(err)
		}
		return rewrite(func(m *dns.Msg) { m.Answer, m.Ns, m.Rcode = []dns.RR{rr}, nil, dns.RcodeSuccess })(q)
	}, "example.test")
	s.insert(resolver, soa("example.test", "a.example.test."))
	s.serve(serverAddr, nil, "example.test")
	s.serve(otherAddr, nil, "example.test")
	ps := s.resolving()
	s.locates(ps, hostName, first)
	address = "192.0.2.54"
	ps.begin()
	s.locates(ps, hostName, first)
	ps.shun(first, errSilent)
	s.locates(ps, hostName, second)
}

func TestPlacesMemoryIsBounded(t *testing.T) {
	s := newSite(t)
	s.serve(serverAddr, nil, "example.test")
	ps := s.given(serverAddr)
	for i := range 2 * maxShunned {
		s.clock.step(time.Millisecond)
		ps.shun(place{zone: fmt.Sprintf("z%d.test.", i), server: serverAddr}, errRefused)
	}
	if _, ok := ps.shunned[place{zone: fmt.Sprintf("z%d.test.", 2*maxShunned-1), server: serverAddr}]; len(ps.shunned) != maxShunned || !ok {
		t.Errorf("%d servers are shunned, the last one: %v", len(ps.shunned), ok)
	}
	for i := range 50 {
		n := fmt.Sprintf("h%d.example.test.", i)
		s.locates(ps, n, place{n, "example.test.", serverAddr})
	}
	owners := ps.keep(map[string]bool{"h1.example.test.": true, "other.": true})
	if len(ps.names) != 1 || len(ps.homes) != 1 || len(owners) != 1 || !owners["h1.example.test."] {
		t.Errorf("%d names, %d zones, owners %v", len(ps.names), len(ps.homes), owners)
	}
	ps.keep(nil)
	if len(ps.names)+len(ps.homes)+len(ps.choices) != 0 {
		t.Error("something is left")
	}
}

// The end of the caller's context is an error by its name, and nobody's fault.
func TestLocateIsCancelled(t *testing.T) {
	s := newSite(t)
	ps := s.given(serverAddr)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errSuperseded)
	if _, err := ps.locate(ctx, hostName); !errors.Is(err, errSuperseded) || lasting(err) || len(ps.silent) != 0 {
		t.Errorf("error %v, silent %v", err, ps.silent)
	}
}
