package srcselect

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"
)

// RFC 6724 section 4: who is a candidate. want is the chosen address and its
// interface, "" for none.
func TestCandidates(t *testing.T) {
	weak, lastResort := Config{AnyInterface: true}, Config{LastResort: true}
	siit := Config{AnyInterface: true, SIIT: []netip.Prefix{netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("2001:db8:64::/48")}}
	translatable := []string{"2001:db8::9", "2001:db8:64::1 deprecated", "2001:db8:64::2"}
	hosts := []string{"2001:db8:2::1 if2 via=fe80::a", "fe80::2 if2", "2001:db8:1::1 if1", "fe80::1 if1", "192.0.2.1 if1", "10.0.0.1 if2"}
	for _, c := range []struct {
		name  string
		cfg   Config
		hosts []string
		dst   string
		iface int
		want  string
	}{
		{"outgoing interface only", Config{}, hosts, "2001:db8:2::9", 1, "2001:db8:1::1 if1"},
		{"any interface, all else equal", weak, hosts, "2001:db8:2::9", 1, "2001:db8:1::1 if1"},
		{"any interface, by rule 1", weak, hosts, "2001:db8:2::1", 1, "2001:db8:2::1 if2"},
		{"strong host, not rule 1", Config{}, hosts, "2001:db8:2::1", 1, "2001:db8:1::1 if1"},
		{"unknown interface", Config{}, hosts, "2001:db8:2::9", 0, "2001:db8:2::1 if2"},
		{"link-local destination keeps to its link", weak, hosts, "fe80::2", 1, "fe80::1 if1"},
		{"multicast destination keeps to its link", weak, hosts, "ff0e::1", 2, "2001:db8:2::1 if2"},
		{"IPv4 multicast keeps to its link", weak, hosts, "224.0.0.1", 1, "192.0.2.1 if1"},
		{"zone names the link", weak, hosts, "fe80::9%1", 0, "fe80::1 if1"},
		{"zone names the link of a group", weak, hosts, "ff02::1%1", 0, "fe80::1 if1"},
		{"zone that agrees", weak, hosts, "fe80::9%1", 1, "fe80::1 if1"},
		{"an IPv4-mapped destination has no zone", weak, append(hosts, "169.254.0.1 if2"), "::ffff:169.254.0.9%3", 0, "169.254.0.1 if2"},
		{"zone by name", weak, hosts, "fe80::9%eth1", 1, "fe80::1 if1"},
		{"zone by name, interface not known", weak, hosts, "fe80::9%eth1", 0, "fe80::2 if2"},
		{"zone of a global destination means nothing", Config{}, hosts, "2001:db8:1::9%2", 0, "2001:db8:1::1 if1"},
		{"nothing on the link", weak, hosts, "fe80::9", 3, ""},
		{"IPv4-converted", siit, translatable, "64:ff9b::9", 1, "2001:db8:64::2 if1"},
		{"IPv4-converted, host does not translate", Config{}, translatable, "64:ff9b::9", 1, "2001:db8::9 if1"},
		{"IPv4-converted, none translatable", siit, hosts, "64:ff9b::9", 1, ""},
		{"IPv4-converted, no last resort", Config{SIIT: siit.SIIT, LastResort: true}, []string{"2001:db8::9 skip"}, "64:ff9b::9", 1, ""},
		{"IPv4-translatable for any destination", siit, translatable[2:], "2001:db8::9", 1, "2001:db8:64::2 if1"},
		{"IPv4, whatever translates", siit, hosts, "192.0.2.9", 1, "192.0.2.1 if1"},
		{"IPv4", Config{}, hosts, "192.0.2.9", 1, "192.0.2.1 if1"},
		{"IPv4-mapped", Config{}, hosts, "::ffff:192.0.2.9", 1, "192.0.2.1 if1"},
		{"no IPv4", Config{}, []string{"2001:db8::1"}, "192.0.2.9", 1, ""},
		{"tentative", Config{}, []string{"2001:db8::1 tentative"}, "2001:db8::9", 1, ""},
		{"tentative even as a last resort", lastResort, []string{"2001:db8::1 tentative skip"}, "2001:db8::9", 1, ""},
		{"optimistic", Config{}, []string{"2001:db8::1 tentative optimistic"}, "2001:db8::9", 1, "2001:db8::1 if1"},
		{"skipped", Config{}, []string{"2001:db8::1 skip", "2001:db8::2 deprecated"}, "2001:db8::1", 1, "2001:db8::2 if1"},
		{"skipped IPv4", Config{}, []string{"192.0.2.1 skip", "10.0.0.1"}, "192.0.2.9", 1, "10.0.0.1 if1"},
		{"all skipped", Config{}, []string{"2001:db8::1 skip"}, "2001:db8::9", 1, ""},
		{"all skipped on the outgoing interface", Config{}, []string{"2001:db8::1 skip", "2001:db8::2 if2"}, "2001:db8::9", 1, ""},
		{"last resort", lastResort, []string{"2001:db8:2::1 skip", "2001:db8:1::1 skip"}, "2001:db8:1::9", 1, "2001:db8:1::1 if1"},
		{"last resort on the outgoing interface", lastResort, []string{"2001:db8::1 skip", "2001:db8::2 if2"}, "2001:db8::9", 1, "2001:db8::1 if1"},
		{"no need of a last resort", lastResort, []string{"2001:db8::1 skip", "fe80::1 deprecated"}, "2001:db8::1", 1, "fe80::1 if1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := selectorWith(t, c.cfg, c.hosts...)
			got := ""
			r, err := s.Select(Query{Destination: netip.MustParseAddr(c.dst), Interface: c.iface})
			if err == nil {
				got = fmt.Sprintf("%v if%d", r.Address.Prefix.Addr(), r.Address.Interface)
			} else if !errors.Is(err, ErrNoSource) {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("chose %q by %v (%v), want %q", got, r.Rule, err, c.want)
			}
		})
	}
}

