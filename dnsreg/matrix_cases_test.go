//go:build unix

package dnsreg

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/internal/dnspeer"
)

func header(name string, rtype, class uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rtype, Class: class}
}

func recordA(name string, ttl uint32, addr string) dns.RR {
	h := header(name, dns.TypeA, dns.ClassINET)
	h.Ttl = ttl
	return &dns.A{Hdr: h, A: netip.MustParseAddr(addr).AsSlice()}
}

func exactA(name, addr string) dns.RR {
	return &dns.A{Hdr: header(name, dns.TypeA, dns.ClassNONE), A: netip.MustParseAddr(addr).AsSlice()}
}

func updateOf(zone string, rrs ...dns.RR) *dns.Msg {
	m := new(dns.Msg)
	m.SetUpdate(zone)
	m.Ns = rrs
	return m
}

func prerequisite(rr dns.RR) *dns.Msg {
	m := updateOf("example.test.")
	m.Answer = []dns.RR{rr}
	return m
}

func question(name string) *dns.Msg {
	m := new(dns.Msg)
	m.SetQuestion(name, dns.TypeSOA)
	m.RecursionDesired = false
	return m
}

var (
	addOne           = updateOf("example.test.", recordA("new.example.test.", 60, "192.0.2.1"))
	soaQuery         = question("host.example.test.")
	wrongZoneSection = func() *dns.Msg {
		m := updateOf("example.test.", recordA("new.example.test.", 60, "192.0.2.1"))
		m.Question[0].Qtype = dns.TypeA
		return m
	}()
)

// exchangeWith puts a message through the exchange that a Registrar uses.
func exchangeWith(t *testing.T, s subject, m *dns.Msg, key Key, clock Clock) error {
	t.Helper()
	n := &transport{clock: clock, dice: diceOf(clock), dial: new(net.Dialer).DialContext, timeout: 5 * time.Second}
	_, err := n.exchange(t.Context(), s.Address, m.Copy(), key)
	return err
}

func withKey(name, algorithm string, secret []byte, m *dns.Msg) func(*testing.T, subject) string {
	return func(t *testing.T, s subject) string {
		key, err := TSIG(name, algorithm, secret).Key(t.Context(), s.Address)
		if err != nil {
			t.Fatal(err)
		}
		return verdict(exchangeWith(t, s, m, key, hostClock{}))
	}
}

func exchanged(m *dns.Msg) func(*testing.T, subject) string {
	return withKey(keyName, "", secret, m)
}

// withSkew checks the size of the skew that an error states: seconds are what TSIG counts in.
func withSkew(by time.Duration, m *dns.Msg) func(*testing.T, subject) string {
	return func(t *testing.T, s subject) string {
		err := exchangeWith(t, s, m, testKey(t, ""), skewedClock{hostClock{}, by})
		says := verdict(err)
		if e, ok := errors.AsType[*ServerError](err); ok && e.Skew != 0 {
			if off := (e.Skew + by).Abs(); off > 2*time.Second {
				t.Errorf("the clock is %v off, the error says that the server's is %v", by, e.Skew)
			}
			says += ", its size known"
		}
		return says
	}
}

func unsignedUpdate(t *testing.T, s subject) string {
	return verdict(exchangeWith(t, s, addOne, nil, hostClock{}))
}

// sendRaw sends a request as it is, over UDP, whatever its length.
func sendRaw(t *testing.T, s subject, req *request) error {
	t.Helper()
	n := &transport{clock: hostClock{}, dice: diceOf(hostClock{}), dial: new(net.Dialer).DialContext}
	ctx, cancel := withTimeout(t.Context(), hostClock{}, 2*time.Second)
	defer cancel()
	got, err := n.roundTrip(ctx, "udp", req)
	if err != nil {
		return &NoReplyError{Server: req.server, Op: req.op, Name: req.name, Err: err}
	}
	return req.refusal(got)
}

