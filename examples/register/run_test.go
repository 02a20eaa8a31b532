package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"github.com/hextet/hextet/srcselect"
)

const serverFailure, refused = 2, 5

// toUpdates makes one thing go wrong with updates.
func toUpdates(f dnsregtest.Fault) func(dnsregtest.Request) dnsregtest.Fault {
	return func(r dnsregtest.Request) dnsregtest.Fault {
		if r.Update {
			return f
		}
		return dnsregtest.Fault{}
	}
}

// The exit status is what -help says.
func TestExitStatus(t *testing.T) {
	const good, skipped = "192.0.2.7/24", "192.0.2.8/24"
	right, wrong := keyFile(t, testKey), keyFile(t, "d3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmc=")
	for name, tt := range map[string]struct {
		fault func(dnsregtest.Request) dnsregtest.Fault
		addr  string
		args  []string
		want  int
		says  string // on standard error
		at    int    // records of the name afterwards
	}{
		"once":                {nil, good, []string{"-once", "-key", right}, exitDone, "zone updated", 1},
		"once, json":          {nil, good, []string{"-once", "-json", "-key", right}, exitDone, "", 1},
		"dry run":             {nil, good, []string{"-dry-run", "-key", right}, exitDone, "", 0},
		"deregister":          {nil, good, []string{"-deregister", "-key", right}, exitDone, "", 0},
		"nothing eligible":    {nil, "fe80::1/64", []string{"-once", "-key", right}, exitNothing, "", 0},
		"nothing to plan":     {nil, "fe80::1/64", []string{"-dry-run", "-key", right}, exitNothing, "", 0},
		"skipped":             {nil, skipped, []string{"-once", "-skip", "192.0.2.8", "-key", right}, exitNothing, "", 0},
		"other interface":     {nil, good, []string{"-once", "-interface", "wlan*", "-key", right}, exitNothing, "", 0},
		"excepted interface":  {nil, good, []string{"-once", "-except", "eth?", "-key", right}, exitNothing, "", 0},
		"named interface":     {nil, good, []string{"-once", "-interface", "eth0", "-key", right}, exitDone, "", 1},
		"servfail":            {toUpdates(dnsregtest.Fault{Rcode: serverFailure}), good, []string{"-once", "-key", right}, exitFailed, "SERVFAIL", 0},
		"silent":              {toUpdates(dnsregtest.Fault{Drop: true}), good, []string{"-once", "-timeout", "50ms", "-key", right}, exitFailed, "timed out", 0},
		"refused":             {toUpdates(dnsregtest.Fault{Rcode: refused}), good, []string{"-once", "-key", right}, exitRefused, "REFUSED", 0},
		"unsigned":            {nil, good, []string{"-once"}, exitRefused, "REFUSED", 0},
		"wrong key":           {nil, good, []string{"-once", "-key", wrong}, exitRefused, "BADSIG", 0},
		"no zone":             {nil, good, []string{"-once", "-name", "host.elsewhere.test", "-key", right}, exitRefused, "zone", 0},
		"at the limit":        {nil, good, []string{"-once", "-max-addresses", "1", "-key", right}, exitDone, "", 1},
		"unknown flag":        {nil, good, []string{"-nonsense"}, exitUsage, "nonsense", 0},
		"bad value":           {nil, good, []string{"-ttl", "soon"}, exitUsage, "ttl", 0},
		"argument":            {nil, good, []string{"now"}, exitUsage, `"now"`, 0},
		"two actions":         {nil, good, []string{"-once", "-dry-run"}, exitUsage, "-dry-run and -once", 0},
		"script":              {nil, good, []string{"-once", "-script"}, exitUsage, "-script", 0},
		"private":             {nil, "10.0.0.7/24", []string{"-once", "-private=no", "-key", right}, exitNothing, "", 0},
		"other prefix":        {nil, good, []string{"-once", "-not-prefix", "192.0.2.0/28", "-key", right}, exitNothing, "", 0},
		"other family":        {nil, good, []string{"-once", "-ipv4=no", "-key", right}, exitNothing, "", 0},
		"no such interface":   {nil, good, []string{"-once", "-suffix", "eth7 lab.example.test"}, exitUsage, "there is no interface eth7; there are eth0", 0},
		"underscore":          {nil, good, []string{"-once", "-name", "a_b.example.test", "-underscore", "-key", right}, exitRefused, "REFUSED", 0},
		"no key file":         {nil, good, []string{"-once", "-key", "/nonexistent"}, exitUsage, "/nonexistent", 0},
		"bad name":            {nil, good, []string{"-once", "-name", "a_b.example.test"}, exitUsage, "a_b", 0},
		"no config file":      {nil, good, []string{"-config", "/nonexistent"}, exitUsage, "/nonexistent", 0},
		"help":                {nil, good, []string{"-help"}, exitDone, "", 0},
		"print configuration": {nil, good, []string{"-print-config"}, exitDone, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tt.fault, address(tt.addr))
			got := w.run(t.Context(), tt.args...)
			if got != tt.want || !strings.Contains(w.log.String(), tt.says) {
				t.Errorf("exit status %d, want %d, with %q in\n%s%s", got, tt.want, tt.says, &w.out, &w.log)
			}
			if n := len(w.Records("host.example.test")); n != tt.at {
				t.Errorf("%d records, want %d", n, tt.at)
			}
		})
	}
}

