package dnsreg

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

// A zoneTrouble is what may be wrong with a zone's updates.
type zoneTrouble struct {
	name  string
	fault dnsregtest.Fault
	is    func(error) bool // the error that it gives
}

func rcodeIs(rcode int) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[*ServerError](err)
		return ok && e.Rcode == rcode && e.Authentic
	}
}

var zoneTroubles = []zoneTrouble{
	{name: "ok", is: func(err error) bool { return err == nil }},
	{"REFUSED", dnsregtest.Fault{Rcode: dns.RcodeRefused}, rcodeIs(dns.RcodeRefused)},
	{"SERVFAIL", dnsregtest.Fault{Rcode: dns.RcodeServerFailure}, rcodeIs(dns.RcodeServerFailure)},
	{"silent", dnsregtest.Fault{Drop: true}, func(err error) bool {
		_, ok := errors.AsType[*NoReplyError](err)
		return ok
	}},
	{name: "missing"},
}

// apart is one case: what is wrong with the forward zone and the two reverse zones.
type apart struct {
	forward zoneTrouble
	reverse [2]zoneTrouble
}

func (a apart) String() string {
	return a.forward.name + "," + a.reverse[0].name + "," + a.reverse[1].name
}

// serve makes the server and, until it is mended, the trouble.
func (a apart) serve(t *testing.T) *world {
	w := &world{t: t}
	faults := make(map[string]dnsregtest.Fault)
	var zones []string
	for i, zone := range append([]string{"example.test"}, reverseZones...) {
		trouble := a.forward
		if i > 0 {
			trouble = a.reverse[i-1]
		}
		if trouble.name != "missing" {
			zones = append(zones, zone)
		}
		faults[zone+"."] = trouble.fault
	}
	w.server = w.net.serve(t, serverAddr, dnsregtest.Config{Zones: zones, Keys: map[string][]byte{keyName: secret}, Fault: w.observe})
	w.misbehave(func(q dnsregtest.Request) dnsregtest.Fault {
		if !q.Update {
			return dnsregtest.Fault{}
		}
		return faults[q.Name]
	})
	return w
}

func (a apart) judge(t *testing.T) {
	w := a.serve(t)
	w.table.Set(host("192.0.2.1", "192.0.2.9 skip", "2001:db8::1")...)
	r := w.registrar()
	err := r.Sync(t.Context())
	if forward := len(w.server.Records(hostName)); (forward == 2) != (a.forward.name == "ok") || forward == 1 {
		t.Errorf("%d forward records", forward)
	}
	status := make(map[string]ZoneStatus)
	for _, z := range r.Status().Zones {
		status[z.Zone] = z
	}
	reverseIsRight := func() (right [2]bool) {
		for i, z := range reverseZones {
			want := 2 // NS and PTR, beside SOA
			right[i] = len(zoneText(w.server, z)) == want
		}
		return right
	}
	switch got := reverseIsRight(); {
	case a.forward.name == "missing":
		if err == nil || slices.Contains(got[:], true) {
			t.Errorf("error %v, reverse zones %v", err, got)
		}
	case a.forward.name != "ok": // the PTR records follow once the others are right
		if slices.Contains(got[:], true) || !a.forward.is(err) || !a.forward.is(status["example.test."].Err) {
			t.Errorf("error %v, reverse zones %v", err, got)
		}
	default:
		failed := 0
		for i, trouble := range a.reverse {
			z := status[reverseZones[i]+"."]
			if got[i] != (trouble.name == "ok") {
				t.Errorf("%s: right %v", reverseZones[i], got[i])
			}
			if trouble.name != "missing" && (!trouble.is(z.Err) || z.LastSuccess.IsZero() != (z.Err != nil)) {
				t.Errorf("status %+v", z)
			}
			if trouble.fault.Drop || trouble.fault.Rcode != 0 {
				failed++
			}
		}
		if (err != nil) != (failed > 0) || !status["example.test."].LastFailure.IsZero() {
			t.Errorf("error %v, %d zones fail, forward zone %+v", err, failed, status["example.test."])
		}
	}
	w.misbehave(nil) // what is missing stays missing
	err = r.Sync(t.Context())
	if got := len(w.server.Records(hostName)); (err == nil && got == 2) != (a.forward.name != "missing") {
		t.Errorf("mended: error %v, %d forward records", err, got)
	}
	for i, right := range reverseIsRight() {
		if right != (a.forward.name != "missing" && a.reverse[i].name != "missing") {
			t.Errorf("mended: %s is right: %v", reverseZones[i], right)
		}
	}
}

// Forward and reverse zones fail apart: whatever happens to each, the others are set right, each error is told
// with its zone, and once all is mended all is right.
func TestJudgeApart(t *testing.T) {
	for _, forward := range zoneTroubles {
		for _, reverse4 := range zoneTroubles {
			for _, reverse6 := range zoneTroubles {
				a := apart{forward, [2]zoneTrouble{reverse4, reverse6}}
				t.Run(fmt.Sprint(a), func(t *testing.T) { synctest.Test(t, a.judge) })
			}
		}
	}
}

// The same under Run: for hours, an address changes meanwhile, and the zones that work follow at once. Each of
// the others is right when the longest wait is over after it was mended.
func TestJudgeApartRun(t *testing.T) {
	for _, forward := range zoneTroubles {
		for i, reverse := range zoneTroubles {
			other := zoneTroubles[(i+1)%len(zoneTroubles)]
			a := apart{forward, [2]zoneTrouble{reverse, other}}
			t.Run(fmt.Sprint(a), func(t *testing.T) { synctest.Test(t, a.judgeRun) })
		}
	}
}

func (a apart) judgeRun(t *testing.T) {
	w := a.serve(t)
	w.table.Set(host("192.0.2.1", "2001:db8::1")...)
	defer w.start(w.registrar())()
	passTime(2 * time.Hour)
	w.table.Set(host("192.0.2.2", "192.0.2.1 skip", "2001:db8::2")...)
	passTime(debounceQuiet + defaultTimeout) // a reverse zone may be asked just now
	check := func(trouble zoneTrouble, zone string, want []string) {
		t.Helper()
		got := zoneText(w.server, zone)
		got = slices.DeleteFunc(got, func(line string) bool { return strings.Contains(line, " NS ") })
		if trouble.name != "ok" || a.forward.name != "ok" {
			want = nil
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s, which is %s: %q, want %q", zone, trouble.name, got, want)
		}
	}
	all := func() {
		t.Helper()
		check(a.forward, "example.test", []string{"host.example.test. 1200 A 192.0.2.2", "host.example.test. 1200 AAAA 2001:db8::2"})
		for i, addr := range []string{"192.0.2.2", "2001:db8::2"} {
			check(a.reverse[i], reverseZones[i], []string{reverseName(netip.MustParseAddr(addr)) + " 1200 PTR host.example.test."})
		}
	}
	all()
	w.misbehave(nil)
	for _, trouble := range []*zoneTrouble{&a.forward, &a.reverse[0], &a.reverse[1]} {
		if trouble.name != "missing" {
			*trouble = zoneTroubles[0]
		}
	}
	passTime(maxBackoff + defaultTimeout)
	all()
}