func TestZoneIndex(t *testing.T) {
	for text, want := range map[string]int32{
		"fe80::1":                      0,
		"fe80::1%1":                    1,
		"fe80::1%007":                  7,
		"fe80::1%0":                    0,
		"fe80::1%2147483647":           math.MaxInt32,
		"fe80::1%2147483648":           0,
		"fe80::1%4294967297":           0, // 1 in 32 bits
		"fe80::1%18446744073709551617": 0, // 1 in 64 bits
		"fe80::1%eth0":                 0,
		"fe80::1%0x1":                  0,
		"fe80::1%1eth":                 0,
		"fe80::1%+1":                   0,
		"192.0.2.1":                    0,
		"::ffff:192.0.2.1%1":           0,
	} {
		if got := zoneIndex(netip.MustParseAddr(text)); got != want {
			t.Errorf("zoneIndex(%s) = %d, want %d", text, got, want)
		}
	}
}

func TestExplicitSource(t *testing.T) {
	hosts := []string{"fe80::1 if2", "2001:db8::1 skip", "2001:db8::2 deprecated if2", "2001:db8::3 tentative", "2001:db8::3 if3",
		"2001:db8::4 tentative", "fe80::1 if1", "2001:db8::5 if2", "2001:db8::5 if1", "192.0.2.1 skip", "fe80::7 if2"}
	const prefix = "srcselect: no source address for "
	for _, c := range []struct {
		dst, source string
		iface       int
		want        string
	}{
		{"2001:db8::9", "2001:db8::1", 1, "2001:db8::1 if1"},
		{"2001:db8::9", "2001:db8::1%eth0", 1, "2001:db8::1 if1"},
		{"2001:db8::9", "2001:db8::2", 1, "2001:db8::2 if2"},
		{"2001:db8::9", "2001:db8::3", 1, "2001:db8::3 if3"},
		{"2001:db8::9", "2001:db8::5", 1, "2001:db8::5 if1"},
		{"2001:db8::9", "2001:db8::5", 0, "2001:db8::5 if2"},
		{"2001:db8::9", "2001:db8::5", 7, "2001:db8::5 if2"},
		{"fe80::9", "fe80::1", 1, "fe80::1 if1"},
		{"fe80::9%1", "fe80::1", 0, "fe80::1 if1"},
		{"fe80::9", "fe80::1%1", 0, "fe80::1 if1"},
		{"fe80::9", "fe80::1", 0, "fe80::1 if2"},
		{"192.0.2.9", "192.0.2.1", 1, "192.0.2.1 if1"},
		{"::ffff:192.0.2.9", "::ffff:192.0.2.1", 1, "192.0.2.1 if1"},
		{"192.0.2.9", "0.0.0.0", 1, prefix + "192.0.2.9: the only candidate is skip-as-source: 192.0.2.1"},
		{"2001:db8::9", "::", 1, "2001:db8::5 if1"},
		{"2001:db8::9", "2001:db8::4", 1, prefix + "2001:db8::9: source 2001:db8::4 is tentative, so not assigned yet"},
		{"2001:db8::9", "2001:db8::8", 1, prefix + "2001:db8::9: source 2001:db8::8 is not assigned"},
		{"2001:db8::9", "ff02::1", 1, prefix + "2001:db8::9: source ff02::1 is not assigned"},
		{"2001:db8::9", "192.0.2.1", 1, prefix + "2001:db8::9: source 192.0.2.1 is not an IPv6 address"},
		{"192.0.2.9", "2001:db8::1", 1, prefix + "192.0.2.9: source 2001:db8::1 is not an IPv4 address"},
		{"fe80::9", "fe80::7", 1, prefix + "fe80::9: source fe80::7 is link-local and not assigned on the outgoing link"},
		{"fe80::9", "fe80::7%1", 0, prefix + "fe80::9: source fe80::7%1 is link-local and not assigned on the outgoing link"},
		{"fe80::9", "fe80::7%2", 1, prefix + "fe80::9: source fe80::7%2 is link-local and not assigned on the outgoing link"},
	} {
		q := Query{Destination: netip.MustParseAddr(c.dst), Interface: c.iface, Source: netip.MustParseAddr(c.source)}
		r, err := selectorWith(t, Config{}, hosts...).Select(q)
		got := fmt.Sprintf("%v if%d", r.Address.Prefix.Addr(), r.Address.Interface)
		if err != nil {
			got = err.Error()
			if !errors.Is(err, ErrNoSource) || r.Address.Prefix.IsValid() || r.Rule != RuleNone {
				t.Errorf("%v: error %v, result %+v", q, err, r)
			}
		} else if (r.Rule == RuleExplicit) == q.Source.IsUnspecified() || r.Tied {
			t.Errorf("%v: by %v (tied %v)", q, r.Rule, r.Tied)
		}
		if got != c.want {
			t.Errorf("%v: got %q, want %q", q, got, c.want)
		}
	}
}

