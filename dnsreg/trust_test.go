package dnsreg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

// forgeries are what an attacker, or an accident, puts before the true reply.
func forgeries(reply []byte) [][]byte {
	change := func(f func(*dns.Msg)) []byte {
		m := new(dns.Msg)
		if m.Unpack(reply) != nil {
			panic("the true reply does not parse")
		}
		f(m)
		b, err := m.Pack()
		if err != nil {
			panic(err)
		}
		return b
	}
	flip := func(at int, bits byte) []byte {
		b := slices.Clone(reply)
		b[at] ^= bits
		return b
	}
	return [][]byte{
		{}, {0}, reply[:11], reply[:12], reply[:len(reply)-1], append(slices.Clone(reply), 0),
		flip(1, 1),             // another id
		flip(2, 0x80),          // a request
		flip(2, 0x08),          // another opcode
		flip(3, 1),             // another rcode, under the old signature
		flip(len(reply)-20, 1), // a broken MAC
		change(func(m *dns.Msg) { m.Extra = nil }),                                     // unsigned
		change(func(m *dns.Msg) { m.Extra = nil; m.Rcode = dns.RcodeRefused }),         // unsigned refusal
		change(func(m *dns.Msg) { m.Question[0].Name = "other.test." }),                // another question
		change(func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeTXT }),                 //
		change(func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }),    //
		change(func(m *dns.Msg) { m.Extra = append(m.Extra, dns.Copy(m.Extra[0])) }),   // two signatures
		change(func(m *dns.Msg) { m.Ns = append(m.Ns, m.Extra...); m.Extra = nil }),    // in the wrong section
		change(func(m *dns.Msg) { m.Extra[0].(*dns.TSIG).Hdr.Name = "evil.test." }),    // another key
		change(func(m *dns.Msg) { m.Extra[0].(*dns.TSIG).MAC = ""; setMACSize(m, 0) }), // BADKEY's form
		change(func(m *dns.Msg) { m.Extra[0].(*dns.TSIG).MAC = "00"; setMACSize(m, 1) }),
		change(func(m *dns.Msg) { m.Extra[0].(*dns.TSIG).TimeSigned++ }),
	}
}

func setMACSize(m *dns.Msg, n uint16) { m.Extra[0].(*dns.TSIG).MACSize = n }

func TestForgedRepliesAreListenedPast(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.table.Set(host("192.0.2.1", "192.0.2.2 skip", "2001:db8::1")...)
				forged := 0
				w.misbehave(func(dnsregtest.Request) dnsregtest.Fault {
					return dnsregtest.Fault{Forge: func(reply []byte) [][]byte {
						f := forgeries(reply)
						if network == "tcp" {
							f = f[6:] // a stream has no message of wrong length
						}
						forged += len(f)
						return f
					}}
				})
				r := w.registrar(func(c *Config) { c.TCP = network == "tcp" })
				w.sync(r)
				w.holds("192.0.2.1", "2001:db8::1")
				c := r.Status().Counters
				if got := int(c.Ignored + c.NotAuthentic); got != forged || forged == 0 {
					t.Errorf("%d of %d forged replies seen through: %+v", got, forged, c)
				}
				if c.Retransmits != 0 {
					t.Errorf("%d retransmissions although the true reply was there", c.Retransmits)
				}
			})
		})
	}
}

// Only an unsigned reply comes: it is not believed, whatever it says.
func TestUnsignedReplyProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.table.Set(host("192.0.2.1")...)
		w.misbehave(only("example.test.", dnsregtest.Fault{Unsigned: true}))
		err := w.registrar().Sync(t.Context())
		if _, ok := errors.AsType[*NoReplyError](err); !ok || !errors.Is(err, errUnsigned) || !errors.Is(err, ErrUntrusted) {
			t.Errorf("error %v", err)
		}
		if _, ok := errors.AsType[*ServerError](err); ok {
			t.Errorf("an unsigned NOERROR became a refusal: %v", err)
		}
	})
}

