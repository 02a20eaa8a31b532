package dnsreg

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"testing"

	"go.uber.org/goleak"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"github.com/hextet/hextet/srcselect"
)

// On real sockets: Run, a change, the end, deregistration, and no goroutine more than before.
func TestRunLeavesNoGoroutine(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	before := runtime.NumGoroutine()
	served := make(chan string, 64)
	server, err := dnsregtest.New(dnsregtest.Config{
		Zones: []string{"example.test", "2.0.192.in-addr.arpa"},
		Keys:  map[string][]byte{keyName: secret},
		Fault: func(q dnsregtest.Request) dnsregtest.Fault {
			if q.Update {
				served <- q.Name
			}
			return dnsregtest.Fault{}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	address, err := server.Listen("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	var table AddressTable
	table.Set(host("192.0.2.1", "192.0.2.2")...)
	r, err := New(Config{Name: "host.example.test", Source: &table, Servers: []string{address}, Auth: TSIG(keyName, "", secret)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() { result <- r.Run(ctx) }()
	for _, want := range []string{"example.test.", "2.0.192.in-addr.arpa."} {
		if got := <-served; got != want {
			t.Fatalf("an update of %s, want %s", got, want)
		}
	}
	table.Set(host("192.0.2.1", "192.0.2.2 skip")...)
	for range 2 {
		<-served
	}
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v", err)
	}
	if err := r.Deregister(t.Context()); err != nil {
		t.Error(err)
	}
	if got := zoneText(server, "2.0.192.in-addr.arpa"); len(got) != 1 || len(server.Records(hostName)) != 0 {
		t.Errorf("left behind: %v, %v", got, server.Records(hostName))
	}
	server.Close()
	if err := goleak.Find(ignore); err != nil {
		t.Error(err)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, %d before", after, before)
	}
}

// Sync, Plan, Status, Deregister and Run at once: nothing to see but the race detector's silence, and
// that the last word is right.
func TestConcurrentUse(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1")...)
	r := w.registrar()
	ended := w.start(r)
	done := make(chan error)
	for i := range 4 {
		go func() {
			for j := range 20 {
				w.table.Set(host(fmt.Sprintf("192.0.2.%d", 1+i*20+j))...)
				_, err := r.Plan(t.Context())
				done <- errors.Join(err, r.Sync(t.Context()))
				r.Status()
			}
		}()
	}
	for range 80 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	ended()
	w.table.Set(host("192.0.2.200")...)
	w.sync(r)
	w.holds("192.0.2.200")
}

func TestAddressTable(t *testing.T) {
	var table AddressTable
	addrs, changed := table.Addresses()
	if len(addrs) != 0 {
		t.Errorf("a new table holds %v", addrs)
	}
	mine := []srcselect.Address{{Prefix: netip.MustParsePrefix("192.0.2.1/24")}}
	table.Set(mine...)
	select {
	case <-changed:
	default:
		t.Error("the channel is not closed by Set")
	}
	mine[0].SkipAsSource = true
	addrs, changed = table.Addresses()
	if len(addrs) != 1 || addrs[0].SkipAsSource {
		t.Errorf("the table holds the caller's slice: %v", addrs)
	}
	select {
	case <-changed:
		t.Error("the new snapshot's channel is closed already")
	default:
	}
}
