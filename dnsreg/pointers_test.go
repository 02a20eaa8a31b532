package dnsreg

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

// Somebody deletes the A record of an address, putting it back fails, and then the address is flagged: by
// now no A record tells of it, and its PTR record goes all the same.
func TestPointerOfARecordThatVanished(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1", "192.0.2.2")...)
	r := w.registrar()
	w.sync(r)
	w.removeBehindItsBack("host.example.test. A 192.0.2.2")
	updates := 0
	w.misbehave(func(q dnsregtest.Request) dnsregtest.Fault {
		if q.Update {
			updates++
		}
		return dnsregtest.Fault{Rcode: map[bool]int{true: dns.RcodeServerFailure}[updates == 2]}
	})
	serverError(t, r.Sync(t.Context())) // the prerequisite fails, the record is read, the server fails
	w.misbehave(nil)
	w.table.Set(host("192.0.2.1", "192.0.2.2 skip")...)
	w.sync(r)
	w.holds("192.0.2.1")
}

// The reply to an update is lost, and the host loses the address before the next pass: what may have been
// written is ours, and goes.
func TestRecordOfDoubtfulOriginGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.table.Set(host("192.0.2.1", "192.0.2.2")...)
		w.misbehave(only("example.test.", dnsregtest.Fault{DropReply: true}))
		r := w.registrar()
		if err := r.Sync(t.Context()); err == nil {
			t.Fatal("no error")
		}
		w.misbehave(nil)
		w.table.Set(host("192.0.2.1")...)
		w.sync(r)
		w.holds("192.0.2.1")
	})
}

// A reverse zone that comes into being is found by the next Sync.
func TestReverseZoneAppears(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("198.51.100.1")...)
	r := w.registrar()
	w.sync(r)
	if n := len(r.Status().Skipped); n != 1 {
		t.Fatalf("%d skipped", n)
	}
	later := w.net.serve(t, "192.0.2.54:53", dnsregtest.Config{
		Zones: []string{"100.51.198.in-addr.arpa"}, Keys: map[string][]byte{keyName: secret},
	})
	r.cfg.Servers = append(r.cfg.Servers, "192.0.2.54:53")
	w.sync(r)
	if got := later.Records("1.100.51.198.in-addr.arpa"); len(got) != 1 {
		t.Errorf("PTR records %v", got)
	}
	if n := len(r.Status().Skipped); n != 0 {
		t.Errorf("%d still skipped", n)
	}
}

// What is remembered is bounded by the addresses in use, however many come and go.
func TestMemoryStaysSmall(t *testing.T) {
	w := newWorld(t)
	r := w.registrar()
	for i := range 200 {
		w.table.Set(host(fmt.Sprintf("192.0.2.%d", 1+i%50), fmt.Sprintf("198.51.100.%d", i+1), "2001:db8::1")...)
		if o := r.pass(t.Context(), effort{}); o.err != nil {
			t.Fatal(o.err)
		}
	}
	w.table.Set(host("192.0.2.1")...)
	w.sync(r)
	if o := r.pass(t.Context(), effort{}); o.err != nil {
		t.Fatal(o.err)
	}
	got := fmt.Sprintf("%d RRsets, %d places, %d missing, %d retired, %d reverse zones",
		len(r.memory), len(r.places), len(r.missing), len(r.retired), len(r.reverse))
	if want := "3 RRsets, 2 places, 0 missing, 0 retired, 1 reverse zones"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// An address that leaves and comes back is not on its way out any more.
func TestRetiredAddressReturns(t *testing.T) {
	w := newWorld(t)
	r := w.registrar()
	w.table.Set(host("192.0.2.1", "192.0.2.2")...)
	w.sync(r)
	w.misbehave(only("2.0.192.in-addr.arpa.", dnsregtest.Fault{Rcode: 2}))
	w.table.Set(host("192.0.2.1")...)
	serverError(t, r.Sync(t.Context()))
	if len(r.retired) != 1 {
		t.Fatalf("%d retired addresses", len(r.retired))
	}
	w.misbehave(nil)
	w.table.Set(host("192.0.2.1", "192.0.2.2")...)
	w.sync(r)
	w.holds("192.0.2.1", "192.0.2.2")
	if len(r.retired) != 0 {
		t.Errorf("%v still retired", r.retired)
	}
}

// Sixty reverse names and a server that is silent about them: one timeout for each family, not for each name.
func TestSilentServerCostsOneTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var lines []string
		for i := range 30 {
			lines = append(lines, fmt.Sprintf("192.0.2.%d", i+1), fmt.Sprintf("2001:db8::%x", i+1))
		}
		w.table.Set(host(lines...)...)
		names := make(map[string]bool)
		w.misbehave(func(q dnsregtest.Request) dnsregtest.Fault {
			reverse := strings.HasSuffix(q.Name, ".arpa.")
			if reverse {
				names[q.Name] = true
			}
			return dnsregtest.Fault{Drop: reverse}
		})
		err := w.registrar().Sync(t.Context())
		w.mu.Lock()
		defer w.mu.Unlock()
		if _, ok := errors.AsType[*NoReplyError](err); !ok || len(names) != 2 {
			t.Errorf("asked for %d names, error %v", len(names), err)
		}
	})
}
