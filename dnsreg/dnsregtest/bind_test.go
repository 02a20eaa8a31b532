//go:build unix

package dnsregtest

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hextet/hextet/internal/dnspeer"
)

// startBind serves the same zones by a BIND on loopback, and returns its address.
func startBind(t *testing.T, s *Server) (address string) {
	t.Helper()
	cfg := dnspeer.Config{Options: "max-records-per-type 100;"}
	for name, algorithm := range keyAlgorithms {
		cfg.Keys = append(cfg.Keys, dnspeer.Key{Name: name, Algorithm: algorithm, Secret: secret})
	}
	for name, z := range s.zones {
		zone := dnspeer.Zone{Name: strings.TrimSuffix(name, "."), Locked: z.readOnly}
		for _, line := range zoneLines {
			zone.Records = append(zone.Records, strings.ReplaceAll(line, "@", name))
		}
		cfg.Zones = append(cfg.Zones, zone)
	}
	return dnspeer.Start(t, dnspeer.BIND, cfg).Address()
}

// Whatever is sent, this server and BIND answer the same and hold the same zone afterwards, serial included.
func TestAgreesWithBIND(t *testing.T) {
	rows := allRows()
	s, address := startRows(t, rows)
	bind := startBind(t, s)
	for i, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			request := r.request(t, zoneOf(i))
			got, want := judge(t, address, zoneOf(i), request), judge(t, bind, zoneOf(i), request)
			if strings.Contains(got.reply+want.reply, "false") {
				t.Errorf("not authentic: %s; BIND: %s", got.reply, want.reply)
			}
			switch same := got.String() == want.String(); {
			case same && r.differs != "":
				t.Errorf("agrees, though %s", r.differs)
			case !same && r.differs == "":
				t.Errorf("request %x\ngot  %v\nBIND %v", request, got, want)
			}
		})
	}
}

// A long random life under updates, right and wrong ones, leaves the same zone here and at BIND.
func TestRandomUpdatesAgreeWithBIND(t *testing.T) {
	s, address := start(t, rowsConfig("z.test"))
	fill(t, s)
	bind := startBind(t, s)
	rounds, random := 1000, rand.New(rand.NewPCG(1, 2))
	if testing.Short() {
		rounds = 100
	}
	for i := range rounds {
		request := row{lines: randomUpdate(random)}.request(t, "z.test.")
		got, want := judge(t, address, "z.test.", request), judge(t, bind, "z.test.", request)
		if got.String() != want.String() {
			t.Fatalf("round %d, request %x\ngot  %v\nBIND %v", i, request, got, want)
		}
	}
	t.Logf("%d of %d updates changed the zone, %d records, serial %d", s.Stats().Changed, rounds, len(s.Zone("z.test")), s.Serial("z.test"))
}

// randomUpdate is about few names and few values, so that much of it meets what is there.
func randomUpdate(random *rand.Rand) (lines []string) {
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	name := func() string { return pick("x.@", "y.@", "x.y.@", "@", "*.@") }
	value := func() string {
		return pick("A 192.0.2.1", "A 192.0.2.2", "A 192.0.2.3", "AAAA 2001:db8::1", "AAAA 2001:db8::2", "TXT a", "TXT A", "CNAME x.@", "CNAME y.@", "NS ns1.@", "NS ns.cut.@", "PTR x.@")
	}
	kind := func() string { return pick("A", "AAAA", "TXT", "CNAME", "NS", "PTR", "SOA", "ANY") }
	if random.IntN(3) == 0 {
		for range 1 + random.IntN(2) {
			lines = append(lines, pick("prereq ANY "+name()+" - "+kind(), "prereq NONE "+name()+" - "+kind(), "prereq IN "+name()+" 0 "+value()))
		}
	}
	for range 1 + random.IntN(4) {
		lines = append(lines, pick("update IN "+name()+" 60 "+value(), "update IN "+name()+" 60 "+value(), "update IN "+name()+" 70 "+value(),
			"update NONE "+name()+" 0 "+value(), "update ANY "+name()+" - "+kind()))
	}
	return lines
}

// The same questions get the same answers under wildcards.
func TestWildcardsAtBIND(t *testing.T) {
	zone := dnspeer.Zone{Name: "wild.test", Records: wildcardLines}
	judgeWildcards(t, dnspeer.Start(t, dnspeer.BIND, dnspeer.Config{Zones: []dnspeer.Zone{zone}}).Address())
}