func TestInvalidQueries(t *testing.T) {
	s := selectorWith(t, Config{}, "2001:db8::1", "192.0.2.1", "fe80::1")
	dst := netip.MustParseAddr("2001:db8::9")
	for want, q := range map[string]Query{
		"query without a destination":                                                         {Interface: 1},
		"destination ::: nothing can be sent to the unspecified address":                      {Destination: netip.IPv6Unspecified()},
		"destination 0.0.0.0: nothing can be sent to the unspecified address":                 {Destination: netip.IPv4Unspecified()},
		"query for 2001:db8::9: interface index -1: want 1 to 2147483647, or 0 for not known": {Destination: dst, Interface: -1},
		"destination fe80::9%2: its zone is not that of the outgoing interface 1":             {Destination: netip.MustParseAddr("fe80::9%2"), Interface: 1},
		"preferences for temporary and for public addresses contradict each other":            {Destination: dst, Prefer: PreferTemporary | PreferPublic},
		"preferences for home and for care-of addresses contradict each other":                {Destination: dst, Prefer: PreferHome | PreferCareOf | PreferPublic},
		"preferences 0x81: unknown bits":                                                      {Destination: dst, Prefer: PreferTemporary | 0x80},
	} {
		_, err := s.Select(q)
		if !errors.Is(err, ErrInvalid) || errors.Is(err, ErrNoSource) || err.Error() != "srcselect: "+want {
			t.Errorf("%+v: error %v, want %q", q, err, want)
		}
		if e := s.Explain(q); e.Err == nil || e.Err.Error() != err.Error() || e.Candidates != nil {
			t.Errorf("%+v: explained by %+v", q, e)
		}
	}
}

