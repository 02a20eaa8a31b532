package dnsregtest

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const add = "update IN new.@ 60 A 192.0.2.9"

// What registrars meet.
func rowsOfMatrix() []row {
	var many, cname []string
	for i := range 101 {
		many = append(many, fmt.Sprintf("update IN many.@ 60 A 10.0.0.%d", i))
	}
	many = append(many, "update NONE many.@ 0 A 10.0.0.1")
	cname = []string{"update IN c.@ 60 A 192.0.2.9"}
	return []row{
		{name: "good", lines: []string{add}},
		{name: "unknown key", lines: []string{add}, key: "other.test. hmac-sha256."},
		{name: "wrong secret", lines: []string{add}, key: "upd.test. hmac-sha256. x"},
		{name: "clock slow", lines: []string{add}, skew: -400 * time.Second},
		{name: "clock fast", lines: []string{add}, skew: time.Hour},
		{name: "zone not served", zone: "elsewhere.", lines: []string{add}},
		{name: "zone not served, unknown key", zone: "elsewhere.", lines: []string{add}, key: "other.test. hmac-sha256."},
		{name: "zone not served, unsigned", zone: "elsewhere.", lines: []string{add}, key: "-"},
		{name: "below a zone's name", zone: "a.z0.test.", lines: []string{add}},
		{name: "zone without update right", zone: "fixed.test.", lines: []string{add}},
		{name: "zone without update right, and nonsense", zone: "fixed.test.", lines: []string{"update HS a.@ 60 A 192.0.2.1"}},
		{name: "unsigned", lines: []string{add}, key: "-"},
		{name: "two signatures", lines: []string{add}, wire: func(b []byte) []byte {
			start := findTSIG(b)
			b = append(b, b[start:]...)
			binary.BigEndian.PutUint16(b[10:], 2)
			return b
		}},
		{name: "A beside a CNAME", lines: cname},
		{name: "A at _x", lines: []string{"update IN _x.@ 60 A 192.0.2.9"}},
		{name: "A at a space", lines: []string{`update IN a\032b.@ 60 A 192.0.2.9`}},
		{name: "A at 8 bits", lines: []string{`update IN \195\164.@ 60 A 192.0.2.9`}},
		{name: "A at -x", lines: []string{"update IN -x.@ 60 A 192.0.2.9"}},
		{name: "A at x-", lines: []string{"update IN x-.@ 60 A 192.0.2.9"}},
		{name: "A below _x", lines: []string{"update IN a._x.@ 60 A 192.0.2.9"}},
		{name: "AAAA at _x", lines: []string{"update IN _x.@ 60 AAAA 2001:db8::9"}},
		{name: "TXT at _x", lines: []string{"update IN _x.@ 60 TXT y"}},
		{name: "delete at _x", lines: []string{"update ANY _x.@ - A", "update NONE _x.@ 0 A 192.0.2.9"}},
		{name: "prerequisite at _x", lines: []string{"prereq NONE _x.@ - ANY", add}},
		{name: "A at a wildcard", lines: []string{"update IN *.@ 60 A 192.0.2.9"}},
		{name: "A below a wildcard", lines: []string{"update IN a.*.@ 60 A 192.0.2.9"}},
		{name: "A below a zone cut", lines: []string{"update IN x.cut.@ 60 A 192.0.2.9"}},
		{name: "another TTL", lines: []string{"update IN d.@ 70 AAAA 2001:db8::1"}},
		{name: "no change", lines: []string{"update IN d.@ 60 AAAA 2001:db8::1"}},
		{name: "delete and add the same", lines: []string{"update NONE d.@ 0 AAAA 2001:db8::1", "update IN d.@ 60 AAAA 2001:db8::1"}},
		{name: "prerequisites only", lines: []string{"prereq IN d.@ 0 AAAA 2001:db8::1"}},
		{name: "nothing"},
		{name: "100 records", lines: many[:100]},
		{name: "101 records", lines: append([]string{add}, many[:101]...)},
		{name: "101 records for a while", lines: many},
		{name: "with EDNS", lines: []string{add}, build: func(m *dns.Msg) { m.SetEdns0(4096, false) }},
	}
}

