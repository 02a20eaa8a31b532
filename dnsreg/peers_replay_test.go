//go:build unix

package dnsreg

import (
	"bytes"
	"maps"
	"net"
	"testing"
	"time"

	"github.com/hextet/hextet/internal/dnspeer"
)

// Every update of a host's life is sent again, as recorded and while its signature still counts, whenever the zones
// have come to another state, old ones among them: nothing changes.
func TestPeersTakeNoReplay(t *testing.T) {
	eachPeer(t, func(t *testing.T, kind dnspeer.Kind) {
		p := startPeer(t, kind, foreignZones()...)
		var tap tapped
		var recorded [][]byte
		tap.record = func(update []byte) { recorded = append(recorded, bytes.Clone(update)) }
		r := p.registrar(func(c *Config) { c.Dial, c.Pin = tap.dial, PinAlways })
		before := p.all()
		replay := func(state string) {
			t.Helper()
			now, serials := p.all(), p.serials()
			for i, update := range recorded {
				p.replay(update)
				if after := p.serials(); !maps.Equal(after, serials) {
					t.Fatalf("%s: update %d, sent again, moved the serials from %v to %v", state, i, serials, after)
				}
			}
			p.holds(now)
		}
		for _, addrs := range [][]string{
			{"192.0.2.1", "2001:db8::1"}, {"192.0.2.1", "192.0.2.2", "2001:db8::1"}, {"192.0.2.1", "2001:db8::1"},
			{"2001:db8::2"}, {"192.0.2.1", "2001:db8::1"},
		} {
			p.table.Set(host(addrs...)...)
			p.sync(r)
			p.holds(plus(before, addrs...))
			replay(addrs[0])
		}
		if err := r.Deregister(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.holds(before)
		replay("deregistered")
		if len(recorded) < 15 {
			t.Errorf("%d updates were recorded", len(recorded))
		}
	})
}

// replay sends a datagram and waits until it is answered.
func (p *peer) replay(datagram []byte) {
	p.t.Helper()
	conn, err := net.Dial("udp", p.Address())
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Write(datagram); err != nil {
		p.t.Fatal(err)
	}
	reply := make([]byte, 512)
	if n, err := conn.Read(reply); err != nil || n < headerLen || !bytes.Equal(reply[:2], datagram[:2]) {
		p.t.Fatalf("the answer to a replay: %x, %v", reply[:n], err)
	}
}