// More addresses than the limit: nothing is sent, and somebody has to do something.
func TestExitStatusLimit(t *testing.T) {
	w := newWorld(t, nil, address("192.0.2.7/24"), address("192.0.2.8/24"))
	code := w.run(t.Context(), "-once", "-max-addresses", "1", "-key", keyFile(t, testKey))
	if code != exitRefused || w.Stats().Updates != 0 || !strings.Contains(w.out.String(), "error: ") {
		t.Errorf("exit status %d, %+v\n%s", code, w.Stats(), &w.out)
	}
}

// Further names, and that of the interface, get the same addresses. PTR records point to the first.
func TestFurtherNames(t *testing.T) {
	w := newWorld(t, nil, address("192.0.2.7/24"))
	code := w.run(t.Context(), "-once", "-also", "www.example.test", "-suffix", "eth0 lab.example.test", "-key", keyFile(t, testKey))
	for _, name := range []string{"host.example.test", "www.example.test", "host.lab.example.test"} {
		if all := w.Records(name); len(all) != 1 || all[0].Data != "192.0.2.7" {
			t.Errorf("%s has %v", name, all)
		}
	}
	ptr := w.Records("7.2.0.192.in-addr.arpa")
	if code != exitDone || len(ptr) != 1 || ptr[0].Data != "host.example.test." || !strings.Contains(w.out.String(), "as host.example.test., www.example.test., host.lab.example.test.\n") {
		t.Errorf("exit status %d, PTR %v\n%s", code, ptr, &w.out)
	}
}

// With a state, a later run knows what an earlier one has registered though the host no longer has it.
func TestState(t *testing.T) {
	file, key := filepath.Join(t.TempDir(), "state"), keyFile(t, testKey)
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"192.0.2.7", "192.0.2.8"}},
		{[]string{"-state", file}, []string{"192.0.2.8"}},
	} {
		w := newWorld(t, nil, address("192.0.2.7/24"))
		args := append([]string{"-once", "-key", key}, tt.args...)
		first := w.run(t.Context(), args...)
		w.table.set(nil, []srcselect.Address{address("192.0.2.8/24")})
		second := w.run(t.Context(), args...)
		var got []string
		for _, r := range w.Records("host.example.test") {
			got = append(got, r.Data)
		}
		if first != exitDone || second != exitDone || !slices.Equal(got, tt.want) {
			t.Errorf("%v: exit status %d, %d, DNS has %v, want %v\n%s", tt.args, first, second, got, tt.want, &w.log)
		}
	}
}