// RFC 2136 section 3.2, each line of its pseudocode.
func rowsOfPrerequisites() []row {
	rows := []row{}
	for _, line := range []string{
		"ANY a.@ - A", "ANY a.@ - AAAA", "ANY a.@ - ANY", "ANY x.@ - ANY", "ANY x.@ - A", "ANY ent.@ - ANY", "ANY c.@ - A",
		"NONE a.@ - A", "NONE a.@ - AAAA", "NONE a.@ - ANY", "NONE x.@ - ANY", "NONE ent.@ - ANY", "NONE @ - SOA", "ANY @ - NS",
		"IN a.@ 0 A 192.0.2.1", "IN x.@ 0 A 192.0.2.1", "IN d.@ 0 AAAA 2001:db8::1", "IN d.@ 0 AAAA 2001:db8::2", "IN D.@ 0 AAAA 2001:db8::1",
		"IN d.@ 60 AAAA 2001:db8::1", "ANY d.@ 0 AAAA 2001:db8::1", "NONE x.@ 0 AAAA 2001:db8::1", "CH d.@ - A", "CH d.@ 0 AAAA 2001:db8::1",
		"ANY elsewhere. - A", "NONE elsewhere. - ANY", "IN elsewhere. 0 A 192.0.2.1", "IN d.@ - AAAA", "IN d.@ - ANY", "ANY d.@ - AXFR", "NONE d.@ - MAILB",
		"IN p.@ 0 PTR host.@", "IN p.@ 0 PTR other.@", "IN a.@ 0 TXT x", "IN a.@ 0 TXT X", "ANY x.cut.@ - ANY", "NONE cut.@ - NS", "IN e.@ - TYPE65280",
		"ANY e.@ - TYPE65280", "IN c.@ 0 CNAME A.@", "IN c.@ 0 A 192.0.2.1",
		"IN x.w.@ 0 A 192.0.2.8", "ANY x.w.@ - A", "NONE x.w.@ - A", "ANY x.w.@ - ANY", "NONE x.w.@ - ANY", // a wildcard answers, and owns nothing there
	} {
		rows = append(rows, row{name: "prereq " + line, lines: []string{"prereq " + line, add}})
	}
	return append(rows,
		row{name: "whole RRset", lines: []string{"prereq IN a.@ 0 A 192.0.2.2", "prereq IN a.@ 0 A 192.0.2.1", add}},
		row{name: "more than the RRset", lines: []string{"prereq IN d.@ 0 AAAA 2001:db8::1", "prereq IN d.@ 0 AAAA 2001:db8::2", add}},
		row{name: "two RRsets, one wrong", lines: []string{"prereq IN d.@ 0 AAAA 2001:db8::1", "prereq IN a.@ 0 A 192.0.2.1", add}},
		row{name: "the first that fails counts", lines: []string{"prereq ANY x.@ - ANY", "prereq NONE a.@ - A", add}},
		row{name: "values come last", lines: []string{"prereq IN x.@ 0 A 192.0.2.1", "prereq NONE a.@ - A", add}},
		row{name: "prerequisite and prescan fail", lines: []string{"prereq ANY x.@ - ANY", "update HS a.@ 60 A 192.0.2.1"}},
		row{name: "prerequisite and name fail", lines: []string{"prereq ANY x.@ - ANY", "update IN _x.@ 60 A 192.0.2.1"}},
	)
}

