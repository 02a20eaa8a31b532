//go:build unix

package dnsreg

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

func (w *world) keeping(st State, change ...func(*Config)) *Registrar {
	w.t.Helper()
	return w.registrar(append(change, func(c *Config) { c.State = st })...)
}

func called(names ...string) func(*Config) {
	return func(c *Config) {
		c.Name, c.Names = names[0]+".example.test", nil
		for _, n := range names[1:] {
			c.Names = append(c.Names, HostName{Name: n + ".example.test"})
		}
	}
}

// What was found as it should be is kept like what was written: it goes when the host has lost the address.
func TestStateHasWhatWasFound(t *testing.T) {
	for _, test := range []struct {
		name    string
		restart bool
	}{{"the same life", false}, {"the next life", true}} {
		t.Run(test.name, func(t *testing.T) {
			w, st := newWorld(t), tempState(t)
			w.table.Set(host("192.0.2.1", "2001:db8::1")...)
			w.sync(w.registrar()) // leaves no state
			r := w.keeping(st)
			w.sync(r)
			if test.restart {
				r = w.keeping(st)
			}
			w.table.Set(host("192.0.2.2", "2001:db8::1")...)
			w.sync(r)
			w.holds("192.0.2.2", "2001:db8::1")
		})
	}
}

// Without the file the host goes by what it finds, and a new file is made; a damaged one is kept aside.
func TestStateLost(t *testing.T) {
	for _, test := range []struct {
		name  string
		lose  func(path string) error
		aside bool
	}{
		{"deleted", os.Remove, false},
		{"cut short", func(path string) error { return os.Truncate(path, 100) }, true},
		{"empty", func(path string) error { return os.Truncate(path, 0) }, true},
		{"edited", func(path string) error {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, []byte(strings.ReplaceAll(string(data), "192.0.2.1", "192.0.2.7")), 0o600)
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, st := newWorld(t), tempState(t)
			w.table.Set(host("192.0.2.1", "192.0.2.2", "2001:db8::1")...)
			w.sync(w.keeping(st))
			if err := test.lose(st.path); err != nil {
				t.Fatal(err)
			}
			lost, err := os.ReadFile(st.path)
			w.table.Set(host("192.0.2.1 skip", "192.0.2.2", "192.0.2.3", "2001:db8::1")...)
			w.sync(w.keeping(st))
			w.holds("192.0.2.2", "192.0.2.3", "2001:db8::1")
			if bad, e := os.ReadFile(st.path + ".bad"); test.aside && (e != nil || err != nil || string(bad) != string(lost)) {
				t.Errorf("kept aside: %q, %v, was %q, %v", bad, e, lost, err)
			} else if !test.aside && e == nil {
				t.Errorf("kept aside: %q", bad)
			}
			w.table.Set(host("192.0.2.9")...)
			w.sync(w.keeping(st))
			w.holds("192.0.2.9")
		})
	}
}

// A host that was renamed takes its former name's records away, PTR records included, and gives the addresses
// that it keeps to the new one.
func TestStateOfAnotherName(t *testing.T) {
	for _, test := range []struct {
		name  string
		table []string
	}{
		{"the same addresses", []string{"192.0.2.1", "2001:db8::1"}},
		{"other addresses", []string{"192.0.2.2", "2001:db8::1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, st := newWorld(t), tempState(t)
			w.table.Set(host("192.0.2.1", "2001:db8::1")...)
			w.sync(w.keeping(st, called("old", "older")))
			before := zonesOf(w.server)
			w.table.Set(host(test.table...)...)
			w.sync(w.keeping(st))
			w.holds(test.table...)
			w.wantRecords("old.example.test.")
			w.wantRecords("older.example.test.")
			for _, zone := range reverseZones {
				for _, line := range zonesOf(w.server)[zone] {
					if strings.Contains(line, "PTR old") {
						t.Errorf("left: %s", line)
					}
				}
			}
			// And back.
			w.table.Set(host("192.0.2.1", "2001:db8::1")...)
			w.sync(w.keeping(st, called("old", "older")))
			if diff := zonesOf(w.server).differ(before); diff != "" {
				t.Errorf("back again:\n%s", diff)
			}
		})
	}
}

// The former name may have been made an alias of the new one, or be another host's by now. Then nothing is done
// there, and that is no error, now and later.
func TestStateOfANameThatIsSomebodyElses(t *testing.T) {
	alias := []string{"old.example.test. 300 IN CNAME host.example.test."}
	marked := []string{"old.example.test. 300 IN A 192.0.2.1", `old.example.test. 300 IN TXT "heritage=hextet,owner=other"`}
	for _, test := range []struct {
		name string
		now  []string
	}{{"alias", alias}, {"another owner", marked}} {
		t.Run(test.name, func(t *testing.T) {
			w, st := newWorld(t), tempState(t)
			w.table.Set(host("192.0.2.1", "2001:db8::1")...)
			w.sync(w.keeping(st, called("old")))
			kept := mustLoad(t, st)
			// Somebody takes the records away, and others take their place.
			w.table.Set()
			w.sync(w.keeping(&memState{data: []byte(kept)}, called("old"), func(c *Config) { c.NoPTR = true }))
			if err := w.server.Insert(test.now...); err != nil {
				t.Fatal(err)
			}
			before := w.server.Records("old.example.test.")

			w.table.Set(host("192.0.2.2", "2001:db8::1")...)
			r := w.keeping(st, ownedBy("this"))
			if p, err := r.Plan(t.Context()); err != nil || len(p.Zones) != 3 {
				t.Errorf("plan %v, %v", p, err)
			}
			w.sync(r)
			if got := w.server.Records("old.example.test."); !slices.Equal(got, before) {
				t.Errorf("%v, was %v", got, before)
			}
			want := zones{
				reverseZones[0]: {"2.2.0.192.in-addr.arpa. 1200 IN PTR host.example.test."},
				reverseZones[1]: {reverseLine("2001:db8::1")},
			}
			for zone, lines := range want {
				got := slices.DeleteFunc(zonesOf(w.server)[zone], func(line string) bool { return strings.Contains(line, " NS ") })
				if !slices.Equal(got, lines) {
					t.Errorf("%q, want %q", got, lines)
				}
			}
			sent := w.server.Stats().Changed
			w.sync(r)
			w.sync(w.keeping(st, ownedBy("this")))
			if s := mustLoad(t, st); w.server.Stats().Changed != sent || strings.Contains(s, "old.example.test") {
				t.Errorf("%d changes more, state %s", w.server.Stats().Changed-sent, s)
			}
		})
	}
}

