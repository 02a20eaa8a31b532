package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/dnsreg"
)

func TestParseConfig(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       func(s *settings) // what differs from the defaults
		errs       []string          // each is in the error, in this order
	}{
		{"empty", "", func(*settings) {}, nil},
		{"comments", "# ttl = 1m\n\n   # more\r\n", func(*settings) {}, nil},
		{"all kinds", "name = h.example.test\nttl=90s\n refresh\t= never\nmax-addresses = 7\nptr = no\ntcp = yes\nserver = ns1.example.test\n" +
			"server = 2001:db8::53\nserver = [2001:db8::53]:5353\nskip = 192.0.2.7\nskip = 2001:db8::/64\ninterface = eth[0-9]\ngateway = fe80::1%tun0\n" +
			"address = 192.0.2.7/24",
			func(s *settings) {
				s.name, s.ttl, s.refresh, s.max, s.ptr, s.tcp = "h.example.test", 90*time.Second, -1, 7, false, true
				s.servers = []string{"ns1.example.test:53", "[2001:db8::53]:53", "[2001:db8::53]:5353"}
				s.skip = []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("2001:db8::/64")}
				s.interfaces = []string{"eth[0-9]"}
				s.gateways = []netip.Addr{netip.MustParseAddr("fe80::1%tun0")}
				s.addresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.7/24")}
			}, nil},
		{"unknown key", "ttl = 1m\nserer = 192.0.2.53\n", nil, []string{`line 2: there is no key "serer"; there are name, also, suffix, `}},
		{"no equals sign", "\nttl 1m\n", nil, []string{`line 2: "ttl 1m" is not of the form key = value`}},
		{"no value", "ttl =\n", nil, []string{"line 1: ttl has no value"}},
		{"twice", "ttl = 1m\nserver = a\nserver = b\nttl = 2m\n", nil, []string{"line 4: ttl is given a second time, after line 1"}},
		{"an action", "once = yes\n", nil, []string{`line 1: there is no key "once"`}},
		{"late comment", "ttl = 1m # short\n", nil, []string{"line 1: ttl = 1m # short: a comment needs a line of its own"}},
		{"what belongs together", "suffix = eth0  lab.example.test\npin = always\nalso = www.example.test\n", func(s *settings) {
			s.suffixes, s.pin, s.also = []suffix{{"eth0", "lab.example.test"}}, dnsreg.PinAlways, []string{"www.example.test"}
		}, nil},
		{"control characters", "name = a\x00b\n", nil, []string{`line 1: "name = a\x00b" is not text`}},
		{"not UTF-8", "name = \xff\n", nil, []string{"line 1: "}},
		{"all errors at once", "ttl = 0\nrefresh = -1h\ntimeout = never\nmax-addresses = 0\nptr = maybe\nserver = a:b:c\nserver = host:0\nskip = 192.0.2.7/24\nskip = fe80::1%eth0\ninterface = [\naddress = 192.0.2.7\ngateway = here\npin = down\nsuffix = eth0\nowner-dhcid = xyz\n",
			nil, []string{"line 1: ttl = 0: not a duration", "line 2: refresh = -1h", "line 3: timeout = never", "line 4: max-addresses = 0", "line 5: ptr = maybe: neither yes nor no",
				"line 6: server = a:b:c: no server", "line 7: server = host:0", "line 8: skip = 192.0.2.7/24: has bits beyond its length: is 192.0.2.0/24 meant?", "line 9: ", "line 10: interface = [: no pattern", "line 11: ", "line 12: ", "line 13: pin = down: none of changes, always, never", "line 14: suffix = eth0: not an interface and", "line 15: owner-dhcid = xyz: not octets"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			entries, err := parseConfig(tt.text)
			if tt.want == nil {
				checkErrors(t, err, tt.errs)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := defaults()
			tt.want(want)
			if got := applied(t, entries); !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
		})
	}
}

func checkErrors(t *testing.T, err error, want []string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	rest, ok := err.Error(), false
	for _, w := range want {
		if _, rest, ok = strings.Cut(rest, w); !ok {
			t.Errorf("no %q, where it belongs, in\n%v", w, err)
		}
	}
}