// RFC 2136 section 3.4.1: each combination of class with what it forbids.
func rowsOfPrescan() []row {
	rows := []row{}
	for _, line := range []string{
		"IN elsewhere. 60 A 192.0.2.1", "ANY elsewhere. - A", "NONE elsewhere. 0 A 192.0.2.1", "HS elsewhere. 60 A 192.0.2.1",
		"IN d.@ - A", "IN d.@ - AAAA", "IN d.@ - TXT", "IN d.@ - ANY", "IN d.@ - AXFR", "IN d.@ - IXFR", "IN d.@ - MAILA", "IN d.@ - MAILB", "IN x.@ - TYPE65280", "IN x.@ - APL", "IN x.@ - NULL",
		"ANY d.@ 60 AAAA 2001:db8::1", "ANY d.@ 0 AAAA 2001:db8::1", "ANY d.@ - AXFR", "ANY d.@ - MAILA", "ANY d.@ - MAILB", "ANY d.@ - TYPE65280", "ANY d.@ - TYPE200",
		"NONE d.@ 1 AAAA 2001:db8::1", "NONE d.@ - ANY", "NONE d.@ - AXFR", "NONE d.@ - MAILA", "NONE d.@ - MAILB", "NONE d.@ - AAAA", "NONE e.@ - TYPE65280",
		"CH d.@ - A", "HS d.@ 60 A 192.0.2.1",
		"IN x.@ 60 NSEC y.@ A", "IN x.@ 60 MX 1 a.@", "IN x.@ 60 MX 1 a_b.@", "IN _x.@ 60 MX 1 a.@", "IN x.@ 60 SRV 1 1 1 a_b.@", "IN _s._tcp.@ 60 SRV 1 1 1 a.@",
		"IN x.@ 60 NS a_b.@", "IN x.@ 60 PTR a_b.@", "IN x.@ 60 CNAME a_b.@",
	} {
		rows = append(rows, row{name: "prescan " + line, lines: []string{"update IN good.@ 60 A 192.0.2.9", "update " + line}})
	}
	const noClass = "BIND: FORMERR, unsigned; RFC 2136 section 3.1.1: NOTAUTH"
	question := func(f func(*dns.Question)) func(*dns.Msg) { return func(m *dns.Msg) { f(&m.Question[0]) } }
	return append(rows,
		row{name: "zone section of type A", lines: []string{add}, build: question(func(q *dns.Question) { q.Qtype = dns.TypeA })},
		row{name: "zone section of type ANY", lines: []string{add}, build: question(func(q *dns.Question) { q.Qtype = dns.TypeANY })},
		row{name: "zone section of class CH", lines: []string{add}, build: question(func(q *dns.Question) { q.Qclass = dns.ClassCHAOS }), differs: "BIND: NOTIMP, as there its own zones are; RFC 2136 section 3.1.1: NOTAUTH"},
		row{name: "zone section of class ANY", lines: []string{add}, build: question(func(q *dns.Question) { q.Qclass = dns.ClassANY }), differs: noClass},
		row{name: "zone section of class NONE", lines: []string{add}, build: question(func(q *dns.Question) { q.Qclass = dns.ClassNONE }), differs: noClass},
		row{name: "zone section empty", lines: []string{add}, build: func(m *dns.Msg) { m.Question = nil }},
		row{name: "zone section of two", lines: []string{add}, build: func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }},
		row{name: "zone section of two zones", lines: []string{add}, build: func(m *dns.Msg) {
			m.Question = append(m.Question, dns.Question{Name: "z0.test.", Qtype: dns.TypeSOA, Qclass: dns.ClassINET})
		}},
		row{name: "zone in capitals", lines: []string{add}, build: question(func(q *dns.Question) { q.Name = strings.ToUpper(q.Name) })},
	)
}