// A state that can't be written is no reason not to register. Status tells.
func TestStateInAReadOnlyDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state.d")
	if err := os.Mkdir(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	powerless(t, dir)
	w, st := newWorld(t), StateFile(filepath.Join(dir, "state"))
	w.table.Set(host("192.0.2.1", "2001:db8::1")...)
	r := w.keeping(st)
	w.sync(r)
	w.holds("192.0.2.1", "2001:db8::1")
	err := r.Status().Err
	if e, ok := errors.AsType[*StateError](err); !ok || !errors.Is(err, os.ErrPermission) || !strings.HasPrefix(e.Path, dir) {
		t.Errorf("status %v", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w.table.Set(host("192.0.2.2", "2001:db8::1")...)
	w.sync(r)
	w.holds("192.0.2.2", "2001:db8::1")
	if err := r.Status().Err; err != nil {
		t.Errorf("once it can be written: %v", err)
	}
}

// The mark of an earlier Owner is ours as long as the state knows it.
func TestStateOfAnotherOwner(t *testing.T) {
	w, st := newWorld(t), tempState(t)
	w.table.Set(host("192.0.2.1")...)
	w.sync(w.keeping(st, ownedBy("this")))
	w.table.Set(host("192.0.2.2")...)
	w.sync(w.keeping(st, ownedBy("that")))
	w.wantRecords(hostName, "192.0.2.2", `"heritage=hextet,owner=that"`)
	w.sync(w.keeping(st, func(c *Config) { c.Owner = OwnerDHCID([]byte{0, 4, 1, 2, 3}) }))
	if got := w.records(hostName); len(got) != 2 || !slices.Contains(got, "192.0.2.2") || slices.Contains(got, `"heritage=hextet,owner=that"`) {
		t.Errorf("%q", got)
	}
	w.sync(w.keeping(st))
	w.wantRecords(hostName, "192.0.2.2")
	w.sync(w.keeping(&memState{}, ownedBy("this")))
	w.wantOwnerError(w.keeping(st, ownedBy("that")), "TXT "+ourMark)
}

// Of a former name only what is known to be ours goes, whatever Config.Owner asks of other names.
func TestStateOfAFormerNameBesideOthers(t *testing.T) {
	w, st := newWorld(t), tempState(t)
	if err := w.server.Insert("old.example.test. 1200 IN A 203.0.113.5"); err != nil {
		t.Fatal(err)
	}
	w.table.Set(host("192.0.2.1", "2001:db8::1")...)
	w.sync(w.keeping(st, called("old")))
	w.sync(w.keeping(st, ownedBy("this")))
	w.wantRecords("old.example.test.", "203.0.113.5")
	w.wantRecords(hostName, "192.0.2.1", "2001:db8::1", ourMark)
}

// A PTR record to a name that has gone does not stay because another name has the address.
func TestPointerToAFormerNameOfAnAddressInUse(t *testing.T) {
	w, st := newWorld(t), tempState(t)
	w.table.Set(host("192.0.2.1", "2001:db8::1")...)
	without := func(c *Config) { c.Names = append(c.Names, HostName{Name: "plain.example.test", NoPTR: true}) }
	w.sync(w.keeping(st, called("old"), without))
	w.sync(w.keeping(st, func(c *Config) { c.Name = ""; without(c) }))
	w.wantRecords("plain.example.test.", "192.0.2.1", "2001:db8::1")
	w.wantRecords("old.example.test.")
	for _, addr := range []string{"192.0.2.1", "2001:db8::1"} {
		w.wantRecords(reverseName(netip.MustParseAddr(addr)))
	}
}

// Nor because the address was once eligible again, only too many were.
func TestPointerOfAnAddressThatWasOneTooMany(t *testing.T) {
	w := newWorld(t)
	r := w.registrar(func(c *Config) { c.MaxAddresses = 2 })
	w.table.Set(host("192.0.2.1", "192.0.2.2")...)
	w.sync(r)
	w.misbehave(only("2.0.192.in-addr.arpa.", dnsregtest.Fault{Rcode: dns.RcodeServerFailure}))
	w.table.Set(host("192.0.2.2")...)
	if err := r.Sync(t.Context()); ClassOf(err) != Transient {
		t.Errorf("error %v", err)
	}
	w.misbehave(nil)
	w.table.Set(host("192.0.2.1", "192.0.2.2", "192.0.2.3")...)
	if _, ok := errors.AsType[*LimitError](r.Sync(t.Context())); !ok {
		t.Error("the limit is not met")
	}
	w.table.Set(host("192.0.2.2")...)
	w.sync(r)
	w.holds("192.0.2.2")
}
