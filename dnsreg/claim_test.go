package dnsreg

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

const ourMark = `"heritage=hextet,owner=this"`

func ownedBy(id string) func(*Config) { return func(c *Config) { c.Owner = OwnerTXT(id) } }

// wantOwnerError checks that a pass was refused since the name is somebody else's, and changed nothing.
func (w *world) wantOwnerError(r *Registrar, record string) {
	w.t.Helper()
	before := w.server.Stats().Changed
	err := r.Sync(w.t.Context())
	e, ok := errors.AsType[*OwnerError](err)
	if !ok || e.Name != hostName || e.Record != record || ClassOf(err) != Permanent {
		w.t.Errorf("error %v, want an *OwnerError with %s", err, record)
	}
	if n := w.server.Stats().Changed - before; n != 0 {
		w.t.Errorf("%d changes of the zone", n)
	}
}

// The mark comes and goes with the addresses, in one message with them, and another owner keeps out.
func TestOwnerMarksTheName(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1", "2001:db8::1")...)
	r := w.registrar(ownedBy("this"))
	w.sync(r)
	w.wantRecords(hostName, "192.0.2.1", "2001:db8::1", ourMark)
	if n := len(w.sent()); n != 3 {
		t.Errorf("%d updates, want one for each zone", n)
	}
	other := w.registrar(ownedBy("other"))
	w.wantOwnerError(other, "TXT "+ourMark)
	w.wantOwnerError(w.registrar(func(c *Config) { c.Owner = OwnerDHCID([]byte{0, 4, 1, 2, 3}) }), "TXT "+ourMark)
	w.table.Set(host("192.0.2.1 skip", "2001:db8::1 skip")...)
	w.sync(r)
	w.wantRecords(hostName)
	w.table.Set(host("192.0.2.9")...)
	w.sync(other)
	w.wantRecords(hostName, "192.0.2.9", `"heritage=hextet,owner=other"`)
	if err := other.Deregister(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.wantRecords(hostName)
	w.holds()
}

// With our mark everything at the name is ours, also what an earlier run left without a trace elsewhere.
func TestOwnerKnowsItsRecordsAgain(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1", "192.0.2.2")...)
	w.sync(w.registrar(ownedBy("this")))
	w.table.Set(host("192.0.2.3")...) // the host has moved while nobody was looking
	w.sync(w.registrar(ownedBy("this")))
	w.wantRecords(hostName, "192.0.2.3", ourMark)
	w.wantRecords("1.2.0.192.in-addr.arpa")
	w.wantRecords("2.2.0.192.in-addr.arpa")
	w.wantRecords("3.2.0.192.in-addr.arpa", hostName)
}

func TestOwnerOfUnmarkedNames(t *testing.T) {
	w := newWorld(t)
	if err := w.server.Insert("host.example.test. 300 A 192.0.2.1", `host.example.test. 300 TXT "v=spf1 -all" "two"`); err != nil {
		t.Fatal(err)
	}
	w.table.Set(host("192.0.2.9")...)
	r := w.registrar(ownedBy("this"))
	w.wantOwnerError(r, "A 192.0.2.1")
	w.table.Set(host("192.0.2.1", "192.0.2.9")...) // the host has the address: an earlier run without a mark
	w.sync(r)
	w.wantRecords(hostName, "192.0.2.1", "192.0.2.9", ourMark, `"v=spf1 -all" "two"`)
	if err := r.Deregister(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.wantRecords(hostName, `"v=spf1 -all" "two"`)
}

// RFC 4701: a DHCP server's mark of the same client is ours, that of another one is not.
func TestOwnerByDHCID(t *testing.T) {
	w := newWorld(t)
	duid := []byte{0, 1, 0, 6, 0x41, 0x2d, 0xf1, 0x66, 1, 2, 3, 4, 5, 6}
	mark := dhcid(duidType, duid, hostName)
	if err := w.server.Insert("host.example.test. 300 A 192.0.2.77", "host.example.test. 300 DHCID "+mark); err != nil {
		t.Fatal(err)
	}
	w.table.Set(host("192.0.2.1")...)
	w.wantOwnerError(w.registrar(func(c *Config) { c.Owner = OwnerDHCID(append(duid, 7)) }), "DHCID "+mark)
	w.wantOwnerError(w.registrar(ownedBy("this")), "DHCID "+mark)
	w.sync(w.registrar(func(c *Config) { c.Owner = OwnerDHCID(duid) }))
	w.wantRecords(hostName, "192.0.2.1", mark)
}

// Somebody else's mark appears between our reading and our update: the update is refused, and the name left alone.
func TestOwnerLosesTheRace(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1")...)
	raced := false
	w.misbehave(func(q dnsregtest.Request) dnsregtest.Fault {
		if q.Update && !raced {
			raced = true
			if err := w.server.Insert(`host.example.test. 300 TXT "heritage=external-dns,external-dns/owner=x"`); err != nil {
				t.Error(err)
			}
		}
		return dnsregtest.Fault{}
	})
	w.wantOwnerError(w.registrar(ownedBy("this")), `TXT "heritage=external-dns,external-dns/owner=x"`)
}

// One name of two is somebody else's: the other is registered in the same zone.
func TestOwnerOfOneNameOnly(t *testing.T) {
	w := newWorld(t)
	if err := w.server.Insert(`host.example.test. 300 TXT "heritage=hextet,owner=other"`); err != nil {
		t.Fatal(err)
	}
	w.table.Set(host("192.0.2.1")...)
	r := w.registrar(ownedBy("this"), func(c *Config) { c.Names = []HostName{{Name: "also.example.test"}} })
	if _, ok := errors.AsType[*OwnerError](r.Sync(t.Context())); !ok {
		t.Error("no *OwnerError")
	}
	w.wantRecords("also.example.test", "192.0.2.1", ourMark)
	w.wantRecords("1.2.0.192.in-addr.arpa") // it would point to the name that is not ours
	plan, err := r.Plan(t.Context())
	if _, ok := errors.AsType[*OwnerError](err); !ok || len(plan.Zones) != 0 {
		t.Errorf("plan %v, %v", plan, err)
	}
	if got := fmt.Sprint(r.Status().Zones[0].Name, r.Status().Zones[0].Failures); got != hostName+"1" && !slices.ContainsFunc(r.Status().Zones, func(z ZoneStatus) bool { return z.Name == hostName && z.Failures > 0 }) {
		t.Errorf("status %+v", r.Status().Zones)
	}
}