func applied(t *testing.T, entries []entry) *settings {
	t.Helper()
	s := defaults()
	if err := apply(entries, s.knobs(), nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// The command line goes before the file, for lists as a whole.
func TestFlagsBeforeFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "conf")
	if err := os.WriteFile(file, []byte("ttl = 1m\ntimeout = 1s\nserver = a\nserver = b\nskip = 192.0.2.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := parseArgs([]string{"-server", "c", "-config", file, "-ttl", "2m"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := defaults()
	want.ttl, want.timeout, want.servers = 2*time.Minute, time.Second, []string{"c:53"}
	want.skip = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}
	if !reflect.DeepEqual(c.settings, want) {
		t.Errorf("got %+v\nwant %+v", c.settings, want)
	}
}

// What -print-config prints is read as what it was printed from, the defaults too, and has every key.
func TestPrintConfig(t *testing.T) {
	set := defaults()
	set.name, set.refresh, set.tcp, set.servers, set.except = "h.example.test", -1, true, []string{"a:53", "b:5353"}, []string{"docker*", "veth?"}
	for _, s := range []*settings{defaults(), set} {
		var b strings.Builder
		if err := printConfig(&b, s); err != nil {
			t.Fatal(err)
		}
		entries, err := parseConfig(b.String())
		if err != nil {
			t.Fatalf("%v\n%s", err, &b)
		}
		if got := applied(t, entries); !reflect.DeepEqual(got, s) {
			t.Errorf("got %+v\nwant %+v", got, s)
		}
		for _, k := range s.knobs() {
			if !regexp.MustCompile(`(?m)^#?` + k.key + ` = \S`).MatchString(b.String()) {
				t.Errorf("no %s in\n%s", k.key, &b)
			}
		}
	}
	var b strings.Builder
	if err := printConfig(&b, defaults()); err != nil {
		t.Fatal(err)
	}
	golden(t, "print-config.out", b.String())
	// Every example is a value that can be taken.
	for l := range strings.Lines(b.String()) {
		if rest, ok := strings.CutPrefix(l, "#"); ok && !strings.HasPrefix(rest, " ") {
			if _, err := parseConfig(rest); err != nil {
				t.Error(err)
			}
		}
	}
}

// Help has every flag and every exit status.
func TestHelp(t *testing.T) {
	var w world
	if code := w.program("-help").run(t.Context()); code != exitDone {
		t.Errorf("exit status %d", code)
	}
	for _, code := range []int{exitDone, exitFailed, exitUsage, exitNothing, exitRefused, exitInterrupted} {
		if !strings.Contains(w.out.String(), fmt.Sprintf("\n  %-4d ", code)) {
			t.Errorf("no exit status %d in\n%s", code, &w.out)
		}
	}
	c := &command{settings: defaults()}
	for _, k := range append(c.actions(), c.knobs()...) {
		if !regexp.MustCompile(`(?m)^  -` + k.key + `( .+)?$`).MatchString(w.out.String()) {
			t.Errorf("no -%s in\n%s", k.key, &w.out)
		}
	}
}

// No text makes the parser panic. An error names lines that are there, and what passes survives being printed.
func FuzzParseConfig(f *testing.F) {
	f.Add("# all\nname = host.example.test\nserver = [2001:db8::53]:53\nttl = 1h2m3s\nskip = 2001:db8::/64\n")
	f.Add("ttl = 1m\nttl = 2m\n\x00\nwhat\n= 3\nserver = fe80::1%eth0")
	line := regexp.MustCompile(`^line (\d+): `)
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := parseConfig(text)
		if err != nil {
			for _, one := range err.(interface{ Unwrap() []error }).Unwrap() {
				m := line.FindStringSubmatch(one.Error())
				if m == nil {
					t.Fatalf("%q: %v", text, one)
				}
				if n, _ := strconv.Atoi(m[1]); n < 1 || n > 1+strings.Count(text, "\n") {
					t.Fatalf("%q: %v", text, one)
				}
			}
			return
		}
		s := applied(t, entries)
		var b strings.Builder
		if err := printConfig(&b, s); err != nil {
			t.Fatal(err)
		}
		again, err := parseConfig(b.String())
		if err != nil {
			t.Fatalf("%q is printed as\n%s\n%v", text, &b, err)
		}
		if got := applied(t, again); !reflect.DeepEqual(got, s) {
			t.Fatalf("%q: %+v is read back as %+v", text, s, got)
		}
	})
}