// RFC 2136 section 3.4.2.
func rowsOfUpdates() []row {
	rows := []row{}
	for _, lines := range []string{
		"IN x.@ 60 A 192.0.2.9; IN x.@ 60 A 192.0.2.9", "IN x.@ 60 A 192.0.2.9; IN x.@ 70 A 192.0.2.9", "IN a.@ 70 A 192.0.2.9", "IN a.@ 70 A 192.0.2.1",
		"IN a.@ 70 A 192.0.2.9; NONE a.@ 0 A 192.0.2.9", "NONE a.@ 0 A 192.0.2.1", "NONE A.@ 0 A 192.0.2.1", "NONE a.@ 0 A 192.0.2.9", "ANY a.@ - A", "ANY a.@ - ANY", "ANY x.@ - ANY",
		"NONE a.@ 0 A 192.0.2.1; NONE a.@ 0 A 192.0.2.2; NONE a.@ 0 TXT x", "NONE a.@ 0 TXT X", "NONE p.@ 0 PTR HOST.@",
		"ANY @ - ANY", "ANY @ - NS", "ANY @ - SOA", "NONE @ 0 NS ns1.example.test.", "IN @ 300 NS ns2.@; IN ns2.@ 60 A 192.0.2.9; NONE @ 0 NS ns1.example.test.", "IN @ 60 TXT x; ANY @ - ANY",
		"IN c.@ 60 A 192.0.2.9", "IN c.@ 60 CNAME d.@", "IN c.@ 70 CNAME a.@", "IN c.@ 60 CNAME A.@", "IN a.@ 60 CNAME d.@", "ANY a.@ - ANY; IN a.@ 60 CNAME d.@", "IN @ 60 CNAME d.@", "ANY c.@ - ANY; IN c.@ 60 A 192.0.2.9",
		"IN x.@ 60 CNAME a.@; IN x.@ 60 A 192.0.2.9", "IN x.@ 60 A 192.0.2.9; IN x.@ 60 CNAME a.@",
		"IN @ 60 SOA ns1.@ hm.@ 41 2 3 4 5", "IN @ 60 SOA ns1.@ hm.@ 41 2 3 4 5; IN x.@ 60 A 192.0.2.9", "IN @ 300 SOA ns1.@ hm.@ 1 2 3 4 5", "IN @ 60 SOA ns1.@ hm.@ 0 2 3 4 5", "IN a.@ 60 SOA ns1.@ hm.@ 9 2 3 4 5",
		"IN @ 60 SOA ns1.@ hm.@ 2147483648 2 3 4 5", "IN @ 60 SOA ns1.@ hm.@ 2147483650 2 3 4 5", "IN @ 300 SOA ns1.@ hm.@ 4294967295 2 3 4 5; IN x.@ 60 A 192.0.2.9", "NONE @ 0 SOA ns1.example.test. hostmaster.example.test. 1 3600 600 86400 60",
		"IN p.@ 60 PTR host.@", "IN p.@ 60 PTR other.@", "IN *.@ 60 NS a.@", "IN x.@ 60 NS a.@", "ANY cut.@ - NS", "NONE cut.@ 0 NS ns.cut.@", "IN @ 60 DS 1 8 1 0000000000000000000000000000000000000000", "IN x.@ 60 DNAME a.@", "IN x.@ 60 DNAME a.@; IN x.@ 60 DNAME d.@", "IN *.@ 60 DNAME a.@",
		"IN x.@ 60 TXT \"\"", "IN x.@ 0 A 192.0.2.9", "IN x.@ 2147483647 A 192.0.2.9", "IN x.@ 60 TYPE65280 \\# 2 abcd", "IN X.Y.@ 60 A 192.0.2.9", "IN x.@ 60 MD a.@", "ANY e.@ - TYPE65280",
		"IN x.@ 60 HINFO a b", "IN x.@ 60 DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=", "IN x.@ 60 CAA 0 issue x", "IN x.@ 60 TXT a b; NONE x.@ 0 TXT a", "NONE a.@ 0 A 192.0.2.1; IN a.@ 60 A 192.0.2.1; NONE a.@ 0 A 192.0.2.1",
	} {
		r := row{name: "update " + lines}
		for line := range strings.SplitSeq(lines, "; ") {
			r.lines = append(r.lines, "update "+line)
		}
		rows = append(rows, r)
	}
	return append(rows, row{name: "name server without address", lines: []string{"update IN @ 60 NS x.@"},
		differs: "BIND refuses it; the zones of this server begin with such a name server"})
}

