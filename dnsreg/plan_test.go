package dnsreg

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

// What Plan announces is what Sync sends, message by message; Plan itself sends no update.
func TestPlanIsWhatSyncSends(t *testing.T) {
	w := newWorld(t)
	r := w.registrar()
	for _, lines := range [][]string{
		{"192.0.2.1", "192.0.2.2 skip", "198.51.100.1", "2001:db8::1", "fe80::1"},
		{"192.0.2.1 skip", "192.0.2.2", "2001:db8::1", "2001:db8::2"},
		{"2001:db8::2"},
		{},
	} {
		w.table.Set(host(lines...)...)
		plan, err := r.Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := len(w.sent()); n != 0 {
			t.Fatalf("Plan sent %d updates", n)
		}
		if o := r.pass(t.Context(), effort{}); o.err != nil {
			t.Fatal(o.err)
		}
		var sent []ZonePlan
		for _, u := range w.sent() {
			m := new(dns.Msg)
			if err := m.Unpack(u.Raw); err != nil {
				t.Fatal(err)
			}
			z := ZonePlan{Zone: u.Name, Server: serverAddr}
			z.Prerequisites, z.Deletes, z.Adds = describe(m)
			sent = append(sent, z)
		}
		equal := slices.EqualFunc(plan.Zones, sent, func(a, b ZonePlan) bool {
			return a.Zone == b.Zone && a.Server == b.Server && slices.Equal(a.Prerequisites, b.Prerequisites) &&
				slices.Equal(a.Deletes, b.Deletes) && slices.Equal(a.Adds, b.Adds)
		})
		if !equal || len(sent) < 2 {
			t.Errorf("%v\nplanned %+v\nsent    %+v", lines, plan.Zones, sent)
		}
	}
	if plan, err := r.Plan(t.Context()); err != nil || !strings.Contains(plan.String(), "nothing to send") {
		t.Errorf("plan %v, %v", plan, err)
	}
}

func TestPlanShowsWhatIsLeftOut(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("198.51.100.1", "2001:db8::1 deprecated")...)
	plan, err := w.registrar().Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Addresses) != 2 || plan.Addresses[1].Reason != Deprecated {
		t.Errorf("verdicts %v", plan.Addresses)
	}
	if len(plan.Skipped) != 1 || plan.Skipped[0].Name != "1.100.51.198.in-addr.arpa." {
		t.Errorf("skipped %v", plan.Skipped)
	}
	text := plan.String()
	for _, s := range []string{"2001:db8::1   deprecated", "skipped 1.100.51.198.in-addr.arpa.: ", "REFUSED",
		"  + host.example.test. 1200 A 198.51.100.1"} {
		if !strings.Contains(text, s) {
			t.Errorf("the plan does not say %q:\n%s", s, text)
		}
	}
	const script = "server 192.0.2.53 53\nzone example.test.\nprereq nxdomain host.example.test.\n" +
		"update add host.example.test. 1200 A 198.51.100.1\nsend\n"
	if got := plan.Script(); got != script {
		t.Errorf("got\n%swant\n%s", got, script)
	}
}

// A reverse zone that was missing at the last pass is looked for again, as Sync would.
func TestPlanLooksForMissingZonesAgain(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("198.51.100.1")...)
	r := w.registrar()
	w.sync(r)
	w.net.serve(t, "192.0.2.54:53", dnsregtest.Config{
		Zones: []string{"100.51.198.in-addr.arpa"}, Keys: map[string][]byte{keyName: secret},
	})
	r.cfg.Servers = append(r.cfg.Servers, "192.0.2.54:53")
	plan, err := r.Plan(t.Context())
	if err != nil || len(plan.Zones) != 1 || len(plan.Skipped) != 0 {
		t.Errorf("plan %v, %v", plan, err)
	}
}

func TestPlanWithErrors(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1", "2001:db8::1")...)
	w.misbehave(func(q dnsregtest.Request) dnsregtest.Fault {
		if strings.HasSuffix(q.Name, ".in-addr.arpa.") {
			return dnsregtest.Fault{Rcode: dns.RcodeServerFailure}
		}
		return dnsregtest.Fault{}
	})
	plan, err := w.registrar().Plan(t.Context())
	if serverError(t, err).Rcode != dns.RcodeServerFailure || len(plan.Zones) != 2 {
		t.Errorf("%v, %d zones; want the failure and the two other zones", err, len(plan.Zones))
	}
	w.table.Set(host("192.0.2.1", "192.0.2.2")...)
	plan, err = w.registrar(func(c *Config) { c.MaxAddresses = 1 }).Plan(t.Context())
	if _, ok := errors.AsType[*LimitError](err); !ok || len(plan.Addresses) != 2 || len(plan.Zones) != 0 {
		t.Errorf("plan %v, %v", plan, err)
	}
}