func signRequest(t *testing.T, s subject, m *dns.Msg) *request {
	t.Helper()
	m = m.Copy()
	m.Id = dns.Id()
	req, err := newRequest(s.Address, m, testKey(t, ""), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func twoSignatures(t *testing.T, s subject) string {
	req := signRequest(t, s, addOne)
	var err error
	if req.wire, req.mac, err = signTSIG(req.key, req.wire, time.Now()); err != nil {
		t.Fatal(err)
	}
	return verdict(sendRaw(t, s, req))
}

// takesA adds an A record and looks whether it is there.
func takesA(name string) func(*testing.T, subject) string {
	return func(t *testing.T, s subject) string {
		err := exchangeWith(t, s, updateOf("example.test.", recordA(name, 60, "192.0.2.1")), testKey(t, ""), hostClock{})
		if err != nil {
			return verdict(err)
		}
		switch got, err := s.Query(name, "A"); {
		case err != nil:
			return "NOERROR, then SERVFAIL" // nobody gets an answer for the name any more
		case len(got) == 0:
			return hidden
		}
		return isAdded
	}
}

// carryOut carries an update out.
func carryOut(t *testing.T, s subject, rrs ...dns.RR) {
	t.Helper()
	if err := exchangeWith(t, s, updateOf("example.test.", rrs...), testKey(t, ""), hostClock{}); err != nil {
		t.Fatal(err)
	}
}

func anotherTTL(t *testing.T, s subject) string {
	carryOut(t, s, recordA("ttl.example.test.", 60, "192.0.2.1"))
	carryOut(t, s, recordA("ttl.example.test.", 120, "192.0.2.1"))
	return ttlOf(t, s, "ttl.example.test.")
}

func anotherTTLByDelete(t *testing.T, s subject) string {
	carryOut(t, s, recordA("ttl2.example.test.", 60, "192.0.2.1"))
	carryOut(t, s, exactA("ttl2.example.test.", "192.0.2.1"), recordA("ttl2.example.test.", 120, "192.0.2.1"))
	return ttlOf(t, s, "ttl2.example.test.")
}

func ttlOf(t *testing.T, s subject, name string) string {
	t.Helper()
	got := s.records(t, name, "A")
	switch {
	case slices.Equal(got, []string{name + " 120 IN A 192.0.2.1"}):
		return changed
	case slices.Equal(got, []string{name + " 60 IN A 192.0.2.1"}):
		return "NOERROR, kept"
	}
	return strings.Join(got, "; ")
}

func serialAfter(rrs ...dns.RR) func(*testing.T, subject) string {
	return func(t *testing.T, s subject) string {
		before := s.serial(t)
		m := updateOf("example.test.", rrs...)
		m.Answer = []dns.RR{&dns.ANY{Hdr: header("ns1.example.test.", dns.TypeA, dns.ClassANY)}}
		if err := exchangeWith(t, s, m, testKey(t, ""), hostClock{}); err != nil {
			return verdict(err)
		}
		return fmt.Sprintf("+%d", s.serial(t)-before)
	}
}

// datagram sends an update of about a size over UDP.
func datagram(size int) func(*testing.T, subject) string {
	return func(t *testing.T, s subject) string {
		m := updateOf("example.test.")
		for i := range size / 250 {
			h := header(fmt.Sprintf("t%d-%d.example.test.", size, i), dns.TypeTXT, dns.ClassINET)
			h.Ttl = 60
			m.Ns = append(m.Ns, &dns.TXT{Hdr: h, Txt: []string{strings.Repeat("x", 228)}})
		}
		req := signRequest(t, s, m)
		if n := len(req.wire); n < size*9/10 || n > size*11/10 {
			t.Fatalf("%d octets, want about %d", n, size)
		}
		return verdict(sendRaw(t, s, req))
	}
}

func manyRecords(t *testing.T, s subject) string {
	m := updateOf("example.test.")
	for i := range 101 {
		m.Ns = append(m.Ns, recordA("many.example.test.", 60, fmt.Sprintf("192.0.2.%d", i)))
	}
	says := verdict(exchangeWith(t, s, m, testKey(t, ""), hostClock{}))
	return fmt.Sprintf("%s, %d added", says, len(s.records(t, "many.example.test.", "A")))
}

// toSecondary asks a secondary of the same kind.
func toSecondary(t *testing.T, s subject) string {
	p := dnspeer.Start(t, s.peer.Kind(), dnspeer.Config{
		Keys: []dnspeer.Key{peerKey}, Zones: []dnspeer.Zone{{Name: "example.test", Primary: s.Address}},
	})
	m := updateOf("example.test.", recordA("forwarded.example.test.", 60, "192.0.2.1"))
	err := exchangeWith(t, subject{dnspeer.Reader{Address: p.Address()}, p}, m, testKey(t, ""), hostClock{})
	if len(s.records(t, "forwarded.example.test.", "A")) == 1 {
		return verdict(err) + ", forwarded"
	}
	return verdict(err)
}

func crashKept(t *testing.T, s subject) string {
	carryOut(t, s, recordA("crash.example.test.", 60, "192.0.2.1"))
	p := s.peer.In(t)
	p.Kill()
	p.Restart()
	if len(s.records(t, "crash.example.test.", "A")) == 1 {
		return "kept"
	}
	return "lost"
}
