package dnsregtest

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/internal/peertest"
)

const goodKey = "upd.example.test:a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="

// updater runs nsupdate or knsupdate against a server.
type updater struct {
	t       *testing.T
	program string
	address string
}

// run gives the commands of one update and returns what the program printed.
func (u updater) run(key string, lines ...string) (printed string, err error) {
	u.t.Helper()
	host, port, _ := strings.Cut(u.address, ":")
	args := []string{"-y", key}
	if key == "" {
		args = nil
	}
	if len(lines) > 50 { // knsupdate would send datagrams of any size
		args = append(args, "-v")
	}
	cmd := exec.CommandContext(u.t.Context(), u.program, args...)
	cmd.Stdin = strings.NewReader("server " + host + " " + port + "\n" + strings.Join(lines, "\n") + "\nsend\n")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// nsupdate and knsupdate, which share no code with each other or with this server, are the judges of what a
// server has to look like: each update does what it says, and each refusal is understood.
func TestUpdateTools(t *testing.T) {
	for _, program := range []string{"nsupdate", "knsupdate"} {
		t.Run(program, func(t *testing.T) {
			peertest.DNS.Tools(t, program)
			s, address := start(t, Config{
				Zones: []string{"example.test", "fixed.test"}, ReadOnly: []string{"fixed.test"}, MaxRecords: 100,
				Keys: map[string][]byte{"upd.example.test": secret, "plain": secret}, Algorithms: map[string]string{"upd.example.test": "hmac-sha512"},
			})
			u := updater{t, program, address}
			sha512 := "hmac-sha512:" + goodKey
			zone := "zone example.test"
			many := []string{zone}
			unchecked := zone
			if program == "nsupdate" {
				unchecked += "\ncheck-names no"
			}
			for i := range 90 {
				many = append(many, fmt.Sprintf("update add many.example.test 60 TXT %s%d", strings.Repeat("x", 20), i))
			}
			for _, test := range []struct {
				name, key string
				lines     []string
				says      string // "": it works
				records   int    // at a.example.test afterwards
			}{
				{"add", sha512, []string{zone, "prereq nxdomain a.example.test", "update add a.example.test 60 A 192.0.2.1", "update add a.example.test 60 AAAA 2001:db8::1"}, "", 2},
				{"name in use", sha512, []string{zone, "prereq nxdomain a.example.test", "update delete a.example.test"}, "YXDOMAIN", 2},
				{"name not in use", sha512, []string{zone, "prereq yxdomain b.example.test", "update delete a.example.test"}, "NXDOMAIN", 2},
				{"RRset there", sha512, []string{zone, "prereq nxrrset a.example.test A", "update delete a.example.test"}, "YXRRSET", 2},
				{"RRset not there", sha512, []string{zone, "prereq yxrrset a.example.test TXT", "update delete a.example.test"}, "NXRRSET", 2},
				{"another value", sha512, []string{zone, "prereq yxrrset a.example.test A 192.0.2.2", "update delete a.example.test"}, "NXRRSET", 2},
				{"the value", sha512, []string{zone, "prereq yxrrset a.example.test A 192.0.2.1", "update delete a.example.test A"}, "", 1},
				{"outside", sha512, []string{zone, "update add a.example.com 60 A 192.0.2.1"}, "NOTZONE", 1},
				{"odd name", sha512, []string{unchecked, "update add a_b.example.test 60 A 192.0.2.1"}, "REFUSED", 1},
				{"no right", sha512, []string{"zone fixed.test", "update add a.fixed.test 60 A 192.0.2.1"}, "REFUSED", 1},
				{"no such zone", sha512, []string{"zone example.com", "update add a.example.com 60 A 192.0.2.1"}, "NOTAUTH", 1},
				{"unknown key", "hmac-sha256:other:eHh4eA==", []string{zone, "update delete a.example.test"}, "BADKEY", 1},
				{"another algorithm", "hmac-sha256:" + goodKey, []string{zone, "update delete a.example.test"}, "BADKEY", 1},
				{"wrong secret", "hmac-sha512:upd.example.test:eHh4eA==", []string{zone, "update delete a.example.test"}, "BADSIG", 1},
				{"unsigned", "", []string{zone, "update delete a.example.test"}, "REFUSED", 1},
				{"SHA-1", "hmac-sha1:plain:a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=", []string{zone, "update add a.example.test 60 TXT x"}, "", 2},
				{"a record", sha512, []string{zone, "update delete a.example.test AAAA 2001:db8::1"}, "", 1},
				{"large", sha512, many, "", 1},
				{"too many", sha512, append(slices.Clone(many), many[1:12]...), "", 1}, // the same once more
				{"too many in truth", sha512, append([]string{zone}, strings.Split(strings.ReplaceAll(strings.Join(many[1:], "\n"), "TXT x", "TXT y"), "\n")...), "SERVFAIL", 1},
				{"the name", sha512, []string{zone, "update delete a.example.test"}, "", 0},
			} {
				before, serial := s.Zone("example.test"), s.Serial("example.test")
				printed, err := u.run(test.key, test.lines...)
				if test.says == "" && err != nil || !strings.Contains(printed, test.says) || test.says != "" && err == nil {
					t.Errorf("%s: %v, printed %q, want %q", test.name, err, printed, test.says)
				}
				if n := len(s.Records("a.example.test")); n != test.records {
					t.Errorf("%s: %d records, want %d", test.name, n, test.records)
				}
				if test.says != "" && (!slices.Equal(before, s.Zone("example.test")) || s.Serial("example.test") != serial) {
					t.Errorf("%s: refused, and yet something changed", test.name)
				}
			}
			if st := s.Stats(); len(s.Records("many.example.test")) != 90 || st.TCP == 0 || st.Malformed != 0 {
				t.Errorf("%d records, stats %+v", len(s.Records("many.example.test")), st)
			}
		})
	}
}

// nsupdate learns from an authentic reply that the clocks differ.
func TestUpdateToolsAndClocks(t *testing.T) {
	peertest.DNS.Tools(t, "nsupdate")
	_, address := start(t, Config{Zones: []string{"example.test"}, Keys: map[string][]byte{"upd.example.test": secret},
		Fault: func(r Request) Fault { return Fault{Skew: 400 * time.Second} }})
	printed, err := updater{t, "nsupdate", address}.run("hmac-sha256:"+goodKey, "zone example.test", "update add a.example.test 60 A 192.0.2.1")
	if err == nil || !strings.Contains(printed, "BADTIME") {
		t.Errorf("%v, printed %q", err, printed)
	}
}

// Without a zone nsupdate looks for the SOA record by itself, and takes the server from it.
func TestNsupdateFindsTheZone(t *testing.T) {
	peertest.DNS.Tools(t, "nsupdate")
	s, address := start(t, Config{Zones: []string{"example.test", "sub.example.test"}})
	if printed, err := (updater{t, "nsupdate", address}).run("", "update add a.b.sub.example.test 60 A 192.0.2.1"); err != nil {
		t.Errorf("%v: %s", err, printed)
	}
	if s.Serial("sub.example.test") != 2 || s.Serial("example.test") != 1 {
		t.Error("not the closest zone")
	}
}
