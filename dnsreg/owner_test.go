package dnsreg

import (
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func octets(t *testing.T, s string) []byte {
	t.Helper()
	return unhex(t, strings.ReplaceAll(s, ":", " "))
}

// The examples of RFC 4701 section 3.6.
func TestDHCIDOfRFC4701(t *testing.T) {
	for _, test := range []struct {
		idType           uint16
		identifier, name string
		want             string
	}{
		{2, "00:01:00:06:41:2d:f1:66:01:02:03:04:05:06", "chi6.example.com.", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA="},
		{1, "01:07:08:09:0a:0b:0c", "chi.example.com.", "AAEBOSD+XR3Os/0LozeXVqcNc7FwCfQdWL3b/NaiUDlW2No="},
		{0, "01:01:02:03:04:05:06", "client.example.com.", "AAABxLmlskllE0MVjd57zHcWmEH3pCQ6VytcKD//7es/deY="},
	} {
		if got := dhcid(test.idType, octets(t, test.identifier), test.name); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
		if got := dhcid(test.idType, octets(t, test.identifier), strings.ToUpper(test.name)); got != test.want {
			t.Errorf("%s in capitals: got %s", test.name, got)
		}
	}
	duid := octets(t, "00:01:00:06:41:2d:f1:66:01:02:03:04:05:06")
	o := OwnerDHCID(duid)
	duid[0] = 9 // the caller's again
	rtype, text := o.record("chi6.example.com.")
	if rtype != dns.TypeDHCID || text != "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=" {
		t.Errorf("%d %s", rtype, text)
	}
}

func TestOwnersRecords(t *testing.T) {
	duid := octets(t, "00:03:00:01:02:00:5e:00:53:01")
	txt, dhcp := OwnerTXT("host 12"), OwnerDHCID(duid)
	_, mark := dhcp.record(hostName)
	_, elsewhere := dhcp.record("web.example.test.")
	if rtype, text := txt.record(hostName); rtype != dns.TypeTXT || text != "heritage=hextet,owner=host 12" {
		t.Errorf("%d %s", rtype, text)
	}
	if rtype, text := (Owner{}).record(hostName); rtype != 0 || text != "" {
		t.Errorf("%d %s", rtype, text)
	}
	const none, mine, foreign = 0, 1, 2
	for _, test := range []struct {
		rtype     uint16
		text      string
		txt, dhcp int
	}{
		{dns.TypeTXT, "heritage=hextet,owner=host 12", mine, foreign},
		{dns.TypeTXT, "heritage=hextet,owner=host 1", foreign, foreign},
		{dns.TypeTXT, "heritage=hextet,owner=host 123", foreign, foreign},
		{dns.TypeTXT, "heritage=hextet,owner=host 12,resource=x", foreign, foreign},
		{dns.TypeTXT, "heritage=external-dns,external-dns/owner=k8s,external-dns/resource=service/default/web", foreign, foreign},
		{dns.TypeTXT, `"heritage=external-dns,external-dns/owner=k8s"`, foreign, foreign},
		{dns.TypeTXT, "v=spf1 -all", none, none},
		{dns.TypeTXT, "our heritage=rich", none, none},
		{dns.TypeTXT, "", none, none},
		{dns.TypeDHCID, mark, foreign, mine},
		{dns.TypeDHCID, elsewhere, foreign, foreign},
		{dns.TypeDHCID, "AAIB", foreign, foreign},
		{dns.TypeDHCID, "heritage=hextet,owner=host 12", foreign, foreign},
		{dns.TypeA, "192.0.2.1", none, none},
		{dns.TypeHINFO, "heritage=hextet,owner=host 12", none, none},
	} {
		is := func(o Owner) int {
			m, f := o.mine(hostName, test.rtype, test.text), o.foreign(hostName, test.rtype, test.text)
			switch {
			case m && f:
				t.Errorf("%v: %d %q is ours and foreign", o, test.rtype, test.text)
			case m:
				return mine
			case f:
				return foreign
			}
			return none
		}
		if got := is(txt); got != test.txt {
			t.Errorf("TXT owner: %d %q: got %d, want %d", test.rtype, test.text, got, test.txt)
		}
		if got := is(dhcp); got != test.dhcp {
			t.Errorf("DHCID owner: %d %q: got %d, want %d", test.rtype, test.text, got, test.dhcp)
		}
		if got := is(Owner{}); got != none {
			t.Errorf("no owner: %d %q: got %d", test.rtype, test.text, got)
		}
	}
}

// What the codec makes of the text is what it would read from a server.
func TestOwnersRecordsOnTheWire(t *testing.T) {
	duid := slices.Concat([]byte{0, 3, 0, 1}, net.HardwareAddr{2, 0, 0x5e, 0, 0x53, 1})
	for _, o := range []Owner{OwnerTXT(strings.Repeat("x", 200)), OwnerDHCID(duid)} {
		rtype, text := o.record(hostName)
		h := dns.RR_Header{Name: hostName, Rrtype: rtype, Class: dns.ClassINET, Ttl: 60}
		var rr dns.RR = &dns.TXT{Hdr: h, Txt: []string{text}}
		if rtype == dns.TypeDHCID {
			rr = &dns.DHCID{Hdr: h, Digest: text}
		}
		buf := make([]byte, 512)
		n, err := dns.PackRR(rr, buf, 0, nil, false)
		if err != nil {
			t.Fatalf("%v: %v", o, err)
		}
		back, _, err := dns.UnpackRR(buf[:n], 0)
		if err != nil {
			t.Fatalf("%v: %v", o, err)
		}
		got := ""
		switch rr := back.(type) {
		case *dns.TXT:
			got = strings.Join(rr.Txt, "")
		case *dns.DHCID:
			got = rr.Digest
		}
		if !o.mine(hostName, rtype, got) {
			t.Errorf("%v reads %q", o, got)
		}
		if !memoTypes[dns.Type(rtype).String()](text) {
			t.Errorf("%v can't be kept in a state", o)
		}
	}
}

func TestBadOwner(t *testing.T) {
	for _, test := range []struct {
		o    Owner
		says string
	}{
		{OwnerTXT(""), "0 octets, not 1 to 200"},
		{OwnerTXT(strings.Repeat("x", 201)), "201 octets"},
		{OwnerTXT("a,b"), "comma"},
		{OwnerTXT(`a"b`), "quote"},
		{OwnerTXT(`a\b`), "backslash"},
		{OwnerTXT("a\nb"), "printable"},
		{OwnerTXT("bücher"), "printable"},
		{OwnerTXT("a\xffb"), "printable"},
		{OwnerDHCID(nil), "0 octets, not 3 to 130"},
		{OwnerDHCID(make([]byte, 2)), "2 octets"},
		{OwnerDHCID(make([]byte, 131)), "131 octets"},
	} {
		cfg := newWorld(t).config()
		cfg.Owner = test.o
		if r, err := New(cfg); r != nil || err == nil || !strings.HasPrefix(err.Error(), "dnsreg: ") || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%v: error %v, want %q", test.o, err, test.says)
		}
	}
	for _, o := range []Owner{{}, OwnerTXT("a"), OwnerTXT(strings.Repeat(" ", 200)), OwnerDHCID(make([]byte, 3)), OwnerDHCID(make([]byte, 130))} {
		if err := o.Validate(); err != nil {
			t.Errorf("%v: %v", o, err)
		}
	}
}

// A TXT record may have no text: it is foreign, required like any other, and stays.
func TestEmptyTextBesideTheMark(t *testing.T) {
	for _, pin := range []Pin{PinChanges, PinAlways, PinNever} {
		w := newWorld(t)
		if err := w.server.Insert(hostName+` 1200 TXT ""`, hostName+` 1200 TXT "" ""`); err != nil {
			t.Fatal(err)
		}
		w.table.Set(host("192.0.2.1")...)
		r := w.registrar(func(c *Config) { c.Owner, c.Pin, c.NoPTR = OwnerTXT("this"), pin, true })
		w.sync(r)
		w.sync(r)
		want := []string{hostName + ` 1200 A 192.0.2.1`, hostName + ` 1200 TXT ""`, hostName + ` 1200 TXT "" ""`, hostName + ` 1200 TXT "heritage=hextet,owner=this"`}
		var got []string
		for _, record := range w.server.Records(hostName) {
			got = append(got, record.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("pin %d: got %q, want %q", pin, got, want)
		}
		if n := r.Status().Counters.Conflicts; n != 0 {
			t.Errorf("pin %d: %d conflicts", pin, n)
		}
	}
}
