package dnsreg

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/srcselect"
)

func TestSyncRegistersTheEligible(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1", "192.0.2.2 skip", "2001:db8::1", "2001:db8::2 skip", "2001:db8::3 temporary",
		"2001:db8::4 deprecated", "2001:db8::5 tentative", "fe80::1", "127.0.0.1", "169.254.1.1")...)
	r := w.registrar()
	w.sync(r)
	w.holds("192.0.2.1", "2001:db8::1")
	if n := len(w.sent()); n != 3 {
		t.Errorf("%d updates, want one for each of three zones", n)
	}
	st := r.Status()
	if got := fmt.Sprint(st.Registered); got != "[192.0.2.1 2001:db8::1]" {
		t.Errorf("Status.Registered %s", got)
	}
	if len(st.Zones) != 3 || st.Zones[0].Zone != "example.test." || st.Zones[0].LastSuccess.IsZero() || st.Zones[0].Err != nil {
		t.Errorf("Status.Zones %+v", st.Zones)
	}
	if s := w.server.Stats(); st.Counters.Updates != uint64(s.Updates) || st.Counters.UpdateBytes != uint64(s.UpdateBytes) ||
		st.Counters.Queries != uint64(s.Queries) || st.Counters.QueryBytes != uint64(s.QueryBytes) {
		t.Errorf("counters %+v, the server counts %+v", st.Counters, s)
	}
}

func TestSyncAgainOnlyConfirms(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1", "2001:db8::1")...)
	r := w.registrar()
	w.sync(r)
	w.sent()
	queries := w.server.Stats().Queries
	serial := w.server.Serial("example.test")
	w.sync(r)
	if n := len(w.sent()); n != 3 {
		t.Errorf("%d messages to confirm three zones", n)
	}
	if c := r.Status().Counters; c.Probes != 3 {
		t.Errorf("%d probes counted, want 3", c.Probes)
	}
	if n := w.server.Stats().Queries - queries; n != 0 {
		t.Errorf("%d queries although everything is known", n)
	}
	if got := w.server.Serial("example.test"); got != serial {
		t.Errorf("serial went from %d to %d", serial, got)
	}
}

func TestChangeTouchesOneZone(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1", "192.0.2.2", "2001:db8::1")...)
	r := w.registrar()
	w.sync(r)
	w.sent()
	w.table.Set(host("192.0.2.1", "192.0.2.2 skip", "2001:db8::1")...)
	if o := r.pass(t.Context(), effort{}); o.err != nil {
		t.Fatal(o.err)
	}
	w.holds("192.0.2.1", "2001:db8::1")
	var zones []string
	for _, u := range w.sent() {
		zones = append(zones, u.Name)
	}
	if want := []string{"example.test.", "2.0.192.in-addr.arpa."}; !slices.Equal(zones, want) {
		t.Errorf("updates to %v, want %v", zones, want)
	}
}

// KB975808: everything was registered once; now all but one address carry the flag.
func TestLeftoversAreRemoved(t *testing.T) {
	w := newWorld(t)
	var everything, flagged []string
	for i := range 50 {
		a := fmt.Sprintf("192.0.2.%d", i+1)
		everything = append(everything, a)
		flagged = append(flagged, a+" skip")
	}
	flagged[7] = everything[7]
	w.table.Set(host(everything...)...)
	w.sync(w.registrar())
	w.holds(everything...)

	w.table.Set(host(flagged...)...)
	w.sync(w.registrar()) // a new process, without memory
	w.holds(everything[7])
}

// Somebody else registers a flagged address, in a family of which nothing is registered: that family's
// RRset is empty, and confirmed like the other.
func TestFlaggedAddressRegisteredBySomebodyElse(t *testing.T) {
	for _, lines := range [][]string{{"192.0.2.1 skip", "2001:db8::1"}, {"192.0.2.1 skip", "2001:db8::1 skip"}} {
		w := newWorld(t)
		w.table.Set(host(lines...)...)
		r := w.registrar()
		w.sync(r)
		if err := w.server.Insert("host.example.test. 300 A 192.0.2.1"); err != nil {
			t.Fatal(err)
		}
		w.sync(r)
		if got := fmt.Sprint(w.server.Records(hostName)); strings.Contains(got, "192.0.2.1") {
			t.Errorf("%q: the zone holds %s", lines, got)
		}
	}
}

