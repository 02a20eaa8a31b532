package dnsregtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// wildcardLines are the zone of RFC 4592 section 2.2.1, more or less, with aliases and wildcards side by side.
var wildcardLines = []string{
	"*.wild.test. 60 A 192.0.2.1", "*.wild.test. 60 A 192.0.2.2", "*.wild.test. 60 TXT w",
	"host.wild.test. 60 TXT x", "b.ent.wild.test. 60 A 192.0.2.4", "cut.wild.test. 60 NS ns.wild.test.", "ns.wild.test. 60 A 192.0.2.5",
	"*.in.wild.test. 60 CNAME host.wild.test.", "*.out.wild.test. 60 CNAME host.elsewhere.", "*.self.wild.test. 60 CNAME a.b.wild.test.",
	"x.*.deep.wild.test. 60 TXT y", "to.wild.test. 60 CNAME made.wild.test.", "gone.wild.test. 60 CNAME x.deep.wild.test.",
	"*.over.wild.test. 60 A 192.0.2.7", "a.over.wild.test. 60 A 192.0.2.8",
}

// wildcardAnswers are what a server has to say, in the form of answerTo.
var wildcardAnswers = []struct{ name, qtype, want string }{
	{"made.wild.test.", "A", "NOERROR aa: A 192.0.2.1, A 192.0.2.2"},
	{"MADE.wild.test.", "A", "NOERROR aa: A 192.0.2.1, A 192.0.2.2"},
	{"a.b.wild.test.", "A", "NOERROR aa: A 192.0.2.1, A 192.0.2.2"}, // any number of labels
	{"made.wild.test.", "AAAA", "NOERROR aa negative"},
	{"made.wild.test.", "CNAME", "NOERROR aa negative"},
	{"made.wild.test.", "ANY", "NOERROR aa: A 192.0.2.1, A 192.0.2.2, TXT \"w\""},
	{"made.wild.test.", "SOA", "NOERROR aa negative"},
	{"*.wild.test.", "A", "NOERROR aa: A 192.0.2.1, A 192.0.2.2"}, // the name itself
	{"a.*.wild.test.", "A", "NXDOMAIN aa negative"},               // its closest encloser is *.wild.test
	{"host.wild.test.", "A", "NOERROR aa negative"},               // the name is there
	{"a.host.wild.test.", "A", "NXDOMAIN aa negative"},            // and is the closest encloser, with no wildcard below
	{"ent.wild.test.", "A", "NOERROR aa negative"},                // as is one without records
	{"a.ent.wild.test.", "A", "NXDOMAIN aa negative"},
	{"a.cut.wild.test.", "A", "NOERROR"}, // a referral
	{"cut.wild.test.", "A", "NOERROR"},
	{"a.in.wild.test.", "TXT", "NOERROR aa: CNAME host.wild.test., TXT \"x\""},
	{"a.in.wild.test.", "A", "NOERROR aa: CNAME host.wild.test. negative"},
	{"a.in.wild.test.", "SOA", "NOERROR aa: CNAME host.wild.test. negative"},
	{"a.in.wild.test.", "CNAME", "NOERROR aa: CNAME host.wild.test."},
	{"a.in.wild.test.", "ANY", "NOERROR aa: CNAME host.wild.test."},
	{"a.out.wild.test.", "A", "NOERROR aa: CNAME host.elsewhere."},
	{"a.self.wild.test.", "A", "NOERROR aa: A 192.0.2.1, A 192.0.2.2, CNAME a.b.wild.test."},
	{"in.wild.test.", "A", "NOERROR aa negative"},
	{"y.deep.wild.test.", "A", "NOERROR aa negative"}, // of a wildcard that has names below it and no records
	{"gone.wild.test.", "A", "NOERROR aa: CNAME x.deep.wild.test. negative"},
	{"to.wild.test.", "A", "NOERROR aa: A 192.0.2.1, A 192.0.2.2, CNAME made.wild.test."},
	{"a.over.wild.test.", "A", "NOERROR aa: A 192.0.2.8"},
	{"a.over.wild.test.", "TXT", "NOERROR aa negative"},
	{"b.over.wild.test.", "A", "NOERROR aa: A 192.0.2.7"},
	{"b.over.wild.test.", "TXT", "NOERROR aa negative"}, // the closest encloser's wildcard, and no other one
	{"b.a.over.wild.test.", "A", "NXDOMAIN aa negative"},
}

// answerTo says of a reply what servers have to agree on. Owners are left out where they are those asked for.
func answerTo(t *testing.T, address, name, qtype string) string {
	t.Helper()
	m := new(dns.Msg).SetQuestion(name, dns.StringToType[qtype])
	m.RecursionDesired = false
	reply, _, err := (&dns.Client{Net: "tcp"}).Exchange(m, address) // BIND answers ANY with less over UDP
	if err != nil {
		t.Fatal(err)
	}
	text := dns.RcodeToString[reply.Rcode]
	if reply.Authoritative {
		text += " aa"
	}
	var records []string
	owner := strings.ToLower(name)
	for _, rr := range reply.Answer {
		if dns.CanonicalName(rr.Header().Name) != owner {
			t.Errorf("%s %s: the answer has %v, not at %s", name, qtype, rr, owner)
		}
		records = append(records, dns.Type(rr.Header().Rrtype).String()+" "+data(rr))
		if c, ok := rr.(*dns.CNAME); ok && qtype != "CNAME" && qtype != "ANY" {
			owner = dns.CanonicalName(c.Target)
		}
	}
	if slices.Sort(records); len(records) > 0 {
		text += ": " + strings.Join(records, ", ")
	}
	if slices.ContainsFunc(reply.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeSOA }) {
		text += " negative"
	}
	return text
}

func judgeWildcards(t *testing.T, address string) {
	for _, row := range wildcardAnswers {
		if got := answerTo(t, address, row.name, row.qtype); got != row.want {
			t.Errorf("%s %s: %s, want %s", row.name, row.qtype, got, row.want)
		}
	}
}

// RFC 1034 section 4.3.3 and RFC 4592.
func TestWildcards(t *testing.T) {
	s, address := start(t, Config{Zones: []string{"wild.test"}})
	if err := s.Insert(wildcardLines...); err != nil {
		t.Fatal(err)
	}
	judgeWildcards(t, address)
	if got := fmt.Sprint(s.Records("*.wild.test")); !strings.HasPrefix(got, "[*.wild.test. 60 A 192.0.2.1 ") {
		t.Errorf("the wildcard's own records became %s", got)
	}
}

// A zone may be the root.
func TestWildcardOfTheRoot(t *testing.T) {
	s, address := start(t, Config{Zones: []string{"."}})
	if err := s.Insert("*. 60 A 192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	if got, want := answerTo(t, address, "a.test.", "A"), "NOERROR aa: A 192.0.2.1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
