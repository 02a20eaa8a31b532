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

// cells say what comes of a case, by column. Those left out at the end say what BIND's says.
type cells []string

// matrixCase is one thing that may happen, and what comes of it at each server.
type matrixCase struct {
	title string
	drive func(t *testing.T, s subject) string
	cells cells
}

const matrixIntro = `# What name servers say, and what dnsreg makes of it

TestMatrix sees to each cell, at BIND 9.18.49, Knot DNS 3.2.6, PowerDNS 4.7.3 with its SQLite backend, and
dnsregtest. After the colon stands the class of the error, as dnsreg.ClassOf gives it. Requests are signed unless
the case says otherwise, and so are replies unless the cell says "unsigned". An unsigned reply may be anybody's:
dnsreg goes on listening for a better one, and if none comes reports a NoReplyError that names it as a hint.

`

const matrixOutro = `
What dnsreg does about it:

- Names are checked before anything is sent: what one server refuses another one takes, wildcards included.
- An update requires that there is no CNAME at the name: the record would be ignored, with NOERROR.
- A new TTL is a delete and an add in one message: Knot keeps the old one after an add alone.
- A message over 512 octets goes over TCP: PowerDNS does not hear longer datagrams.
- 64 addresses of a family at most, unless told otherwise: BIND refuses more than 100 records of a type with
  SERVFAIL, as if it might pass.
- Knot knows a right to query. A key that updates a zone may also read it; in other zones that it has to ask about,
  as the parent of a delegation by RFC 2317 is, it needs "action: query".
- A refresh is prerequisites only: no serial moves.
`

// What cells say more than once.
const (
	badKey      = "NOTAUTH BADKEY, unsigned: permanent"
	badSig      = "NOTAUTH BADSIG, unsigned: permanent"
	badTime     = "NOTAUTH BADTIME: clock skew, its size known"
	refused     = "REFUSED: rediscover"
	refusedHint = "REFUSED, unsigned: rediscover"
	notAuth     = "NOTAUTH: rediscover"
	notAuthHint = "NOTAUTH, unsigned: rediscover"
	formErrHint = "FORMERR, unsigned: permanent"
	silence     = "silence: transient"
	hidden      = "NOERROR, not to be seen"
	isAdded     = "NOERROR, added"
	changed     = "NOERROR, changed"
	forwarded   = "NOERROR, forwarded"
	all101      = "NOERROR, 101 added"
)

