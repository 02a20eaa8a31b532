package dnsreg

import (
	"errors"
	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"golang.org/x/net/idna"
)

func TestNames(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, test := range []struct{ name, want, label, rule string }{
		{name: "host.example.test", want: "host.example.test."},
		{name: "HOST.Example.TEST.", want: "host.example.test."},
		{name: "1.2", want: "1.2."},
		{name: "xn--bcher-kva.example", want: "xn--bcher-kva.example."},
		{name: "XN--BCHER-KVA.example", want: "xn--bcher-kva.example."},
		{name: "ＨＯＳＴ.example", want: "host.example."},
		{name: "B\u00dcCHER.example", want: "xn--bcher-kva.example."},
		{name: "bu\u0308cher.example", want: "xn--bcher-kva.example."}, // not composed
		{name: "faß.example", want: "xn--fa-hia.example."},
		{name: "Bücher.example", want: "xn--bcher-kva.example."},
		{name: "r3--sn-x.example", want: "r3--sn-x.example."},
		{name: long + ".example", want: long + ".example."},
		{name: strings.Join([]string{long, long, long, long[:61]}, "."), want: strings.Join([]string{long, long, long, long[:61]}, ".") + "."},

		{name: "", rule: "empty label"},
		{name: ".", rule: "empty label"},
		{name: "host", rule: "two labels"},
		{name: "a..b", rule: "empty label"},
		{name: "*.example.test", label: "*", rule: "wildcard"},
		{name: "*", label: "*", rule: "wildcard"},
		{name: "a*.example.test", label: "a*", rule: "letters, digits and hyphens"},
		{name: "＊.example.test", label: "＊", rule: "international"},
		{name: "_dns.example.test", label: "_dns", rule: "Config.Underscore"},
		{name: "a b.example.test", label: "a b", rule: "letters, digits and hyphens"},
		{name: "host.example.test\nupdate delete x", label: "test\nupdate delete x", rule: "letters, digits and hyphens"},
		{name: `a\.b.test`, label: `a\`, rule: "letters, digits and hyphens"},
		{name: "a;b.test", label: "a;b", rule: "letters, digits and hyphens"},
		{name: "-a.test", label: "-a", rule: "hyphen"},
		{name: "a-.test", label: "a-", rule: "hyphen"},
		{name: "\xff.test", label: "\xff", rule: "international"},
		{name: "xn--a-\xff.test", label: "xn--a-\xff", rule: "international"},
		{name: "xn--zzzzzz99999.test", label: "xn--zzzzzz99999", rule: "international"},
		{name: "xn--a.test", label: "xn--a", rule: "international"},
		{name: "xn--a-.test", label: "xn--a-", rule: "international"},
		{name: "xn--.test", label: "xn--", rule: "international"},
		{name: "xn--Bcher-KVB.test", label: "xn--Bcher-KVB", rule: "international"},
		{name: "xn--xn---epa.test", label: "xn--xn---epa", rule: "international"},
		{name: "a。b.test", label: "a。b", rule: "letters, digits and hyphens"},
		{name: long + "a.example", label: long + "a", rule: "63 octets"},
		{name: strings.Join([]string{long, long, long, long[:62]}, "."), rule: "255 octets"},
	} {
		got, err := canonicalName(test.name, false)
		if got != test.want {
			t.Errorf("%q: got %q, want %q", test.name, got, test.want)
		}
		if test.want != "" {
			if err != nil {
				t.Errorf("%q: %v", test.name, err)
			}
			continue
		}
		e, ok := errors.AsType[*NameError](err)
		if !ok || e.Name != test.name || e.Label != test.label || !strings.Contains(e.Rule, test.rule) || ClassOf(err) != Permanent {
			t.Errorf("%q: error %+v, want label %q, rule %q", test.name, e, test.label, test.rule)
		}
	}
}

func TestUnderscores(t *testing.T) {
	for _, test := range []struct{ name, want, rule string }{
		{"_x.example.test", "_x.example.test.", ""},
		{"Host_1.example.test", "host_1.example.test.", ""},
		{"_._tcp.example_.test", "_._tcp.example_.test.", ""},
		{"*.example.test", "", "wildcard"},
		{"_*.example.test", "", "letters, digits and hyphens"},
		{"-_x.example.test", "", "hyphen"},
		{"a b_.example.test", "", "letters, digits and hyphens"},
		{"b\u00fc_x.example.test", "", "international"},
		{"xn--b_x-hoa.example.test", "", "international"},
	} {
		got, err := canonicalName(test.name, true)
		e, _ := errors.AsType[*NameError](err)
		if got != test.want || (e != nil) != (test.rule != "") || e != nil && !strings.Contains(e.Rule, test.rule) {
			t.Errorf("%q: %q, %v; want %q, rule %q", test.name, got, err, test.want, test.rule)
		}
	}
	w := newWorld(t)
	loose := w.net.serve(t, serverAddr, dnsregtest.Config{
		Zones: []string{"example.test"}, Keys: map[string][]byte{keyName: secret}, AnyName: true,
	})
	w.table.Set(host("192.0.2.1")...)
	r := w.registrar(func(c *Config) { c.NoPTR = true; c.Name, c.Underscore = "Host_1.example.test", true })
	w.sync(r)
	if got := loose.Records("host_1.example.test."); len(got) != 1 {
		t.Errorf("records %v", got)
	}
}

var (
	ldh           = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)
	ldhUnderscore = regexp.MustCompile(`^[a-z0-9_-]{1,63}$`)
)

// wellFormed is the slow twin of what canonicalName lets through, on the wire form.
func wellFormed(t *testing.T, name string, underscore bool) bool {
	buf := make([]byte, 256)
	end, err := dns.PackDomainName(name, buf, 0, nil, false)
	if err != nil {
		t.Errorf("%q does not pack: %v", name, err)
		return false
	}
	labels := 0
	for at := 0; buf[at] != 0; labels++ {
		label := buf[at+1 : at+1+int(buf[at])]
		at += 1 + len(label)
		pattern := ldh
		if underscore {
			pattern = ldhUnderscore
		}
		if !pattern.Match(label) || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return labels >= 2 && end <= 255
}

// Whatever gets through is a host name that the codec packs as it stands.
func FuzzCanonicalName(f *testing.F) {
	for _, s := range []string{"host.example.test", "Bücher.example", "xn--bcher-kva.example", "*.test", "a..b", "\x00.a",
		"_x.host_1.test", "xn--a.b", "a。b.test", "＿x.test", strings.Repeat("a.", 127), "\u200d.test", "faß.test", "א1.test"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, name string, underscore bool) {
		got, err := canonicalName(name, underscore)
		if err != nil {
			if _, ok := errors.AsType[*NameError](err); !ok || got != "" {
				t.Errorf("%q: %q, %v", name, got, err)
			}
			return
		}
		if !wellFormed(t, got, underscore) {
			t.Errorf("%q becomes %q", name, got)
		}
		if again, err := canonicalName(got, underscore); again != got {
			t.Errorf("%q becomes %q, which becomes %q, %v", name, got, again, err)
		}
		if strict, err := canonicalName(name, false); (err == nil) != !strings.Contains(got, "_") || err == nil && strict != got {
			t.Errorf("%q becomes %q, and without underscores %q, %v", name, got, strict, err)
		}
		// A-labels and U-labels say the same.
		if u, err := idna.Lookup.ToUnicode(got); err == nil && !strings.Contains(got, "_") {
			if again, err := canonicalName(u, underscore); again != got {
				t.Errorf("%q becomes %q, which is %q and becomes %q, %v", name, got, u, again, err)
			}
		}
	})
}

// The codec's ReverseAddr is the slow twin.
func TestReverseNames(t *testing.T) {
	addrs := []string{"192.0.2.1", "0.0.0.0", "255.255.255.255", "10.20.30.40", "2001:db8::1", "::",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8:1234:5678:9abc:def0:fedc:ba98"}
	for _, s := range addrs {
		want, err := dns.ReverseAddr(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := reverseName(netip.MustParseAddr(s)); got != want {
			t.Errorf("%s: got %s, want %s", s, got, want)
		}
	}
	// RFC 3596 section 2.5's own example.
	const want = "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa."
	if got := reverseName(netip.MustParseAddr("4321:0:1:2:3:4:567:89ab")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
