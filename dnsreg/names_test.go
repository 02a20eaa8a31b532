package dnsreg

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"github.com/hextet/hextet/srcselect"
)

// records lists a name's addresses and TXT strings.
func (w *world) records(name string) (out []string) {
	for _, r := range w.server.Records(name) {
		out = append(out, r.Data)
	}
	slices.Sort(out)
	return out
}

func (w *world) wantRecords(name string, want ...string) {
	w.t.Helper()
	if got := w.records(name); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		w.t.Errorf("%s has %v, want %v", name, got, want)
	}
}

// on puts addresses on an interface.
func on(iface int, lines ...string) []srcselect.Address {
	addrs := host(lines...)
	for i := range addrs {
		addrs[i].Interface = iface
	}
	return addrs
}

// Two interfaces, one of which has a suffix of its own in a zone of its own, and a further name in the
// first zone: one message for each zone, and PTR records to the first name that takes the address.
func TestSeveralNamesAndZones(t *testing.T) {
	w := newWorld(t, "lan.test")
	w.table.Set(append(on(1, "192.0.2.1", "2001:db8::1"), on(2, "192.0.2.2", "192.0.2.3 skip")...)...)
	r := w.registrar(func(c *Config) {
		c.Names = []HostName{{Name: "v6.example.test", Policy: Policy{NoIPv4: true}}}
		c.Suffixes = map[int]string{2: "lan.test"}
	})
	w.sync(r)
	w.wantRecords("host.example.test", "192.0.2.1", "192.0.2.2", "2001:db8::1")
	w.wantRecords("v6.example.test", "2001:db8::1")
	w.wantRecords("host.lan.test", "192.0.2.2")
	w.holds("192.0.2.1", "192.0.2.2", "2001:db8::1") // PTR records all lead to Name
	var zones []string
	for _, u := range w.sent() {
		zones = append(zones, u.Name)
	}
	if want := []string{"example.test.", "lan.test.", "2.0.192.in-addr.arpa.", "8.b.d.0.1.0.0.2.ip6.arpa."}; !slices.Equal(zones, want) {
		t.Errorf("messages to %v, want %v", zones, want)
	}
	if v := r.Status().Addresses[2]; !slices.Equal(v.Names, []string{"host.example.test.", "host.lan.test."}) {
		t.Errorf("verdict %+v", v)
	}
	if err := r.Deregister(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"host.example.test", "v6.example.test", "host.lan.test"} {
		w.wantRecords(name)
	}
	w.holds()
}

// One name is an alias and another's zone fails: the third is registered, and the PTR records are those of
// addresses whose name is right.
func TestNamesFailApart(t *testing.T) {
	w := newWorld(t, "lan.test", "wan.test")
	if err := w.server.Insert("a.lan.test. 300 CNAME elsewhere.lan.test."); err != nil {
		t.Fatal(err)
	}
	w.misbehave(only("wan.test.", dnsregtest.Fault{Rcode: dns.RcodeServerFailure}))
	w.table.Set(append(append(on(1, "192.0.2.1"), on(2, "192.0.2.2")...), on(3, "192.0.2.3")...)...)
	r := w.registrar(func(c *Config) {
		c.Name = ""
		c.Names = []HostName{
			{Name: "a.lan.test", Policy: Policy{Interfaces: []int{1}}},
			{Name: "b.wan.test", Policy: Policy{Interfaces: []int{2}}},
			{Name: "c.lan.test", Policy: Policy{Interfaces: []int{3}}},
		}
	})
	err := r.Sync(t.Context())
	if err == nil || !strings.Contains(err.Error(), "a.lan.test.: the name is an alias") || !strings.Contains(err.Error(), "wan.test. at 192.0.2.53:53: SERVFAIL") {
		t.Errorf("error %v", err)
	}
	w.wantRecords("c.lan.test", "192.0.2.3")
	w.wantRecords("b.wan.test")
	w.wantRecords("3.2.0.192.in-addr.arpa", "c.lan.test.")
	w.wantRecords("1.2.0.192.in-addr.arpa")
	w.wantRecords("2.2.0.192.in-addr.arpa")
	w.misbehave(nil)
	if err := r.Sync(t.Context()); err == nil || strings.Contains(err.Error(), "wan.test") {
		t.Errorf("error %v", err)
	}
	w.wantRecords("2.2.0.192.in-addr.arpa", "b.wan.test.")
}

// A zone that fails backs off by itself; the other follows changes within the debounce.
func TestZonesBackOffApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "lan.test")
		w.misbehave(only("lan.test.", dnsregtest.Fault{Rcode: dns.RcodeServerFailure}))
		r := w.registrar(func(c *Config) { c.Names = []HostName{{Name: "host.lan.test"}} })
		w.table.Set(host("192.0.2.1")...)
		defer w.start(r)()
		passTime(30 * time.Minute)
		for i := range 5 {
			addr := fmt.Sprintf("192.0.2.%d", 2+i)
			w.table.Set(host(addr)...)
			passTime(debounceMax)
			w.holds(addr)
		}
		perZone := make(map[string]int)
		for _, u := range w.sent() {
			perZone[u.Name]++
		}
		// 30 minutes hold at most 1 s + 2 s + ... of the shortest waits; a change does not hurry a zone that backs off.
		if perZone["lan.test."] > 60 || perZone["example.test."] != 6 {
			t.Errorf("messages %v", perZone)
		}
		w.misbehave(nil)
		passTime(maxBackoff)
		w.wantRecords("host.lan.test", "192.0.2.6")
	})
}

// Over the limit nothing is added, and what must not stay goes all the same.
func TestOverTheLimitRemovalsGoOut(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1", "192.0.2.2")...)
	r := w.registrar(func(c *Config) { c.MaxAddresses = 2 })
	w.sync(r)
	w.table.Set(host("192.0.2.1", "192.0.2.2 skip", "192.0.2.3", "192.0.2.4", "2001:db8::1")...)
	if err := r.Sync(t.Context()); err == nil || !strings.Contains(err.Error(), "3 eligible IPv4 addresses exceed the limit of 2") {
		t.Errorf("error %v", err)
	}
	w.holds("192.0.2.1", "2001:db8::1")
}