var matrix = []matrixCase{
	{"update with an unknown key", withKey("other.", "", secret, addOne), cells{badKey, badKey, refusedHint}},
	{"query with an unknown key", withKey("other.", "", secret, soaQuery), cells{badKey, badKey, notAuthHint}},
	{"update with a wrong secret", withKey(keyName, "", []byte("wrong"), addOne), cells{badSig, badSig, refusedHint}},
	{"query with a wrong secret", withKey(keyName, "", []byte("wrong"), soaQuery), cells{badSig, badSig, notAuthHint}},
	{"update with another algorithm than the key's", withKey(keyName, "hmac-sha512", secret, addOne), cells{badKey, badKey, refusedHint, "NOERROR"}},
	{"update by a clock 400 s slow", withSkew(-400*time.Second, addOne), cells{badTime, badTime, refusedHint}},
	{"update by a clock an hour fast", withSkew(time.Hour, addOne), cells{badTime, badTime, refusedHint}},
	{"query by a clock an hour fast", withSkew(time.Hour, soaQuery), cells{badTime, badTime, notAuthHint}},
	{"unsigned update", unsignedUpdate, cells{refused, notAuth}},
	{"update with two TSIG records", twoSignatures, cells{formErrHint, formErrHint, silence}},
	{"update of a zone not served", exchanged(updateOf("example.com.", a("new.example.com.", 60, "192.0.2.1"))), cells{notAuth, notAuthHint, refused}},
	{"query for a name in no zone served", exchanged(question("host.example.com.")), cells{refused, refusedHint}},
	{"update of a zone without the right to", exchanged(updateOf("locked.test.", a("new.locked.test.", 60, "192.0.2.1"))), cells{refused, badKey, refused, untried}},
	{"query in such a zone", exchanged(question("locked.test.")), cells{"NOERROR", "NOERROR", "NOERROR", untried}},
	{"query in a zone without the right to", exchanged(question("unread.test.")), cells{untried, badKey, untried, untried}},
	{"record outside the zone", exchanged(updateOf("example.test.", a("new.example.com.", 60, "192.0.2.1"))), cells{"NOTZONE: rediscover"}},
	{"zone section that is not SOA", exchanged(wrongZoneSection), cells{"FORMERR: permanent", formErrHint}},
	{"prerequisite: RRset should exist", exchanged(prerequisite(&dns.ANY{Hdr: header("none.example.test.", dns.TypeA, dns.ClassANY)})), cells{"NXRRSET: transient"}},
	{"prerequisite: RRset should not", exchanged(prerequisite(&dns.ANY{Hdr: header("ns1.example.test.", dns.TypeA, dns.ClassNONE)})), cells{"YXRRSET: transient"}},
	{"prerequisite: name should exist", exchanged(prerequisite(&dns.ANY{Hdr: header("none.example.test.", dns.TypeANY, dns.ClassANY)})), cells{"NXDOMAIN: transient"}},
	{"prerequisite: name should not", exchanged(prerequisite(&dns.ANY{Hdr: header("ns1.example.test.", dns.TypeANY, dns.ClassNONE)})), cells{"YXDOMAIN: transient"}},
	{"A beside a CNAME", added("alias.example.test."), cells{hidden, hidden, refused}},
	{"A at _x", added("_x.example.test."), cells{refused, isAdded, isAdded, isAdded}},
	{"A at a name with a blank", added(`a\032b.example.test.`), cells{refused, isAdded, isAdded, isAdded}},
	{"A at a name with an octet above 127", added(`\233.example.test.`), cells{refused, isAdded, "NOERROR, then SERVFAIL", isAdded}},
	{"A at -x", added("-x.example.test."), cells{refused, isAdded, isAdded, isAdded}},
	{"A at a wildcard", added("*.wild.example.test."), cells{isAdded}},
	{"A below a zone cut", added("host.cut.example.test."), cells{hidden}},
	{"same A with another TTL", anotherTTL, cells{changed, "NOERROR, kept"}},
	{"delete and add of the same A with another TTL", anotherTTLByDelete, cells{changed}},
	{"serial after an add of what is there", serialAfter(a("ns1.example.test.", 300, "127.0.0.1")), cells{"+0"}},
	{"serial after a delete and add of the same", serialAfter(del("ns1.example.test.", "127.0.0.1"), a("ns1.example.test.", 300, "127.0.0.1")), cells{"+0", "+0", "+1"}},
	{"serial after prerequisites only", serialAfter(), cells{"+0"}},
	{"UDP, 1.4 KB", datagram(1400), cells{"NOERROR", "NOERROR", silence}},
	{"UDP, 56 KB", datagram(56_000), cells{"NOERROR", "NOERROR", silence}},
	{"101 A at a name", manyRecords, cells{"SERVFAIL: transient, 0 added", all101, all101, all101}},
	{"update to a secondary", toSecondary, cells{refused, forwarded, forwarded, untried}},
	{"killed after the acknowledgement", crash, cells{"kept", "kept", "kept", untried}},
}

func header(name string, rtype, class uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rtype, Class: class}
}

func a(name string, ttl uint32, addr string) dns.RR {
	h := header(name, dns.TypeA, dns.ClassINET)
	h.Ttl = ttl
	return &dns.A{Hdr: h, A: netip.MustParseAddr(addr).AsSlice()}
}

func del(name, addr string) dns.RR {
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
	addOne           = updateOf("example.test.", a("new.example.test.", 60, "192.0.2.1"))
	soaQuery         = question("host.example.test.")
	wrongZoneSection = func() *dns.Msg {
		m := updateOf("example.test.", a("new.example.test.", 60, "192.0.2.1"))
		m.Question[0].Qtype = dns.TypeA
		return m
	}()
)

// send puts a message through the exchange that a Registrar uses.
func send(t *testing.T, s subject, m *dns.Msg, key Key, clock Clock) error {
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
		return verdict(send(t, s, m, key, hostClock{}))
	}
}

