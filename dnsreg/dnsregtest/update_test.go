package dnsregtest

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// update builds an UPDATE from lines: "prereq" or "update", a class, then a record; "-" for one without data.
func update(t *testing.T, zone string, lines ...string) *dns.Msg {
	t.Helper()
	m := new(dns.Msg)
	m.SetUpdate(zone)
	for _, line := range lines {
		f := strings.SplitN(line, " ", 3)
		class := dns.StringToClass[f[1]]
		var rr dns.RR
		if name, rtype, bare := strings.Cut(f[2], " - "); bare {
			rr = &dns.ANY{Hdr: dns.RR_Header{Name: name, Rrtype: typeOf(rtype)}}
		} else {
			var err error
			if rr, err = dns.NewRR(f[2]); err != nil {
				t.Fatal(err)
			}
		}
		rr.Header().Class = class
		if f[0] == "prereq" {
			m.Answer = append(m.Answer, rr)
		} else {
			m.Ns = append(m.Ns, rr)
		}
	}
	return m
}

func typeOf(s string) uint16 {
	if n, ok := strings.CutPrefix(s, "TYPE"); ok {
		v, err := strconv.ParseUint(n, 10, 16)
		if err != nil {
			panic(err)
		}
		return uint16(v)
	}
	return dns.StringToType[s]
}

func TestPrerequisites(t *testing.T) {
	s, address := start(t, Config{Zones: []string{"example.test"}})
	if err := s.Insert("a.example.test. 60 A 192.0.2.1", "a.example.test. 60 A 192.0.2.2"); err != nil {
		t.Fatal(err)
	}
	const a, b = "a.example.test.", "b.example.test."
	for _, test := range []struct {
		line  string
		rcode int
	}{
		{"ANY " + a + " - A", dns.RcodeSuccess}, {"ANY " + a + " - AAAA", dns.RcodeNXRrset},
		{"ANY " + a + " - ANY", dns.RcodeSuccess}, {"ANY " + b + " - ANY", dns.RcodeNameError},
		{"NONE " + a + " - A", dns.RcodeYXRrset}, {"NONE " + a + " - AAAA", dns.RcodeSuccess},
		{"NONE " + a + " - ANY", dns.RcodeYXDomain}, {"NONE " + b + " - ANY", dns.RcodeSuccess},
		{"IN " + a + " 0 A 192.0.2.1", dns.RcodeNXRrset}, // one of two
		{"IN " + b + " 0 A 192.0.2.1", dns.RcodeNXRrset},
		{"IN " + a + " 1 A 192.0.2.1", dns.RcodeFormatError}, // a TTL
		{"ANY " + a + " 0 A 192.0.2.1", dns.RcodeFormatError},
		{"NONE " + a + " 0 A 192.0.2.1", dns.RcodeFormatError},
		{"CH " + a + " - A", dns.RcodeFormatError},
		{"ANY example.com. - A", dns.RcodeNotZone},
	} {
		m := update(t, "example.test.", "prereq "+test.line, "update IN c.example.test. 60 A 192.0.2.9")
		if got := exchange(t, address, m); got.Rcode != test.rcode {
			t.Errorf("%s: %s, want %s", test.line, dns.RcodeToString[got.Rcode], dns.RcodeToString[test.rcode])
		}
		if done := s.Records("c.example.test") != nil; done != (test.rcode == dns.RcodeSuccess) {
			t.Errorf("%s: carried out: %v", test.line, done)
		}
		if test.rcode == dns.RcodeSuccess {
			exchange(t, address, update(t, "example.test.", "update ANY c.example.test. - ANY"))
		}
	}
	both := []string{"prereq IN " + a + " 0 A 192.0.2.2", "prereq IN " + a + " 0 A 192.0.2.1"}
	if got := exchange(t, address, update(t, "example.test.", both...)); got.Rcode != dns.RcodeSuccess {
		t.Errorf("the whole RRset, in another order: %v", got)
	}
}

// Whatever is wrong with one record, the others are not carried out.
func TestPrescan(t *testing.T) {
	s, address := start(t, Config{Zones: []string{"example.test"}})
	for line, rcode := range map[string]int{
		"update IN a.example.com. 60 A 192.0.2.1":   dns.RcodeNotZone,
		"update IN a.example.test. - A":             dns.RcodeFormatError,
		"update IN a.example.test. - ANY":           dns.RcodeFormatError,
		"update ANY a.example.test. 60 A 192.0.2.1": dns.RcodeFormatError,
		"update ANY a.example.test. 0 A 192.0.2.1":  dns.RcodeFormatError,
		"update ANY a.example.test. - AXFR":         dns.RcodeFormatError,
		"update NONE a.example.test. 1 A 192.0.2.1": dns.RcodeFormatError,
		"update NONE a.example.test. - ANY":         dns.RcodeFormatError,
		"update CH a.example.test. 60 A 192.0.2.1":  dns.RcodeFormatError,
	} {
		m := update(t, "example.test.", "update IN good.example.test. 60 A 192.0.2.1", line)
		if got := exchange(t, address, m); got.Rcode != rcode {
			t.Errorf("%s: %s, want %s", line, dns.RcodeToString[got.Rcode], dns.RcodeToString[rcode])
		}
		if s.Records("good.example.test") != nil {
			t.Fatalf("%s: half applied", line)
		}
	}
	if got := exchange(t, address, update(t, "example.com.")); got.Rcode != dns.RcodeNotAuth {
		t.Errorf("a zone not served: %v", got)
	}
	m := update(t, "example.test.")
	m.Question[0].Qtype = dns.TypeA
	if got := exchange(t, address, m); got.Rcode != dns.RcodeFormatError {
		t.Errorf("zone section of another type: %v", got)
	}
}