func TestForeignRecordsStay(t *testing.T) {
	w := newWorld(t)
	foreign := []string{
		"host.example.test. 300 A 192.0.2.200", // an address that the host has not
		"host.example.test. 300 TXT \"by hand\"",
		"other.example.test. 300 A 192.0.2.1",
		"1.2.0.192.in-addr.arpa. 300 PTR other.example.test.",
		"9.2.0.192.in-addr.arpa. 300 PTR host.example.test.",
	}
	if err := w.server.Insert(foreign...); err != nil {
		t.Fatal(err)
	}
	w.table.Set(host("192.0.2.1", "192.0.2.2")...)
	r := w.registrar()
	w.sync(r)
	w.table.Set(host("192.0.2.2")...)
	w.sync(r)
	if err := r.Deregister(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := append(zoneText(w.server, "example.test"), zoneText(w.server, "2.0.192.in-addr.arpa")...)
	for _, f := range foreign {
		if !slices.Contains(all, f) {
			t.Errorf("%s is gone", f)
		}
	}
	if len(all) != len(foreign)+2 { // and the NS records
		t.Errorf("left in the zones: %q", all)
	}
}

func TestAdopt(t *testing.T) {
	w := newWorld(t)
	err := w.server.Insert("host.example.test. 1200 A 192.0.2.77", "77.2.0.192.in-addr.arpa. 1200 PTR host.example.test.",
		"host.example.test. 1200 A 192.0.2.78")
	if err != nil {
		t.Fatal(err)
	}
	w.table.Set(host("192.0.2.1")...)
	r := w.registrar(func(c *Config) { c.Adopt = func(a netip.Addr) bool { return a == netip.MustParseAddr("192.0.2.77") } })
	w.sync(r)
	got := fmt.Sprint(w.server.Records(hostName), w.server.Records("77.2.0.192.in-addr.arpa"))
	if want := "[host.example.test. 1200 A 192.0.2.1 host.example.test. 1200 A 192.0.2.78] []"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestTTLChange(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1")...)
	w.sync(w.registrar())
	w.sync(w.registrar(func(c *Config) { c.TTL = time.Minute }))
	for _, name := range []string{hostName, "1.2.0.192.in-addr.arpa."} {
		if got := w.server.Records(name); len(got) != 1 || got[0].TTL != 60 {
			t.Errorf("%s: %v, want one record with TTL 60", name, got)
		}
	}
}

func TestSkippedOnOneInterfaceIsSkipped(t *testing.T) {
	w := newWorld(t)
	a, b := host("192.0.2.1")[0], host("192.0.2.1 skip")[0]
	b.Interface = 2
	w.table.Set(a, b)
	r := w.registrar()
	w.sync(r)
	w.holds()
	for _, v := range r.Status().Addresses {
		if v.Reason != SkipAsSource {
			t.Errorf("interface %d: %v", v.Address.Interface, v.Reason)
		}
	}
}

func TestFilterNarrows(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1", "192.0.2.2", "192.0.2.3 skip")...)
	asked := 0
	r := w.registrar(func(c *Config) {
		c.Policy.Filter = func(a srcselect.Address) bool {
			asked++
			return a.Prefix.Addr() == netip.MustParseAddr("192.0.2.2")
		}
	})
	w.sync(r)
	w.holds("192.0.2.2")
	if asked != 2 {
		t.Errorf("Filter was asked %d times: it sees eligible addresses only", asked)
	}
	if got := r.Status().Addresses; got[0].Reason != Filtered || got[2].Reason != SkipAsSource {
		t.Errorf("verdicts %v", got)
	}
}

func TestLimit(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1")...)
	r := w.registrar(func(c *Config) { c.MaxAddresses = 2 })
	w.sync(r)
	w.table.Set(host("192.0.2.1", "192.0.2.2", "192.0.2.3")...)
	e, ok := errors.AsType[*LimitError](r.Sync(t.Context()))
	if !ok || e.Count != 3 || e.Limit != 2 || e.Family != "IPv4" || !strings.Contains(e.Error(), hostName) {
		t.Errorf("error %v", e)
	}
	w.holds("192.0.2.1") // as before
	if r.Status().Err == nil {
		t.Error("Status says nothing")
	}
}

// DESIGN's figure: 1000 IPv4 and 1000 IPv6 addresses, one of each eligible.
func TestManyAddressesFewBytes(t *testing.T) {
	w := newWorld(t)
	var lines []string
	for i := range 1000 {
		lines = append(lines, fmt.Sprintf("10.77.%d.%d skip", i/250, i%250+1), fmt.Sprintf("2001:db8::%x skip", i+1))
	}
	lines[0], lines[1] = "192.0.2.1", "2001:db8::1"
	w.table.Set(host(lines...)...)
	r := w.registrar()
	w.sync(r)
	w.holds("192.0.2.1", "2001:db8::1")
	c := r.Status().Counters
	t.Logf("%d update messages, %d octets", c.Updates, c.UpdateBytes)
	if c.Updates > 3 || c.UpdateBytes > 600 {
		t.Errorf("%d updates of %d octets, want at most 3 and 600", c.Updates, c.UpdateBytes)
	}
	soa := 0
	for _, q := range w.asked() {
		if q.Type == "SOA" {
			soa++
		}
	}
	if soa > 3 {
		t.Errorf("%d SOA queries, want at most 3", soa)
	}
	t.Logf("%d updates, %d octets; %d queries, %d octets", c.Updates, c.UpdateBytes, c.Queries, c.QueryBytes)
}