func TestIDsAndSocketsAreFresh(t *testing.T) {
	w := newWorld(t)
	var lines []string
	for i := range 60 {
		lines = append(lines, fmt.Sprintf("192.0.2.%d", i+1))
	}
	w.table.Set(host(lines...)...)
	w.sync(w.registrar())
	ids := make(map[uint16]int)
	requests := append(w.asked(), w.sent()...)
	for _, q := range requests {
		ids[binary.BigEndian.Uint16(q.Raw)]++
	}
	if len(requests) < 60 || len(ids) < len(requests)-8 {
		t.Errorf("%d ids for %d requests", len(ids), len(requests))
	}
	if n := w.net.dials["udp"] + w.net.dials["tcp"]; n != len(requests) {
		t.Errorf("%d sockets for %d requests", n, len(requests))
	}
}

func TestLongMessagesGoOverTCP(t *testing.T) {
	w := newWorld(t)
	var lines []string
	for i := range 60 {
		lines = append(lines, fmt.Sprintf("192.0.2.%d", i+1))
	}
	w.table.Set(host(lines...)...)
	r := w.registrar()
	w.sync(r)
	w.holds(lines...)
	for _, u := range w.sent() {
		if (len(u.Raw) > maxUDP) != (u.Network == "tcp") {
			t.Errorf("%d octets over %s", len(u.Raw), u.Network)
		}
	}
	if w.net.dials["tcp"] != 2 {
		t.Errorf("%d streams, want one for each zone", w.net.dials["tcp"])
	}
	w.sync(w.registrar()) // reads 60 records: truncated over UDP
	if w.net.dials["tcp"] != 3 {
		t.Errorf("%d streams after reading a long RRset, want 3", w.net.dials["tcp"])
	}
}

func TestTruncatedRepliesAreAskedAgain(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1")...)
	w.misbehave(func(dnsregtest.Request) dnsregtest.Fault { return dnsregtest.Fault{Truncate: true} })
	w.sync(w.registrar())
	w.holds("192.0.2.1")
	if w.net.dials["udp"] != w.net.dials["tcp"] {
		t.Errorf("sockets %v: each truncated reply takes one stream", w.net.dials)
	}
}

// Updates that were recorded on the wire are sent again: nothing changes.
func TestReplayChangesNothing(t *testing.T) {
	for name, test := range map[string]struct {
		zones []string
		steps [][]string
	}{
		"every way forward": {[]string{"example.test"}, [][]string{
			{"192.0.2.1", "2001:db8::1"},
			{"192.0.2.1", "192.0.2.2", "2001:db8::1 skip"},
			{"192.0.2.2", "2001:db8::2"},
			{"192.0.2.3"},
			{"192.0.2.3", "2001:db8::1"},
		}},
		"growing": {append([]string{"example.test"}, reverseZones...), [][]string{
			{"192.0.2.1", "2001:db8::1"},
			{"192.0.2.1", "192.0.2.2", "2001:db8::1"},
			{"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := w.registrar(func(c *Config) { c.NoPTR = len(test.zones) == 1 })
			for _, lines := range test.steps {
				w.table.Set(host(lines...)...)
				w.sync(r)
			}
			recorded := w.sent()
			if len(recorded) < len(test.steps) {
				t.Fatalf("only %d updates recorded", len(recorded))
			}
			contents := func() (all []string) {
				for _, z := range test.zones {
					all = append(all, zoneText(w.server, z)...)
				}
				return all
			}
			before, changed := contents(), w.server.Stats().Changed
			for _, u := range recorded {
				w.replay(u.Raw)
			}
			if n := w.server.Stats().Changed - changed; n != 0 || !slices.Equal(before, contents()) {
				t.Errorf("%d of %d replayed updates changed a zone:\n%q\n%q", n, len(recorded), before, contents())
			}
		})
	}
}

// replay sends a recorded message and waits for the reply.
func (w *world) replay(raw []byte) {
	w.t.Helper()
	conn, err := w.net.dial(w.t.Context(), "udp", serverAddr)
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(raw); err != nil {
		w.t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, maxUDP)); err != nil {
		w.t.Fatal(err)
	}
}