func TestApply(t *testing.T) {
	for _, test := range []struct {
		name   string
		before []string
		lines  []string
		want   []string // the zone without its SOA, apex NS left out unless it changed
		serial uint32
	}{
		{"add", nil, []string{"update IN a.example.test. 60 A 192.0.2.1"}, []string{"a.example.test. 60 A 192.0.2.1"}, 2},
		{"add twice", nil, []string{"update IN a.example.test. 60 A 192.0.2.1", "update IN a.example.test. 60 A 192.0.2.1"},
			[]string{"a.example.test. 60 A 192.0.2.1"}, 2},
		{"add what is there", []string{"a.example.test. 60 A 192.0.2.1"}, []string{"update IN a.example.test. 60 A 192.0.2.1"},
			[]string{"a.example.test. 60 A 192.0.2.1"}, 1},
		{"add with another TTL", []string{"a.example.test. 60 A 192.0.2.1"}, []string{"update IN a.example.test. 70 A 192.0.2.1"},
			[]string{"a.example.test. 70 A 192.0.2.1"}, 2},
		{"delete and add the same", []string{"a.example.test. 60 A 192.0.2.1"},
			[]string{"update NONE a.example.test. 0 A 192.0.2.1", "update IN a.example.test. 60 A 192.0.2.1"},
			[]string{"a.example.test. 60 A 192.0.2.1"}, 1},
		{"delete one of two", []string{"a.example.test. 60 A 192.0.2.1", "a.example.test. 60 A 192.0.2.2"},
			[]string{"update NONE A.example.test. 0 A 192.0.2.1"}, []string{"a.example.test. 60 A 192.0.2.2"}, 2},
		{"delete what is not there", nil, []string{"update NONE a.example.test. 0 A 192.0.2.1"}, nil, 1},
		{"delete an RRset", []string{"a.example.test. 60 A 192.0.2.1", "a.example.test. 60 TXT x"},
			[]string{"update ANY a.example.test. - A"}, []string{"a.example.test. 60 TXT \"x\""}, 2},
		{"delete a name", []string{"a.example.test. 60 A 192.0.2.1", "a.example.test. 60 TXT x"},
			[]string{"update ANY a.example.test. - ANY"}, nil, 2},
		{"the apex keeps SOA and NS", nil, []string{"update ANY example.test. - ANY", "update ANY example.test. - NS",
			"update NONE example.test. 0 NS ns1.example.test."}, nil, 1},
		{"A beside a CNAME", []string{"a.example.test. 60 CNAME b.example.test."}, []string{"update IN a.example.test. 60 A 192.0.2.1"},
			[]string{"a.example.test. 60 CNAME b.example.test."}, 1},
		{"CNAME beside an A", []string{"a.example.test. 60 A 192.0.2.1"}, []string{"update IN a.example.test. 60 CNAME b.example.test."},
			[]string{"a.example.test. 60 A 192.0.2.1"}, 1},
		{"CNAME for a CNAME", []string{"a.example.test. 60 CNAME b.example.test."}, []string{"update IN a.example.test. 60 CNAME c.example.test."},
			[]string{"a.example.test. 60 CNAME c.example.test."}, 2},
		{"a newer SOA", nil, []string{"update IN example.test. 60 SOA a. b. 41 2 3 4 5"}, nil, 41},
		{"an older SOA", nil, []string{"update IN example.test. 60 SOA a. b. 0 2 3 4 5"}, nil, 1},
		{"an SOA elsewhere", nil, []string{"update IN a.example.test. 60 SOA a. b. 9 2 3 4 5"}, nil, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, address := start(t, Config{Zones: []string{"example.test"}})
			if err := s.Insert(test.before...); err != nil {
				t.Fatal(err)
			}
			if got := exchange(t, address, update(t, "example.test.", test.lines...)); got.Rcode != dns.RcodeSuccess {
				t.Fatalf("reply %v", got)
			}
			var got []string
			for _, r := range s.Zone("example.test") {
				if r.Type != "SOA" && r.String() != "example.test. 300 NS ns1.example.test." {
					got = append(got, r.String())
				}
			}
			if !slices.Equal(got, test.want) || s.Serial("example.test") != test.serial {
				t.Errorf("got %q, serial %d; want %q, %d", got, s.Serial("example.test"), test.want, test.serial)
			}
			if len(s.Zone("example.test")) != len(test.want)+2 {
				t.Errorf("SOA or NS is gone: %v", s.Zone("example.test"))
			}
		})
	}
}
