//go:build unix

package dnsreg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/hextet/hextet/internal/dnspeer"
)

// The server is killed before or after it is sent one of a pass's updates. Once it is back, the next pass leaves
// exactly the wanted set, whatever the server had carried out, and foreign records as they were.
func TestPeersCrashDuringAnUpdate(t *testing.T) {
	eachPeer(t, func(t *testing.T, kind dnspeer.Kind) {
		p := startPeer(t, kind, foreignZones()...)
		before := p.all()
		for update := 1; update <= 3; update++ { // example.test, then the reverse zones
			for _, sent := range []bool{false, true} {
				t.Run(fmt.Sprintf("update %d sent %v", update, sent), func(t *testing.T) {
					p := p.in(t)
					p.crashAt(update, sent, before)
				})
			}
		}
	})
}

func (p *peer) crashAt(update int, sent bool, before map[string][]string) {
	p.t.Helper()
	var tap tapped
	r := p.registrar(func(c *Config) { c.Dial = tap.dial })
	p.table.Set(host("192.0.2.1", "2001:db8::1")...)
	p.sync(r)
	p.holds(plus(before, "192.0.2.1", "2001:db8::1"))

	ctx, cancel := context.WithCancel(p.t.Context())
	defer cancel()
	left, crashed := update, false
	crash := func() {
		if left--; left == 0 {
			crashed = true
			p.Kill()
			cancel() // nobody answers any more
		}
	}
	if sent {
		tap.set(nil, crash)
	} else {
		tap.set(crash, nil)
	}
	p.table.Set(host("192.0.2.2", "2001:db8::2")...)
	if err := r.Sync(ctx); !crashed || !errors.Is(err, context.Canceled) {
		p.t.Fatalf("crashed: %v, error %v", crashed, err)
	}
	tap.set(nil, nil)
	p.Restart()
	p.sync(r)
	p.holds(plus(before, "192.0.2.2", "2001:db8::2"))
	if err := r.Deregister(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	p.holds(before)
}

// What was acknowledged outlives the server, and a new Registrar, which knows nothing, goes by what it finds.
func TestPeersCrashAfterTheAcknowledgement(t *testing.T) {
	eachPeer(t, func(t *testing.T, kind dnspeer.Kind) {
		p := startPeer(t, kind, foreignZones()...)
		before := p.all()
		p.table.Set(host("192.0.2.1", "2001:db8::1")...)
		p.sync(p.registrar())
		p.Kill()
		p.Restart()
		p.holds(plus(before, "192.0.2.1", "2001:db8::1"))
		p.table.Set(host("192.0.2.1 skip", "192.0.2.2", "2001:db8::1")...)
		p.sync(p.registrar())
		p.holds(plus(before, "192.0.2.2", "2001:db8::1"))
	})
}

// A server that is stopped may carry an update out when it goes on: a timeout means unknown. What it has done is
// found out, and nothing is done twice.
func TestPeersStoppedServerIsReadBack(t *testing.T) {
	eachPeer(t, func(t *testing.T, kind dnspeer.Kind) {
		p := startPeer(t, kind, foreignZones()...)
		before := p.all()
		var tap tapped
		r := p.registrar(func(c *Config) { c.Dial, c.Timeout = tap.dial, time.Second })
		for _, addr := range []string{"2001:db8::2", "2001:db8::1"} { // twice: PowerDNS's first serial is the date
			p.table.Set(host("192.0.2.1", addr)...)
			p.sync(r)
		}

		tap.set(p.Pause, nil)
		p.table.Set(host("192.0.2.1", "192.0.2.2", "2001:db8::1")...)
		err := r.Sync(t.Context())
		if _, ok := errors.AsType[*NoReplyError](err); !ok || !errors.Is(err, os.ErrDeadlineExceeded) || ClassOf(err) != Transient {
			t.Fatalf("error %v, class %v", err, ClassOf(err))
		}
		tap.set(nil, nil)
		p.Resume()
		p.Await(hostName, "A", forwardLine("192.0.2.1"), forwardLine("192.0.2.2"), forwardLine("203.0.113.5"))
		serial, already := p.Serial("example.test"), r.Status().Counters
		p.sync(r)
		p.holds(plus(before, "192.0.2.1", "192.0.2.2", "2001:db8::1"))
		if got := p.Serial("example.test"); got != serial {
			t.Errorf("the zone changed again after the update that was carried out: serial %d, was %d", got, serial)
		}
		// The prerequisites of the update that went unanswered may be tried once more: they no longer hold.
		if c := r.Status().Counters; c.Conflicts != already.Conflicts || c.Updates > already.Updates+3 {
			t.Errorf("counters %+v, before %+v", c, already)
		}
		if err := r.Deregister(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.holds(before)
	})
}
