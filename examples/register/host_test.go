package main

import (
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/srcselect"
)

// watched is a table with what is needed to wait for it.
type watched struct {
	*table
	t *testing.T
}

// until waits until the table satisfies ok. what is for the failure.
func (w watched) until(what string, ok func(map[string]srcselect.Address) bool) {
	w.t.Helper()
	for {
		addrs, changed := w.Addresses()
		all := make(map[string]srcselect.Address)
		for _, a := range addrs {
			all[a.Prefix.String()] = a
		}
		if ok(all) {
			return
		}
		select {
		case <-changed:
		case <-time.After(30 * time.Second):
			w.t.Fatalf("%s: only\n%v", what, all)
		}
	}
}

// The table of systems that tell nothing.
func TestPollTable(t *testing.T) {
	var b strings.Builder
	table, stop, err := pollTable(slog.New(slog.NewTextHandler(&b, nil)), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	addrs, _ := table.Addresses()
	for _, a := range addrs {
		if a.Prefix.Addr() == netip.MustParseAddr("127.0.0.1") && table.interfaceNames()[a.Interface] != "lo" {
			t.Errorf("%v is on %q", a, table.interfaceNames()[a.Interface])
		}
	}
	if len(addrs) == 0 || !strings.Contains(b.String(), "temporary") {
		t.Errorf("addresses %v\n%s", addrs, &b)
	}
	table.set(nil, nil) // as if they had been added since
	watched{table, t}.until("another look", func(all map[string]srcselect.Address) bool { return len(all) == len(addrs) })
}

// What is the same is no change, in whatever order it comes.
func TestTableSet(t *testing.T) {
	var tab table
	_, changed := tab.Addresses()
	tab.set(nil, nil)
	select {
	case <-changed:
		t.Error("nothing is told as a change")
	default:
	}
	tab.set(nil, []srcselect.Address{address("192.0.2.7/24"), address("2001:db8::7/64")})
	_, changed = tab.Addresses()
	tab.set(nil, []srcselect.Address{address("2001:db8::7/64"), address("192.0.2.7/24")})
	select {
	case <-changed:
		t.Error("the same addresses are told as a change")
	default:
	}
	for _, names := range []map[int]string{{2: "eth0"}, {2: "wan0", 3: "eth1"}} {
		_, changed = tab.Addresses()
		tab.set(names, []srcselect.Address{address("2001:db8::7/64"), address("192.0.2.7/24")})
		select {
		case <-changed:
		default:
			t.Errorf("%v: another name is not told as a change", names)
		}
	}
	_, changed = tab.Addresses()
	tab.set(map[int]string{2: "wan0", 3: "eth2"}, []srcselect.Address{address("2001:db8::7/64"), address("192.0.2.7/24")})
	select {
	case <-changed:
		t.Error("the name of an interface without addresses is told as a change")
	default:
	}
	deprecated := address("192.0.2.7/24")
	deprecated.Deprecated = true
	tab.set(map[int]string{2: "wan0"}, []srcselect.Address{deprecated, address("2001:db8::7/64")})
	select {
	case <-changed:
	default:
		t.Error("a flag is not told as a change")
	}
}

// Configuration flags what the system can't, and the table stays as it is.
func TestSkipping(t *testing.T) {
	var tab table
	tab.set(nil, []srcselect.Address{address("192.0.2.7/24"), address("192.0.2.8/24"), address("2001:db8::7/64")})
	s := skipping{&tab, []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("2001:db8::/32")}}
	for range 2 {
		addrs, _ := s.Addresses()
		for i, want := range []bool{true, false, true} {
			if addrs[i].SkipAsSource != want {
				t.Errorf("%v", addrs[i])
			}
		}
	}
	if addrs, _ := tab.Addresses(); addrs[0].SkipAsSource {
		t.Error("the table was changed")
	}
}
