package dnsregtest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var secret = []byte("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk")

func start(t *testing.T, cfg Config) (s *Server, address string) {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if address, err = s.Listen("127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	return s, address
}

func exchange(t *testing.T, address string, m *dns.Msg) *dns.Msg {
	t.Helper()
	reply, err := dns.Exchange(m, address)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

func TestBadZones(t *testing.T) {
	for _, zones := range [][]string{{""}, {"a..b"}, {"a.test", "A.test."}} {
		if _, err := New(Config{Zones: zones}); err == nil || !strings.HasPrefix(err.Error(), "dnsregtest: ") {
			t.Errorf("%q: %v", zones, err)
		}
	}
}

func TestBadConfigs(t *testing.T) {
	keys := map[string][]byte{"key": secret}
	for says, cfg := range map[string]Config{
		`key name "a..b"`:                 {Keys: map[string][]byte{"a..b": nil}},
		`key "other" tied to`:             {Keys: keys, Algorithms: map[string]string{"other": "hmac-sha256"}},
		`key "key" tied to "hmac-md5."`:   {Keys: keys, Algorithms: map[string]string{"key": "hmac-md5"}},
		`read-only zone "b.test" is none`: {Zones: []string{"a.test"}, ReadOnly: []string{"b.test"}},
		`MaxStreams: -1`:                  {MaxStreams: -1},
	} {
		if _, err := New(cfg); err == nil || !strings.HasPrefix(err.Error(), "dnsregtest: "+says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}

// The goroutines are run by whom the caller says, who then has to wait for them.
func TestGo(t *testing.T) {
	var wg sync.WaitGroup
	started := 0
	s, address := start(t, Config{Zones: []string{"example.test"}, Go: func(f func()) { started++; wg.Go(f) }})
	m := new(dns.Msg).SetQuestion("example.test.", dns.TypeSOA)
	if reply := exchange(t, address, m); len(reply.Answer) != 1 {
		t.Error(reply)
	}
	s.Close()
	wg.Wait()
	if started != 2 { // a socket and a listener
		t.Errorf("%d goroutines", started)
	}
}

// No key is not the same as no keys: who wants signed updates and has no key yet takes none.
func TestNoKeyYet(t *testing.T) {
	for _, keys := range []map[string][]byte{nil, {}} {
		_, address := start(t, Config{Zones: []string{"example.test"}, Keys: keys})
		reply := exchange(t, address, update(t, "example.test.", "update IN a.example.test. 60 A 192.0.2.1"))
		if (reply.Rcode == dns.RcodeRefused) != (keys != nil) {
			t.Errorf("keys %#v: %v", keys, reply)
		}
	}
}

// broken fails as soon as something is wanted of it.
type broken struct {
	net.PacketConn
	net.Listener
	err error
}

func (b broken) ReadFrom([]byte) (int, net.Addr, error) { return 0, nil, b.err }
func (b broken) Accept() (net.Conn, error)              { return nil, b.err }
func (b broken) Close() error                           { return nil }

// Close tells of sockets that failed, but not of those that were closed by who has opened them.
func TestBrokenSockets(t *testing.T) {
	for _, want := range []error{syscall.EMFILE, net.ErrClosed} {
		var wg sync.WaitGroup
		s, err := New(Config{Go: wg.Go})
		if err != nil {
			t.Fatal(err)
		}
		serve := map[string]func(error){
			"udp": func(err error) { s.ServePacket(broken{err: fmt.Errorf("udp: %w", err)}) },
			"tcp": func(err error) { s.ServeListener(broken{err: fmt.Errorf("tcp: %w", err)}) },
		}
		for _, f := range serve {
			f(want)
		}
		wg.Wait()
		err = s.Close()
		for network := range serve {
			if told := err != nil && strings.Contains(err.Error(), network+": "); told != (want == syscall.EMFILE) || told && !errors.Is(err, want) {
				t.Errorf("%s, %v: %v", network, want, err)
			}
		}
	}
}

func TestInsert(t *testing.T) {
	s, err := New(Config{Zones: []string{"example.test"}})
	if err != nil {
		t.Fatal(err)
	}
	for line, says := range map[string]string{
		"no record": "", "a.example.com. A 192.0.2.1": "no zone", "a.example.test. SOA a. b. 1 2 3 4 5": "no zone", "": "no record in it", "; a comment": "no record in it",
	} {
		err := s.Insert("good.example.test. 60 A 192.0.2.1", line)
		if err == nil || !strings.Contains(err.Error(), strconv.Quote(line)) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "%!") {
			t.Errorf("%q: %v", line, err)
		}
		if got := s.Records("good.example.test"); got != nil {
			t.Errorf("%q: loaded before the error: %v", line, got)
		}
	}
	if s.Serial("example.test") != 1 || s.Serial("example.com") != 0 || s.Zone("example.com") != nil {
		t.Error("serials")
	}
	if err := s.Insert("a.example.test. 60 A 192.0.2.1", "a.example.test. 70 A 192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.Records("A.example.test")); got != "[a.example.test. 70 A 192.0.2.1]" {
		t.Error(got)
	}
}

func TestQueries(t *testing.T) {
	s, address := start(t, Config{Zones: []string{"example.test", "sub.example.test"}})
	err := s.Insert("a.example.test. 60 A 192.0.2.1", "a.example.test. 60 AAAA 2001:db8::1", "b.c.example.test. 60 A 192.0.2.2",
		"alias.example.test. 60 CNAME a.example.test.", "out.example.test. 60 CNAME a.example.com.",
		"loop.example.test. 60 CNAME loop.example.test.", "away.example.test. 60 NS ns.example.com.", "h.sub.example.test. 60 A 192.0.2.3")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		qtype  uint16
		rcode  int
		answer string // types in order
		ns     string
		aa     bool
	}{
		{"a.example.test.", dns.TypeA, dns.RcodeSuccess, "A", "", true},
		{"A.Example.TEST.", dns.TypeA, dns.RcodeSuccess, "A", "", true},
		{"a.example.test.", dns.TypeTXT, dns.RcodeSuccess, "", "SOA example.test.", true},
		{"x.example.test.", dns.TypeA, dns.RcodeNameError, "", "SOA example.test.", true},
		{"c.example.test.", dns.TypeA, dns.RcodeSuccess, "", "SOA example.test.", true}, // empty non-terminal
		{"example.test.", dns.TypeSOA, dns.RcodeSuccess, "SOA", "", true},
		{"x.sub.example.test.", dns.TypeSOA, dns.RcodeNameError, "", "SOA sub.example.test.", true},
		{"h.sub.example.test.", dns.TypeA, dns.RcodeSuccess, "A", "", true},
		{"alias.example.test.", dns.TypeA, dns.RcodeSuccess, "CNAME A", "", true},
		{"alias.example.test.", dns.TypeTXT, dns.RcodeSuccess, "CNAME", "SOA example.test.", true},
		{"alias.example.test.", dns.TypeCNAME, dns.RcodeSuccess, "CNAME", "", true},
		{"out.example.test.", dns.TypeA, dns.RcodeSuccess, "CNAME", "", true},
		{"loop.example.test.", dns.TypeA, dns.RcodeServerFailure, "CNAME CNAME CNAME CNAME CNAME CNAME CNAME CNAME", "", true},
		{"h.away.example.test.", dns.TypeA, dns.RcodeSuccess, "", "NS away.example.test.", false},
		{"a.example.com.", dns.TypeA, dns.RcodeRefused, "", "", false},
	} {
		m := new(dns.Msg)
		m.SetQuestion(test.name, test.qtype)
		got := exchange(t, address, m)
		var types, ns []string
		for _, rr := range got.Answer {
			types = append(types, dns.Type(rr.Header().Rrtype).String())
		}
		for _, rr := range got.Ns {
			ns = append(ns, dns.Type(rr.Header().Rrtype).String()+" "+rr.Header().Name)
		}
		if got.Rcode != test.rcode || strings.Join(types, " ") != test.answer || strings.Join(ns, " ") != test.ns || got.Authoritative != test.aa {
			t.Errorf("%s %s: %v", test.name, dns.Type(test.qtype), got)
		}
	}
	m := new(dns.Msg)
	m.SetQuestion("a.example.test.", dns.TypeANY)
	if got := exchange(t, address, m); len(got.Answer) != 2 {
		t.Errorf("ANY: %v", got)
	}
}

func TestTruncationAndSize(t *testing.T) {
	s, address := start(t, Config{Zones: []string{"example.test"}})
	for i := range 50 {
		if err := s.Insert(fmt.Sprintf("a.example.test. 60 A 192.0.2.%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	m := new(dns.Msg)
	m.SetQuestion("a.example.test.", dns.TypeA)
	if got := exchange(t, address, m); !got.Truncated || len(got.Answer) != 0 {
		t.Errorf("over UDP: %v", got)
	}
	c := dns.Client{Net: "tcp"}
	if got, _, err := c.Exchange(m, address); err != nil || got.Truncated || len(got.Answer) != 50 {
		t.Errorf("over TCP: %v, %v", got, err)
	}
	m.SetEdns0(1232, false)
	c = dns.Client{UDPSize: 1232}
	if got, _, err := c.Exchange(m, address); err != nil || got.Truncated || len(got.Answer) != 50 || got.IsEdns0() == nil {
		t.Errorf("over UDP with EDNS: %v, %v", got, err)
	}
	if st := s.Stats(); st.Queries != 3 || st.TCP != 1 || st.QueryBytes < 3*32 {
		t.Errorf("stats %+v", st)
	}
}

// The standard library's resolver is a client that nobody here wrote.
func TestStandardResolver(t *testing.T) {
	s, address := start(t, Config{Zones: []string{"example.test", "2.0.192.in-addr.arpa"}})
	if err := s.Insert("a.example.test. 60 A 192.0.2.1", "a.example.test. 60 AAAA 2001:db8::1", "1.2.0.192.in-addr.arpa. 60 PTR a.example.test."); err != nil {
		t.Fatal(err)
	}
	var d net.Dialer
	r := &net.Resolver{PreferGo: true}
	r.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return d.DialContext(ctx, network, address)
	}
	got, err := r.LookupHost(t.Context(), "a.example.test.")
	slices.Sort(got)
	if err != nil || !slices.Equal(got, []string{"192.0.2.1", "2001:db8::1"}) {
		t.Errorf("LookupHost: %v, %v", got, err)
	}
	if got, err := r.LookupAddr(t.Context(), "192.0.2.1"); err != nil || !slices.Equal(got, []string{"a.example.test."}) {
		t.Errorf("LookupAddr: %v, %v", got, err)
	}
}

func TestGarbageIsCounted(t *testing.T) {
	s, address := start(t, Config{Zones: []string{"example.test"}})
	conn, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	q := new(dns.Msg)
	q.SetQuestion("example.test.", dns.TypeSOA)
	good, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	q.Response = true
	answer, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{{1}, make([]byte, 11), answer, make([]byte, 12), good[:20], good} {
		if _, err := conn.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for range 3 {
		b := make([]byte, 512)
		n, err := conn.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		m := new(dns.Msg)
		if err := m.Unpack(b[:n]); err != nil || !m.Response {
			t.Fatalf("%x: %v", b[:n], err)
		}
		got = append(got, dns.RcodeToString[m.Rcode])
	}
	if want := []string{"FORMERR", "FORMERR", "NOERROR"}; !slices.Equal(got, want) {
		t.Errorf("replies %v, want %v", got, want)
	}
	// Twelve zeros are a query without a question: it can be read.
	if st := s.Stats(); st.Malformed != 4 || st.Dropped != 3 || st.Queries != 2 {
		t.Errorf("stats %+v", st)
	}
}

func TestTSIG(t *testing.T) {
	now := time.Now()
	s, address := start(t, Config{Zones: []string{"example.test"}, Keys: map[string][]byte{"Key": secret}, Now: func() time.Time { return now }})
	for _, test := range []struct {
		name, key, secret string
		at                time.Time
		rcode, tsig       int
	}{
		{"good", "key.", string(secret), now, dns.RcodeSuccess, 0},
		{"other key", "other.", string(secret), now, dns.RcodeNotAuth, dns.RcodeBadKey},
		{"other secret", "key.", "x", now, dns.RcodeNotAuth, dns.RcodeBadSig},
		{"early", "key.", string(secret), now.Add(302 * time.Second), dns.RcodeNotAuth, dns.RcodeBadTime},
		{"late", "key.", string(secret), now.Add(-302 * time.Second), dns.RcodeNotAuth, dns.RcodeBadTime},
		{"unsigned", "", "", now, dns.RcodeRefused, -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := new(dns.Msg)
			m.SetUpdate("example.test.")
			if test.key != "" {
				m.SetTsig(test.key, dns.HmacSHA256, 300, test.at.Unix())
			}
			encoded := base64.StdEncoding.EncodeToString([]byte(test.secret))
			conn := dns.Conn{TsigSecret: map[string]string{test.key: encoded}}
			var err error
			if conn.Conn, err = net.Dial("udp", address); err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.WriteMsg(m); err != nil {
				t.Fatal(err)
			}
			raw := make([]byte, 512)
			n, err := conn.Conn.Read(raw)
			if err != nil {
				t.Fatal(err)
			}
			reply := new(dns.Msg)
			if err := reply.Unpack(raw[:n]); err != nil {
				t.Fatal(err)
			}
			got := -1
			if sig := reply.IsTsig(); sig != nil {
				got = int(sig.Error)
				if signed := sig.MACSize != 0; signed != (got == 0 || got == dns.RcodeBadTime) {
					t.Errorf("MAC of %d octets with error %d", sig.MACSize, got)
				}
			}
			if reply.Rcode != test.rcode || got != test.tsig {
				t.Errorf("rcode %d, TSIG error %d; want %d, %d", reply.Rcode, got, test.rcode, test.tsig)
			}
		})
	}
	if s.Serial("example.test") != 1 {
		t.Error("an empty update raised the serial")
	}
}

func TestCloseEndsEverything(t *testing.T) {
	asked, never := make(chan struct{}), make(chan struct{})
	s, address := start(t, Config{Zones: []string{"example.test"}, Fault: func(Request) Fault {
		close(asked)
		return Fault{Until: never}
	}})
	idle, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	q := new(dns.Msg)
	q.SetQuestion("example.test.", dns.TypeSOA)
	c := dns.Conn{Conn: idle}
	if err := c.WriteMsg(q); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := idle.Read(make([]byte, 1)); err != io.EOF && err == nil {
		t.Errorf("the stream is still open: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.ServePacket(pc) // too late
	if _, _, err := pc.ReadFrom(make([]byte, 1)); err == nil {
		t.Error("a closed server serves")
	}
}