// RFC 8945 section 5.2.
func rowsOfSignatures() []row {
	lines := []string{add}
	change := func(f func(*dns.TSIG)) func([]byte) []byte {
		return func(b []byte) []byte {
			start := findTSIG(b)
			rr, _, err := dns.UnpackRR(b, start)
			if err != nil {
				panic(err)
			}
			f(rr.(*dns.TSIG))
			return appendRR(b[:start], rr)
		}
	}
	truncate := func(n int) func([]byte) []byte {
		return change(func(t *dns.TSIG) { t.MAC, t.MACSize = t.MAC[:2*n], uint16(n) })
	}
	return []row{
		{name: "SHA-1", lines: lines, key: "one.test. hmac-sha1."}, {name: "SHA-224", lines: lines, key: "two.test. hmac-sha224."},
		{name: "SHA-384", lines: lines, key: "three.test. hmac-sha384."}, {name: "SHA-512", lines: lines, key: "five.test. hmac-sha512."},
		{name: "key in capitals", lines: lines, key: "UPD.Test. HMAC-SHA256."},
		{name: "key of another algorithm", lines: lines, key: "upd.test. hmac-sha512."},
		{name: "unknown algorithm", lines: lines, wire: change(func(t *dns.TSIG) { t.Algorithm = "hmac-x." })},
		{name: "MAC of 31", lines: lines, wire: truncate(31)}, {name: "MAC of 16", lines: lines, wire: truncate(16)}, {name: "MAC of 15", lines: lines, wire: truncate(15)},
		{name: "MAC of 9", lines: lines, wire: truncate(9)}, {name: "MAC of 0", lines: lines, wire: truncate(0)},
		{name: "MAC of 10, SHA-1", lines: lines, key: "one.test. hmac-sha1.", wire: truncate(10)},
		{name: "MAC of 16 and late", lines: lines, wire: truncate(16), skew: time.Hour},
		{name: "MAC of 33", lines: lines, wire: change(func(t *dns.TSIG) { t.MAC, t.MACSize = t.MAC+"00", 33 })},
		{name: "wrong MAC of 16", lines: lines, wire: change(func(t *dns.TSIG) { t.MAC, t.MACSize = strings.Repeat("00", 16), 16 })},
		{name: "TSIG of class IN", lines: lines, wire: change(func(t *dns.TSIG) { t.Hdr.Class = dns.ClassINET })},
		{name: "TSIG of TTL 1", lines: lines, wire: change(func(t *dns.TSIG) { t.Hdr.Ttl = 1 })},
		{name: "original id", lines: lines, wire: func(b []byte) []byte { b[0] ^= 1; return b }},
		{name: "time changed", lines: lines, wire: change(func(t *dns.TSIG) { t.TimeSigned++ })},
		{name: "wrong secret, late", lines: lines, key: "upd.test. hmac-sha256. x", skew: time.Hour},
		{name: "TSIG not last", lines: lines, wire: func(b []byte) []byte {
			return appendRR(b, &dns.TXT{Hdr: dns.RR_Header{Name: "x.", Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: []string{"x"}}, true)
		}},
		{name: "zone section of type A, wrong secret", lines: lines, key: "upd.test. hmac-sha256. x", build: func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeA }},
		{name: "query, wrong secret", key: "upd.test. hmac-sha256. x", build: func(m *dns.Msg) { m.Opcode = dns.OpcodeQuery }},
		{name: "query, unknown key", key: "other.test. hmac-sha256.", build: func(m *dns.Msg) { m.Opcode = dns.OpcodeQuery }},
		{name: "query, late", skew: time.Hour, build: func(m *dns.Msg) { m.Opcode = dns.OpcodeQuery }},
		{name: "query, signed", build: func(m *dns.Msg) { m.Opcode = dns.OpcodeQuery }},
		{name: "query elsewhere, signed", zone: "elsewhere.", build: func(m *dns.Msg) { m.Opcode = dns.OpcodeQuery }},
	}
}

// What is no request at all, or none that can be read.
func rowsOfNonsense() []row {
	raw := func(name string, f func([]byte) []byte) row {
		return row{name: name, lines: []string{add}, key: "-", wire: f}
	}
	return []row{
		raw("a header only", func(b []byte) []byte { return b[:12] }),
		raw("a record cut short", func(b []byte) []byte { return b[:len(b)-1] }),
		raw("no record where one is counted", func(b []byte) []byte { b[11]++; return b }),
		{name: "octets behind the end", lines: []string{add}, key: "-", wire: func(b []byte) []byte { return append(b, 0) }, differs: "BIND does not mind; a client that sends them should learn of it"},
		raw("a name that loops", func(b []byte) []byte { b[12], b[13] = 0xc0, 12; return b }),
		raw("A of 3 octets", func(b []byte) []byte { b = b[:len(b)-1]; b[len(b)-4]--; return b }),
		raw("NOTIFY of nothing", func(b []byte) []byte { b[2] = 6 << 3; return b }),
		raw("STATUS", func(b []byte) []byte { b[2] = 2 << 3; return b }),
		{name: "EDNS version 1", lines: []string{add}, build: func(m *dns.Msg) { m.SetEdns0(1232, false); m.IsEdns0().SetVersion(1) }},
		{name: "two OPT records", lines: []string{add}, build: func(m *dns.Msg) { m.SetEdns0(1232, false); m.SetEdns0(1232, false) }},
	}
}

// findTSIG returns where the last record of a message starts that ends in the only TSIG record.
func findTSIG(b []byte) int {
	l, err := scan(b)
	if err != nil {
		panic(err)
	}
	return l.tsig
}

// appendRR appends a record; one more than there was, if more is given.
func appendRR(b []byte, rr dns.RR, more ...bool) []byte {
	buf := make([]byte, dns.Len(rr)+64)
	n, err := dns.PackRR(rr, buf, 0, nil, false)
	if err != nil {
		panic(err)
	}
	if len(more) > 0 {
		binary.BigEndian.PutUint16(b[10:], binary.BigEndian.Uint16(b[10:])+1)
	}
	return append(b[:len(b):len(b)], buf[:n]...)
}
