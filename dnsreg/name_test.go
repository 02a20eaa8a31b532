package dnsreg

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestNames(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, test := range []struct{ name, want, label, rule string }{
		{name: "host.example.test", want: "host.example.test."},
		{name: "HOST.Example.TEST.", want: "host.example.test."},
		{name: "1.2", want: "1.2."},
		{name: "xn--bcher-kva.example", want: "xn--bcher-kva.example."},
		{name: "Bücher.example", want: "xn--bcher-kva.example."},
		{name: "r3--sn-x.example", want: "r3--sn-x.example."},
		{name: long + ".example", want: long + ".example."},
		{name: strings.Join([]string{long, long, long, long[:61]}, "."), want: strings.Join([]string{long, long, long, long[:61]}, ".") + "."},

		{name: "", rule: "empty label"},
		{name: ".", rule: "empty label"},
		{name: "host", rule: "two labels"},
		{name: "a..b", rule: "empty label"},
		{name: "*.example.test", label: "*", rule: "letters, digits and hyphens"},
		{name: "_dns.example.test", label: "_dns", rule: "letters, digits and hyphens"},
		{name: "a b.example.test", label: "a b", rule: "letters, digits and hyphens"},
		{name: "host.example.test\nupdate delete x", label: "test\nupdate delete x", rule: "letters, digits and hyphens"},
		{name: `a\.b.test`, label: `a\`, rule: "letters, digits and hyphens"},
		{name: "a;b.test", label: "a;b", rule: "letters, digits and hyphens"},
		{name: "-a.test", label: "-a", rule: "hyphen"},
		{name: "a-.test", label: "a-", rule: "hyphen"},
		{name: "\xff.test", label: "\xff", rule: "international"},
		{name: "xn--a-\xff.test", label: "xn--a-\xff", rule: "international"},
		{name: "xn--zzzzzz99999.test", label: "xn--zzzzzz99999", rule: "international"},
		{name: "a。b.test", label: "a。b", rule: "letters, digits and hyphens"},
		{name: long + "a.example", label: long + "a", rule: "63 octets"},
		{name: strings.Join([]string{long, long, long, long[:62]}, "."), rule: "255 octets"},
	} {
		got, err := canonicalName(test.name)
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

// Whatever gets through is a host name that the codec packs as it stands.
func FuzzCanonicalName(f *testing.F) {
	for _, s := range []string{"host.example.test", "Bücher.example", "xn--bcher-kva.example", "*.test", "a..b", "\x00.a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got, err := canonicalName(name)
		if err != nil {
			return
		}
		if strings.Trim(got, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" || !strings.HasSuffix(got, ".") {
			t.Errorf("%q becomes %q", name, got)
		}
		if _, err := dns.PackDomainName(got, make([]byte, 255), 0, nil, false); err != nil {
			t.Errorf("%q becomes %q, which does not pack: %v", name, got, err)
		}
		if again, err := canonicalName(got); again != got {
			t.Errorf("%q becomes %q, which becomes %q, %v", name, got, again, err)
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
