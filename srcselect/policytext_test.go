package srcselect

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// rowsOf writes rows as the tests want them: "2001:db8::/32 45 14 dev 2".
func rowsOf(p Policy) []string {
	var rows []string
	for line := range strings.Lines(p.String()) {
		rows = append(rows, strings.Join(strings.Fields(line), " "))
	}
	slices.Sort(rows)
	return rows
}

func checkRows(t *testing.T, name string, p Policy, want ...string) {
	t.Helper()
	want = slices.Clone(want)
	slices.Sort(want)
	if got := rowsOf(p); !slices.Equal(got, want) {
		t.Errorf("%s: rows\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func interfaceNames(name string) (int, error) {
	switch name {
	case "eth0":
		return 2, nil
	case "gone":
		return 0, nil
	}
	return 0, errors.New("no such device")
}

// What the tools print, as they print it.
func TestParsePolicy(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{name: "empty"},
		{name: "netsh interface ipv6 show prefixpolicies", text: `Querying active state...

Precedence  Label  Prefix
----------  -----  --------------------------------
        50      0  ::1/128
        40      1  ::/0
        35      4  ::ffff:0:0/96
         3     13  fc00::/7
`, want: []string{"::1/128 50 0", "::/0 40 1", "::ffff:0.0.0.0/96 35 4", "fc00::/7 3 13"}},
		{name: "ip addrlabel list", text: "prefix ::1/128 label 0 \nprefix ::/96 label 3 \nprefix ::ffff:0.0.0.0/96 label 4 \n" +
			"prefix 2001:10::/28 label 7 \nprefix 2001::/32 dev eth0 label 6 \nprefix 2002::/16 dev 7 label 2\nprefix ::/0 label 1 \n",
			want: []string{"::1/128 50 0", "::/96 1 3", "::ffff:0.0.0.0/96 35 4", "2001:10::/28 40 7", "2001::/32 5 6 dev 2", "2002::/16 30 2 dev 7", "::/0 40 1"}},
		{name: "ip6addrctl show", text: `Prefix                          Prec Label      Use
::1/128                           50     0        0
::/0                              40     1   316508
2001:db8::/32                    100    99        7
`, want: []string{"::1/128 50 0", "::/0 40 1", "2001:db8::/32 100 99"}},
		{name: "ip6addrctl.conf", text: "#Format:\n#Prefix\tPrecedence\tLabel\n::1/128\t50\t0 # loopback\n\n10.0.0.0/8 7 8\r\n",
			want: []string{"::1/128 50 0", "10.0.0.0/8 7 8"}},
		{name: "no heading, precedence first", text: "45 14 fd00::/48 dev eth0", want: []string{"fd00::/48 45 14 dev 2"}},
		{name: "all keywords", text: "prefix fd00::/48 precedence 45 dev eth0 label 14", want: []string{"fd00::/48 45 14 dev 2"}},
		{name: "automatic row", text: "fd00::/48 45 14 known-local\nfd00::/48 45 14 dev 3",
			want: []string{"fd00::/48 45 14 known-local", "fd00::/48 45 14 dev 3"}},
	} {
		p, err := ParsePolicy(c.text, interfaceNames)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		checkRows(t, c.name, p, c.want...)
	}
}

// The two tables of gai.conf become one with the answers of both.
func TestParsePolicyGAI(t *testing.T) {
	p, err := ParsePolicy("reload yes\nprecedence ::ffff:0:0/96 100\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	// One precedence replaces the whole table of precedences, not that of labels.
	checkRows(t, "IPv4 first", p, "::1/128 40 0", "::/0 40 1", "::ffff:0.0.0.0/96 100 4", "2002::/16 40 2", "2001::/32 40 5",
		"fc00::/7 40 13", "::/96 40 3", "fec0::/10 40 11", "3ffe::/16 40 12")

	p, err = ParsePolicy("label 2001:db8:1::/48 8\nlabel 2001:db8::/32 7\nprecedence 2001:db8::/40 9\nprecedence ::/0 5", nil)
	if err != nil {
		t.Fatal(err)
	}
	checkRows(t, "both", p, "2001:db8:1::/48 9 8", "2001:db8::/40 9 7", "2001:db8::/32 5 7", "::/0 5 1")
}

func TestParsePolicyRefuses(t *testing.T) {
	const good = "# comment\n::/0 40 1\n"
	for line, want := range map[string]string{
		"::/0 40 1":                       "policy line 3 (::/0): same prefix and interface as line 2",
		"2001:db8::/32 40":                "policy line 3: 2 fields: want prefix, precedence, label",
		"40 1":                            "policy line 3: 2 fields: want precedence, label, prefix",
		"2001:db8::1 40 1":                `policy line 3: precedence "2001:db8::1": want 0 to 255`,
		"2001:db8::/129 40 1":             `policy line 3: "2001:db8::/129" is not a prefix`,
		"2001:db8::1/32 40 1":             "policy line 3: prefix 2001:db8::1/32 has host bits: want 2001:db8::/32",
		"2001:db8::/32 256 1":             `policy line 3: precedence "256": want 0 to 255`,
		"2001:db8::/32 40 -1":             `policy line 3: label "-1": want 0 to 255`,
		"2001:db8::/32 40 1 2":            "policy line 3: 2: no value",
		"2001:db8::/32 40 1 via x":        `policy line 3: unknown word "via"`,
		"2001:db8::/32 40 1 label 2":      "policy line 3: label: twice",
		"2001:db8::/32 40 1 dev":          "policy line 3: dev: no value",
		"2001:db8::/32 40 1 dev 0":        "policy line 3: dev 0: want 1 or more",
		"2001:db8::/32 40 1 dev eth9":     "policy line 3: dev eth9: no such device",
		"2001:db8::/32 40 1 dev gone":     "policy line 3: dev gone: there is no such interface",
		"2001:db8::/32 40 1 known-local":  "policy line 3: known-local prefix 2001:db8::/32: not in fd00::/8",
		"fd00::/32 45 14 known-local":     "policy line 3: known-local prefix fd00::/32: shorter than /40",
		"fd00::/48 45 13 known-local":     "policy line 3: known-local prefix fd00::/48: want precedence 45, label 14, every interface",
		"prefix 2001:db8::/32 dev eth0":   "policy line 3: prefix 2001:db8::/32: no label",
		"prefix":                          "policy line 3: prefix: no value",
		"precedence ::ffff:0:0/96 100":    "policy line 3: a line of gai.conf after rows of the whole table",
		"scopev4 ::ffff:10.0.0.0/104 5":   "policy line 3: scopev4: the scopes of IPv4 addresses are fixed (RFC 6724 section 3.2)",
		"prefix 2001:db8::/32 label 1000": `policy line 3: label "1000": want 0 to 255`,
	} {
		p, err := ParsePolicy(good+line, interfaceNames)
		if !errors.Is(err, ErrInvalid) || err.Error() != "srcselect: "+want {
			t.Errorf("%q: error %v, want %q", line, err, want)
		}
		if p != (Policy{}) {
			t.Errorf("%q: half a policy", line)
		}
	}
	for text, want := range map[string]string{
		"label ::/0 1\nprecedence ::1/128 5\nprecedence ::1/128 6": "policy line 3 (::1/128): same prefix and interface as line 2",
		"label ::1/128 1\nlabel 2001:db8::1/32 2":                  "policy line 2: prefix 2001:db8::1/32 has host bits: want 2001:db8::/32",
		"label ::/0 1\n::/0 40 1":                                  "policy line 2: a row of the whole table after lines of gai.conf",
		"label ::/0":                                               "policy line 1: label: want a prefix and a number",
		"label x 1":                                                `policy line 1: "x" is not a prefix`,
		"label ::/0 x":                                             `policy line 1: label "x": want 0 to 255`,
	} {
		if _, err := ParsePolicy(text, nil); !errors.Is(err, ErrInvalid) || err.Error() != "srcselect: "+want {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
	if _, err := ParsePolicy("::/0 1 1 dev eth0", nil); err == nil || !strings.Contains(err.Error(), "dev eth0: want the interface's index") {
		t.Errorf("a name without index: %v", err)
	}
}

// What String writes is what UnmarshalText reads, automatic rows included.
func TestPolicyTextRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for n := range 60 {
		p := policyOf(randomRows(r, n)...)
		if n%2 == 0 {
			p = mustKnow(t, p, "fd11:1111:1111::/48", "fd22::/40")
		}
		text, err := p.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back Policy
		if err := back.UnmarshalText(text); err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if back.String() != p.String() || !slices.Equal(back.Rows(), p.Rows()) || !slices.Equal(back.KnownLocal(), p.KnownLocal()) {
			t.Fatalf("got\n%v\nwant\n%v", back, p)
		}
	}
	p := DefaultPolicy()
	if err := p.UnmarshalText([]byte("nonsense")); err == nil || p != DefaultPolicy() {
		t.Errorf("error %v, table\n%v", err, p)
	}
}

func mustKnow(t *testing.T, p Policy, prefixes ...string) Policy {
	t.Helper()
	var known []netip.Prefix
	for _, text := range prefixes {
		known = append(known, netip.MustParsePrefix(text))
	}
	p, err := p.WithKnownLocal(known...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Whatever is read is written so that it reads the same.
func FuzzParsePolicy(f *testing.F) {
	f.Add(DefaultPolicy().String())
	f.Add("Precedence  Label  Prefix\n--- --- ---\n 50 0 ::1/128\n")
	f.Add("prefix 2001::/32 dev 3 label 6\nprefix ::/0 label 1 precedence 2 # x")
	f.Add("label ::/0 1\nprecedence ::ffff:0:0/96 100\n")
	f.Add("fd00::/48 45 14 known-local\n10.0.0.0/8 1 2 dev 4")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePolicy(text, nil)
		if err != nil {
			if !errors.Is(err, ErrInvalid) || !strings.HasPrefix(err.Error(), "srcselect: policy line ") {
				t.Fatalf("%q: error %v", text, err)
			}
			return
		}
		back, err := ParsePolicy(p.String(), nil)
		if err != nil || back.String() != p.String() {
			t.Fatalf("%q: read as\n%v\nwhich reads as\n%v (%v)", text, p, back, err)
		}
	})
}