// That the state can't be saved shows in the exit status, though DNS is right.
func TestStateNotSaved(t *testing.T) {
	w := newWorld(t, nil, address("192.0.2.7/24"))
	nowhere := filepath.Join(t.TempDir(), "none", "state")
	for _, action := range []string{"-once", "-deregister"} {
		if code := w.run(t.Context(), action, "-state", nowhere, "-key", keyFile(t, testKey)); code != exitRefused || !strings.Contains(w.out.String(), nowhere) {
			t.Errorf("%s: exit status %d\n%s%s", action, code, &w.out, &w.log)
		}
		if got := len(w.Records("host.example.test")); (got == 1) != (action == "-once") {
			t.Errorf("%s: %d records", action, got)
		}
		w.out.Reset()
	}
}

// A name that is marked as somebody else's is left alone.
func TestOwner(t *testing.T) {
	w, key := newWorld(t, nil, address("192.0.2.7/24")), keyFile(t, testKey)
	for _, tt := range []struct {
		args string
		want int
	}{
		{"-owner-txt me", exitDone}, {"-owner-txt me", exitDone}, {"-owner-txt you", exitRefused},
		{"-owner-txt me -owner-dhcid 00:03:00:01:02", exitUsage}, {"-owner-txt a,b", exitUsage},
	} {
		args := append(strings.Fields(tt.args), "-once", "-key", key)
		if code := w.run(t.Context(), args...); code != tt.want {
			t.Errorf("%s: exit status %d, want %d\n%s", tt.args, code, tt.want, &w.log)
		}
	}
	if all := w.Records("host.example.test"); len(all) != 2 || !strings.Contains(all[1].Data, "heritage=hextet,owner=me") {
		t.Errorf("%v", all)
	}
}

// What one run has registered another one removes.
func TestDeregister(t *testing.T) {
	w := newWorld(t, nil, address("192.0.2.7/24"))
	key := keyFile(t, testKey)
	before := w.Zone("2.0.192.in-addr.arpa")
	for _, action := range []string{"-once", "-deregister"} {
		if code := w.run(t.Context(), action, "-key", key); code != exitDone {
			t.Errorf("%s: exit status %d\n%s", action, code, &w.log)
		}
	}
	if n := len(w.Records("host.example.test")); n != 0 || len(w.Zone("2.0.192.in-addr.arpa")) != len(before) || w.Serial("example.test") != 3 {
		t.Errorf("%d records left, reverse zone %v", n, w.Zone("2.0.192.in-addr.arpa"))
	}
}

// An interruption ends the program, which takes its records with it if it is told to.
func TestInterrupted(t *testing.T) {
	for name, tt := range map[string]struct {
		signal os.Signal
		args   []string
		fault  dnsregtest.Fault // of updates after the interruption
		want   int
		left   int // records
	}{
		"interrupt":              {os.Interrupt, nil, dnsregtest.Fault{}, exitInterrupted, 1},
		"interrupt, deregister":  {os.Interrupt, []string{"-deregister-on-exit"}, dnsregtest.Fault{}, exitInterrupted, 0},
		"deregistration refused": {os.Interrupt, []string{"-deregister-on-exit"}, dnsregtest.Fault{Rcode: refused}, exitRefused, 1},
		"terminate":              {syscall.SIGTERM, []string{"-deregister-on-exit"}, dnsregtest.Fault{}, exitDone, 0},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			w := newWorld(t, func(r dnsregtest.Request) dnsregtest.Fault {
				if ctx.Err() != nil && r.Update {
					return tt.fault
				}
				return dnsregtest.Fault{}
			}, address("192.0.2.7/24"))
			code := make(chan int)
			in, out := io.Pipe()
			args := slices.Concat([]string{"-name", "host.example.test", "-server", w.address, "-json", "-key", keyFile(t, testKey)}, tt.args)
			p := w.program(args...)
			p.out = out
			go func() { code <- p.run(ctx); out.Close() }()
			states := json.NewDecoder(in)
			first, updates := nextState(t, states)
			if len(first.Status.Registered) != 1 || len(updates) != 2 || updates[0].Zone != "example.test." || updates[0].Error != "" {
				t.Errorf("first %+v, %+v", first, updates)
			}
			w.again <- syscall.SIGTERM // any: asks for a pass at once
			second, _ := nextState(t, states)
			if second.Status.Counters.Probes == 0 {
				t.Errorf("asked again: %+v", second.Status.Counters)
			}
			cancel(interruption{tt.signal})
			go io.Copy(io.Discard, in)
			if got := <-code; got != tt.want {
				t.Errorf("exit status %d, want %d\n%s", got, tt.want, &w.log)
			}
			if n := len(w.Records("host.example.test")); n != tt.left {
				t.Errorf("%d records left, want %d", n, tt.left)
			}
		})
	}
}