// The reason, by name, and never longer than a line or two.
func TestNoSourceError(t *testing.T) {
	many := []string{"2001:db8:1::1 tentative", "2001:db8:2::1 if2", "10.0.0.1"}
	for i := range 50 {
		many = append(many, fmt.Sprintf("2001:db8::%d skip", i+1))
	}
	for _, c := range []struct {
		hosts []string
		dst   string
		want  string
	}{
		{nil, "2001:db8::9", "there is no IPv6 address"},
		{[]string{"2001:db8::1"}, "192.0.2.9", "there is no IPv4 address"},
		{[]string{"2001:db8::1 skip", "2001:db8::2 skip", "2001:db8::3 skip"}, "2001:db8::9",
			"all 3 candidates are skip-as-source: 2001:db8::1, 2001:db8::2, 2001:db8::3"},
		{[]string{"192.0.2.1 skip", "2001:db8::1"}, "192.0.2.9", "the only candidate is skip-as-source: 192.0.2.1"},
		{[]string{"2001:db8::1 skip", "2001:db8::2 if2"}, "2001:db8::9",
			"the only candidate is skip-as-source: 2001:db8::1; 1 address on another interface: 2001:db8::2"},
		{[]string{"2001:db8::1 tentative"}, "2001:db8::9", "the only candidate is tentative: 2001:db8::1"},
		{[]string{"2001:db8::1 if2", "fe80::1 if3"}, "fe80::9", "2 addresses on other links: 2001:db8::1, fe80::1"},
		{many, "2001:db8::9", "50 candidates are skip-as-source: 2001:db8::1, 2001:db8::2, 2001:db8::3, 2001:db8::4, 2001:db8::5, " +
			"2001:db8::6, 2001:db8::7, 2001:db8::8 and 42 more; 1 candidate is tentative: 2001:db8:1::1; " +
			"1 address on another interface: 2001:db8:2::1"},
	} {
		_, err := selectorWith(t, Config{}, c.hosts...).Select(to(c.dst))
		if want := "srcselect: no source address for " + c.dst + ": " + c.want; err == nil || err.Error() != want {
			t.Errorf("error %v\nwant  %v", err, want)
		}
		var none *NoSourceError
		if !errors.As(err, &none) || !errors.Is(err, ErrNoSource) || errors.Is(err, ErrInvalid) {
			t.Fatalf("error %v is a %T", err, err)
		}
		skipped := strings.Count(strings.Join(c.hosts, "\n"), "skip")
		if got := none.Count(ExcludedSkipAsSource); got != skipped || none.Count(exclusions) != 0 || none.Query != to(c.dst) {
			t.Errorf("%v: %d skipped, want %d", err, got, skipped)
		}
	}
}

// The quick test and the one with reasons are the same test.
func TestAdmitsIsExclusion(t *testing.T) {
	reasons := make(map[Exclusion]int)
	w := newWorld(7)
	for i := range 20_000 {
		if i%100 == 0 {
			w = newWorld(uint64(i))
		}
		q := w.query()
		var D destination
		if err := D.resolve(&w.cfg, &q); err != nil {
			t.Fatal(err)
		}
		if w.oneIn(2) {
			D.mask &^= flagSkip
		}
		a, err := w.address().normalize()
		if err != nil {
			t.Fatal(err)
		}
		S := w.cfg.candidateOf(&a)
		why := D.exclusion(&S.class)
		if D.admits(&S.class) != (why == NotExcluded) {
			t.Fatalf("%v, %+v: admitted %v, excluded for %v", q, a, D.admits(&S.class), why)
		}
		reasons[why]++
	}
	if len(reasons) != exclusions {
		t.Errorf("only %d of %d reasons were met: %v", len(reasons), exclusions, reasons)
	}
}

func TestExclusionString(t *testing.T) {
	words := make(map[string]bool)
	for e := range Exclusion(exclusions) {
		words[e.String()] = true
	}
	if len(words) != exclusions || !words["skip-as-source"] || !words["candidate"] || words[Exclusion(exclusions).String()] {
		t.Errorf("reasons are called %v", words)
	}
}