func exchanged(m *dns.Msg) func(*testing.T, subject) string {
	return withKey(keyName, "", secret, m)
}

// skewedClock is ahead of the host's, or behind.
type skewedClock struct {
	Clock
	by time.Duration
}

func (c skewedClock) Now() time.Time { return c.Clock.Now().Add(c.by) }

// withSkew checks the size of the skew that an error states: seconds are what TSIG counts in.
func withSkew(by time.Duration, m *dns.Msg) func(*testing.T, subject) string {
	return func(t *testing.T, s subject) string {
		err := send(t, s, m, testKey(t, ""), skewedClock{hostClock{}, by})
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
	return verdict(send(t, s, addOne, nil, hostClock{}))
}

// raw sends a request as it is, over UDP, whatever its length.
func raw(t *testing.T, s subject, req *request) error {
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

func signed(t *testing.T, s subject, m *dns.Msg) *request {
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
	req := signed(t, s, addOne)
	var err error
	if req.wire, req.mac, err = signTSIG(req.key, req.wire, time.Now()); err != nil {
		t.Fatal(err)
	}
	return verdict(raw(t, s, req))
}

// added adds an A record and looks whether it is there.
func added(name string) func(*testing.T, subject) string {
	return func(t *testing.T, s subject) string {
		err := send(t, s, updateOf("example.test.", a(name, 60, "192.0.2.1")), testKey(t, ""), hostClock{})
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

// must carries an update out.
func must(t *testing.T, s subject, rrs ...dns.RR) {
	t.Helper()
	if err := send(t, s, updateOf("example.test.", rrs...), testKey(t, ""), hostClock{}); err != nil {
		t.Fatal(err)
	}
}

func anotherTTL(t *testing.T, s subject) string {
	must(t, s, a("ttl.example.test.", 60, "192.0.2.1"))
	must(t, s, a("ttl.example.test.", 120, "192.0.2.1"))
	return ttlOf(t, s, "ttl.example.test.")
}

func anotherTTLByDelete(t *testing.T, s subject) string {
	must(t, s, a("ttl2.example.test.", 60, "192.0.2.1"))
	must(t, s, del("ttl2.example.test.", "192.0.2.1"), a("ttl2.example.test.", 120, "192.0.2.1"))
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
		if err := send(t, s, m, testKey(t, ""), hostClock{}); err != nil {
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
		req := signed(t, s, m)
		if n := len(req.wire); n < size*9/10 || n > size*11/10 {
			t.Fatalf("%d octets, want about %d", n, size)
		}
		return verdict(raw(t, s, req))
	}
}

func manyRecords(t *testing.T, s subject) string {
	m := updateOf("example.test.")
	for i := range 101 {
		m.Ns = append(m.Ns, a("many.example.test.", 60, fmt.Sprintf("192.0.2.%d", i)))
	}
	says := verdict(send(t, s, m, testKey(t, ""), hostClock{}))
	return fmt.Sprintf("%s, %d added", says, len(s.records(t, "many.example.test.", "A")))
}

// toSecondary asks a secondary of the same kind.
func toSecondary(t *testing.T, s subject) string {
	p := dnspeer.Start(t, s.peer.Kind(), dnspeer.Config{
		Keys: []dnspeer.Key{peerKey}, Zones: []dnspeer.Zone{{Name: "example.test", Primary: s.Address}},
	})
	m := updateOf("example.test.", a("forwarded.example.test.", 60, "192.0.2.1"))
	err := send(t, subject{dnspeer.Reader{Address: p.Address()}, p}, m, testKey(t, ""), hostClock{})
	if len(s.records(t, "forwarded.example.test.", "A")) == 1 {
		return verdict(err) + ", forwarded"
	}
	return verdict(err)
}

func crash(t *testing.T, s subject) string {
	must(t, s, a("crash.example.test.", 60, "192.0.2.1"))
	p := s.peer.In(t)
	p.Kill()
	p.Restart()
	if len(s.records(t, "crash.example.test.", "A")) == 1 {
		return "kept"
	}
	return "lost"
}