// What -dry-run prints, and -json makes of it.
func TestDryRun(t *testing.T) {
	w := newWorld(t, nil, address("192.0.2.7/24"), address("192.0.2.8/24"), address("fe80::7/64"), address("203.0.113.7/24"))
	key := keyFile(t, testKey)
	for _, args := range [][]string{{"-dry-run"}, {"-dry-run", "-script"}, {"-dry-run", "-json"}} {
		if code := w.run(t.Context(), append(args, "-skip", "192.0.2.8", "-key", key)...); code != exitDone {
			t.Errorf("exit status %d\n%s", code, &w.log)
		}
	}
	scrub := strings.NewReplacer(w.address, "SERVER", strings.ReplaceAll(w.address, ":", " "), "SERVER")
	golden(t, "dry-run.out", scrub.Replace(w.out.String()))
	if w.Stats().Updates != 0 {
		t.Errorf("%d updates were sent", w.Stats().Updates)
	}
}

// What -once prints, and -json makes of it, less the times.
func TestOnce(t *testing.T) {
	w := newWorld(t, nil, address("192.0.2.7/24"), address("fe80::7/64"))
	key := keyFile(t, testKey)
	if code := w.run(t.Context(), "-once", "-key", key); code != exitDone {
		t.Errorf("exit status %d\n%s", code, &w.log)
	}
	golden(t, "once.out", strings.ReplaceAll(w.out.String(), w.address, "SERVER"))
	w.out.Reset()
	if code := w.run(t.Context(), "-once", "-json", "-key", key); code != exitDone {
		t.Errorf("exit status %d\n%s", code, &w.log)
	}
	l, _ := nextState(t, json.NewDecoder(strings.NewReader(w.out.String())))
	if l.Status.Name != "host.example.test." || len(l.Status.Zones) != 2 || l.Status.Zones[0].LastSuccess.IsZero() ||
		l.Interfaces[2] != "eth0" || l.reason("192.0.2.7") != "registered" || l.reason("fe80::7") != "link-local" {
		t.Errorf("%s", &w.out)
	}
}

// The demonstration says the same each time, and DNS never has an address that must not be there.
func TestDemo(t *testing.T) {
	var w world
	for range 2 {
		w.out.Reset()
		if code := w.program("-demo").run(t.Context()); code != exitDone {
			t.Fatalf("exit status %d\n%s", code, &w.log)
		}
		golden(t, "demo.out", w.out.String())
	}
	right := map[string]string{"A": "192.0.2.10", "AAAA": "2001:db8::10"}
	for l := range strings.Lines(w.out.String()) {
		if strings.Contains(l, "moves from 192.0.2.11 to 192.0.2.10") {
			right["A"] = "192.0.2.11"
		}
		words := strings.Fields(l)
		record := strings.HasPrefix(l, "    ") && len(words) == 4 && right[words[2]] != ""
		if record && words[3] != right[words[2]] {
			t.Errorf("DNS has %s", l)
		}
	}
}
