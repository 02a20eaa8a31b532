package dnsreg

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

func TestStatusAsJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the bubble's clock begins at a known time
		w := newWorld(t)
		w.table.Set(host("192.0.2.1", "192.0.2.2 skip", "198.51.100.1")...)
		w.misbehave(only("2.0.192.in-addr.arpa.", dnsregtest.Fault{Rcode: dns.RcodeServerFailure}))
		r := w.registrar(func(c *Config) { c.Refresh = -1 })
		if err := r.Sync(t.Context()); err == nil {
			t.Fatal("no error")
		}
		got, err := json.MarshalIndent(r.Status(), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{`"name": "host.example.test."`, `"reason": "skip-as-source"`, `"registered": [
  "192.0.2.1",
  "198.51.100.1"
 ]`, `"lastFailure": "2000-01-01T00:00:00Z"`, `"error": {
    "text": "dnsreg: update of 2.0.192.in-addr.arpa. at 192.0.2.53:53: SERVFAIL",
    "class": "transient"
   }`, `"failures": 1`, `"skipped": [`, `"class": "rediscover"`, `"updates": 2`} {
			if !strings.Contains(string(got), s) {
				t.Errorf("%s\nis not in\n%s", s, got)
			}
		}
		if strings.Contains(string(got), "Err") || strings.Contains(string(got), "0001-01-01") {
			t.Errorf("%s", got)
		}
	})
}

func TestHooksSeeEverything(t *testing.T) {
	w := newWorld(t)
	var seen []string
	var r *Registrar
	r = w.registrar(func(c *Config) {
		c.Hooks = Hooks{
			Decided: func(vs []Verdict) { seen = append(seen, fmt.Sprintf("decided %d", len(vs))) },
			Sending: func(z ZonePlan) {
				r.Status() // may be asked
				seen = append(seen, fmt.Sprintf("sending %s -%d +%d", z.Zone, len(z.Deletes), len(z.Adds)))
			},
			Sent: func(z ZonePlan, err error) { seen = append(seen, fmt.Sprintf("sent %s %v", z.Zone, err != nil)) },
		}
	})
	w.table.Set(host("192.0.2.1", "192.0.2.2 skip")...)
	w.sync(r)
	w.misbehave(only("example.test.", dnsregtest.Fault{Rcode: dns.RcodeRefused}))
	if err := r.Sync(t.Context()); err == nil {
		t.Fatal("no error")
	}
	want := []string{"decided 2", "sending example.test. -0 +1", "sent example.test. false",
		"sending 2.0.192.in-addr.arpa. -0 +1", "sent 2.0.192.in-addr.arpa. false",
		"decided 2", "sending example.test. -0 +0", "sent example.test. true"}
	if !slices.Equal(seen, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(seen, "\n"), strings.Join(want, "\n"))
	}
}

func TestLogTellsChangesAndFailures(t *testing.T) {
	w := newWorld(t)
	var out bytes.Buffer
	r := w.registrar(func(c *Config) { c.Logger, c.NoPTR, c.MaxAddresses = slog.New(slog.NewTextHandler(&out, nil)), true, 9 })
	w.table.Set(host("192.0.2.1")...)
	w.sync(r)
	var lines []string
	for i := range 9 {
		lines = append(lines, fmt.Sprintf("192.0.2.%d", 10+i))
	}
	w.table.Set(host(lines...)...)
	w.sync(r)
	w.misbehave(only("example.test.", dnsregtest.Fault{Rcode: dns.RcodeRefused}))
	if err := r.Sync(t.Context()); err == nil {
		t.Fatal("no error")
	}
	for _, s := range []string{`msg="dnsreg: zone updated" zone=example.test. server=192.0.2.53:53 deletes=[] adds="[update add host.example.test. 1200 A 192.0.2.1]"`,
		`deletes="[update delete host.example.test. A 192.0.2.1]" adds=9`, `level=WARN msg="dnsreg: attempt failed" zone=example.test.`, "class=rediscover"} {
		if !strings.Contains(out.String(), s) {
			t.Errorf("%q is not in\n%s", s, out.String())
		}
	}
}

// Who gives up, or has something newer to do, is no failure of a zone.
func TestCancelledAttemptIsNotInStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.table.Set(host("192.0.2.1")...)
		r := w.registrar()
		w.sync(r)
		before := r.Status()
		w.misbehave(func(dnsregtest.Request) dnsregtest.Fault { return dnsregtest.Fault{Drop: true} })
		ctx, cancel := context.WithTimeout(t.Context(), defaultTimeout/2)
		defer cancel()
		w.table.Set(host("192.0.2.1", "192.0.2.2")...)
		if err := r.Sync(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		after := r.Status()
		for i, z := range after.Zones {
			if z.Err != nil || z.Failures != 0 || !z.LastFailure.IsZero() || z != before.Zones[i] {
				t.Errorf("%+v, was %+v", z, before.Zones[i])
			}
		}
		if len(after.Zones) != len(before.Zones) {
			t.Errorf("%d zones, were %d", len(after.Zones), len(before.Zones))
		}
	})
}

// Before the first pass, and of a plan without anything, lists are empty and not null.
func TestEmptyListsAsJSON(t *testing.T) {
	w := newWorld(t)
	r := w.registrar()
	for _, test := range []struct {
		value any
		want  []string
	}{
		{r.Status(), []string{`"addresses":[]`, `"registered":[]`, `"zones":[]`}},
		{Status{}, []string{`"addresses":[]`, `"registered":[]`, `"zones":[]`}},
		{Plan{Zones: []ZonePlan{{}}}, []string{`"addresses":[]`, `"zones":[{"zone":"","server":"","prerequisites":[],"deletes":[],"adds":[]}]`, `"skipped":[]`}},
		{Plan{}, []string{`{"name":"","addresses":[],"zones":[],"skipped":[]}`}},
	} {
		got, err := json.Marshal(test.value)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range test.want {
			if !strings.Contains(string(got), s) {
				t.Errorf("%s is not in %s", s, got)
			}
		}
	}
	w.table.Set(host("192.0.2.1", "198.51.100.1")...)
	plan, err := r.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(plan)
	for _, s := range []string{`"name":"host.example.test."`, `"reason":"registered"`, `"prerequisites":["prereq nxdomain host.example.test."],"deletes":[],"adds":["update add `,
		`"skipped":[{"name":"1.100.51.198.in-addr.arpa.","error":{"text":`} {
		if err != nil || !strings.Contains(string(got), s) {
			t.Errorf("%v: %s is not in %s", err, s, got)
		}
	}
}
