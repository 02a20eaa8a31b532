package dnsreg

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

// Without signatures the header and the question are all there is to tell a reply by.
func TestAcceptWithoutSignature(t *testing.T) {
	query := &dns.Msg{Question: []dns.Question{{Name: hostName, Qtype: dns.TypeA, Qclass: dns.ClassINET}}}
	update := updateMessage("example.test.", nil, nil)
	for _, msg := range []*dns.Msg{query, update} {
		msg.Id = 4711
		req, err := newRequest(serverAddr, msg, nil, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		isUpdate := msg.Opcode == dns.OpcodeUpdate
		for name, test := range map[string]struct {
			change func(*dns.Msg)
			want   bool
		}{
			"a reply":              {func(m *dns.Msg) {}, true},
			"a refusal":            {func(m *dns.Msg) { m.Rcode = dns.RcodeRefused }, true},
			"other case":           {func(m *dns.Msg) { m.Question[0].Name = strings.ToUpper(m.Question[0].Name) }, true},
			"no question":          {func(m *dns.Msg) { m.Question = nil }, isUpdate},
			"another id":           {func(m *dns.Msg) { m.Id++ }, false},
			"a request":            {func(m *dns.Msg) { m.Response = false }, false},
			"another opcode":       {func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify }, false},
			"another name":         {func(m *dns.Msg) { m.Question[0].Name = "x." + m.Question[0].Name }, false},
			"another type":         {func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeTXT }, false},
			"another class":        {func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }, false},
			"two questions":        {func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }, false},
			"a question too many":  {func(m *dns.Msg) { m.Question = append(m.Question, dns.Question{Name: "x.", Qtype: 1, Qclass: 1}) }, false},
			"an unasked signature": {func(m *dns.Msg) { m.SetTsig("k.", dns.HmacSHA256, 300, 1) }, true},
		} {
			m := msg.Copy()
			m.Response = true
			test.change(m)
			wire, err := m.Pack()
			if err != nil {
				t.Fatal(err)
			}
			got, err := req.accept(wire, time.Now())
			if (got != nil) != test.want || err != nil {
				t.Errorf("%s to a %s: accepted %v, %v; want %v", name, req.op, got != nil, err, test.want)
			}
			if got, _ := req.accept(wire[:len(wire)-1], time.Now()); got != nil {
				t.Errorf("%s to a %s, cut short: accepted", name, req.op)
			}
		}
	}
}

func TestSignatureMustComeLast(t *testing.T) {
	m := new(dns.Msg)
	m.SetUpdate("example.test.")
	m.SetTsig(keyName, dns.HmacSHA256, 300, 1)
	txt := &dns.TXT{Hdr: dns.RR_Header{Name: hostName, Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: []string{"x"}}
	m.Extra = append(m.Extra, txt)
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := findTSIG(wire); err != errMisplaced {
		t.Errorf("followed by a record: %v", err)
	}
	m.Extra, m.Ns = nil, m.Extra[:1]
	if wire, err = m.Pack(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := findTSIG(wire); err != errMisplaced {
		t.Errorf("in another section: %v", err)
	}
	m.Ns, m.Extra = nil, m.Ns
	if wire, err = m.Pack(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := findTSIG(append(wire, 0)); err != errMisplaced {
		t.Errorf("followed by an octet: %v", err)
	}
	if sig, at, err := findTSIG(wire); err != nil || sig.Fudge != 300 || at != headerLen+18 {
		t.Errorf("in its place: %v, %d, %v", sig, at, err)
	}
}

// An unsigned NXRRSET is no lost race: it is a hint like any other unsigned reply.
func TestUnsignedConflictIsNoConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.table.Set(host("192.0.2.1")...)
		w.misbehave(only("example.test.", dnsregtest.Fault{Rcode: dns.RcodeNXRrset, Unsigned: true}))
		r := w.registrar()
		if e := serverError(t, r.Sync(t.Context())); e.Authentic || e.Rcode != dns.RcodeNXRrset {
			t.Errorf("error %v", e)
		}
		if c := r.Status().Counters; c.Conflicts != 0 || c.Updates != 1 {
			t.Errorf("counters %+v", c)
		}
	})
}

// A server that is not authoritative says nothing about what is at a name.
func TestNonAuthoritativeAnswersAreNotBelieved(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1")...)
	w.misbehave(func(q dnsregtest.Request) dnsregtest.Fault {
		return dnsregtest.Fault{Forge: func(reply []byte) [][]byte {
			if q.Type != "A" {
				return nil
			}
			reply[2] &^= 0x04 // AA
			return [][]byte{reply}
		}}
	})
	err := w.registrar(func(c *Config) { c.Auth = nil }).Sync(t.Context())
	if !errors.Is(err, ErrNoZone) || !strings.Contains(err.Error(), "not authoritative") {
		t.Errorf("error %v", err)
	}
	if n := len(w.sent()); n != 0 {
		t.Errorf("%d updates", n)
	}
}

// A peer that does not read blocks the write: the timeout ends it.
func TestBlockedWriteTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.table.Set(host("192.0.2.1")...)
		var far []net.Conn
		r := w.registrar(func(c *Config) {
			c.TCP = true
			c.Dial = func(context.Context, string, string) (net.Conn, error) {
				a, b := net.Pipe()
				far = append(far, b)
				return a, nil
			}
		})
		start := time.Now()
		if err := r.Sync(t.Context()); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if d := time.Since(start); d != defaultTimeout {
			t.Errorf("gave up after %v", d)
		}
		for _, c := range far {
			c.Close()
		}
	})
}
