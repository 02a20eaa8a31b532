package dnsreg

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func sampleMemo() memo {
	return memo{
		Names: []string{"web.example.test.", hostName},
		RRsets: []memoRRset{
			{Zone: "2.0.192.in-addr.arpa.", Name: "10.0/25.2.0.192.in-addr.arpa.", Type: "PTR", Own: []string{hostName}},
			{Zone: "example.test.", Name: hostName, Type: "AAAA", Maybe: []string{"2001:db8::10"}},
			{Zone: "example.test.", Name: hostName, Type: "A", Own: []string{"192.0.2.9", "192.0.2.10"}},
			{Name: hostName, Type: "TXT", Own: []string{"heritage=hextet,owner=a b"}},
		},
		Retired: []memoRetired{{netip.MustParseAddr("2001:db8::9"), hostName}, {netip.MustParseAddr("192.0.2.8"), hostName}},
	}
}

// sampleText is sampleMemo as a person reads it. The checksum: tail -n +2 file | sha256sum
const sampleText = `hextet-dnsreg-state 1 sha256:36c118a398a7b973e21dafc96d2218166490e3152acdbab8d1e90c2c5ed062f0
{
	"names": [
		"host.example.test.",
		"web.example.test."
	],
	"rrsets": [
		{
			"zone": "2.0.192.in-addr.arpa.",
			"name": "10.0/25.2.0.192.in-addr.arpa.",
			"type": "PTR",
			"own": [
				"host.example.test."
			]
		},
		{
			"zone": "example.test.",
			"name": "host.example.test.",
			"type": "A",
			"own": [
				"192.0.2.10",
				"192.0.2.9"
			]
		},
		{
			"zone": "example.test.",
			"name": "host.example.test.",
			"type": "AAAA",
			"maybe": [
				"2001:db8::10"
			]
		},
		{
			"name": "host.example.test.",
			"type": "TXT",
			"own": [
				"heritage=hextet,owner=a b"
			]
		}
	],
	"retired": [
		{
			"address": "192.0.2.8",
			"name": "host.example.test."
		},
		{
			"address": "2001:db8::9",
			"name": "host.example.test."
		}
	]
}
`

func TestMemoAsText(t *testing.T) {
	m := sampleMemo()
	data := m.encode()
	if string(data) != sampleText {
		t.Errorf("got\n%s", data)
	}
	if !reflect.DeepEqual(m, sampleMemo()) {
		t.Error("encode has changed the memo")
	}
	got, err := decodeMemo(data)
	if err != nil || !reflect.DeepEqual(got, m.sorted()) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := decodeMemo(memo{}.encode()); err != nil || !bytes.Equal(got.encode(), memo{}.encode()) {
		t.Errorf("the empty one becomes %+v, %v", got, err)
	}
}

func stateError(t *testing.T, err error) *StateError {
	t.Helper()
	e, ok := errors.AsType[*StateError](err)
	if !ok {
		t.Fatalf("error %v is no *StateError", err)
	}
	if ClassOf(err) != Permanent || !strings.HasPrefix(err.Error(), "dnsreg: state") || e.Rule == "" {
		t.Errorf("error %v, class %v", err, ClassOf(err))
	}
	return e
}

// Whatever happens to the bytes is noticed: every bit, every length.
func TestDamagedMemo(t *testing.T) {
	data := sampleMemo().encode()
	for n := range data {
		_, err := decodeMemo(data[:n])
		stateError(t, err)
	}
	for bit := range 8 * len(data) {
		b := bytes.Clone(data)
		b[bit/8] ^= 1 << (bit % 8)
		_, err := decodeMemo(b)
		stateError(t, err)
	}
	for _, b := range [][]byte{nil, {}, []byte("\n"), append(bytes.Clone(data), 0), bytes.Repeat([]byte{0}, 4096), bytes.ToUpper(data),
		append([]byte(" "), data...), bytes.Repeat(data, maxState/len(data)+1), bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))} {
		_, err := decodeMemo(b)
		stateError(t, err)
	}
}

// signed puts the first line before a body.
func signedState(body string) []byte {
	return fmt.Appendf(nil, "hextet-dnsreg-state 1 sha256:%x\n%s", sha256.Sum256([]byte(body)), body)
}

func TestBadMemo(t *testing.T) {
	set := func(s string) string { return `{"rrsets":[` + s + `]}` }
	for body, says := range map[string]string{
		``:                                     "JSON",
		`[]`:                                   "JSON",
		`{} {}`:                                "follows",
		`{"color":"red"}`:                      `unknown field "color"`,
		`{"names":["host"]}`:                   `name "host"`,
		`{"names":["A.b.test."]}`:              `name "A.b.test."`,
		`{"names":["*.test."]}`:                `name "*.test."`,
		set(`{"name":"","type":"A"}`):          `RRset ""`,
		set(`{"name":"a.test","type":"A"}`):    "no canonical domain name",
		set(`{"name":"a b.test.","type":"A"}`): "no canonical domain name",
		set(`{"name":"a.test.","type":"MX"}`):  `type "MX"`,
		set(`{"name":"a.test.","type":"a"}`):   `type "a"`,
		set(`{"name":"a.test.","type":"A","zone":"b.test."}`):                  `not in zone "b.test."`,
		set(`{"name":"a.test.","type":"A","zone":"est."}`):                     `not in zone "est."`,
		set(`{"name":"a.test.","type":"A"},{"name":"a.test.","type":"A"}`):     "given twice",
		set(`{"name":"a.test.","type":"A","own":["::1"]}`):                     `data "::1"`,
		set(`{"name":"a.test.","type":"A","own":["192.0.2.1","192.0.2.256"]}`): `data "192.0.2.256"`,
		set(`{"name":"a.test.","type":"AAAA","own":["192.0.2.1"]}`):            `data "192.0.2.1"`,
		set(`{"name":"a.test.","type":"AAAA","own":["2001:DB8::1"]}`):          `data "2001:DB8::1"`,
		set(`{"name":"a.test.","type":"AAAA","maybe":["fe80::1%eth0"]}`):       `data "fe80::1%eth0"`,
		set(`{"name":"a.test.","type":"PTR","own":["host"]}`):                  `data "host"`,
		set(`{"name":"a.test.","type":"TXT","own":["a\u0000b"]}`):              `data "a\x00b"`,
		set(`{"name":"a.test.","type":"TXT","own":[""]}`):                      `data ""`,
		`{"retired":[{"address":"","name":"a.test."}]}`:                        "retired address",
		`{"retired":[{"address":"fe80::1%1","name":"a.test."}]}`:               "retired address",
		`{"retired":[{"address":"192.0.2.1","name":"test."}]}`:                 "retired address",
	} {
		_, err := decodeMemo(signedState(body))
		if e := stateError(t, err); !strings.Contains(e.Error(), says) {
			t.Errorf("%s: %v, want %q", body, err, says)
		}
	}
}

func TestNewerState(t *testing.T) {
	for _, line := range []string{"hextet-dnsreg-state 2 sha256:00\n", "hextet-dnsreg-state 17 xxh3:99 zstd\n\x28\xb5"} {
		_, err := decodeMemo([]byte(line))
		if e := stateError(t, err); !errors.Is(err, errNewerState) || !strings.Contains(e.Error(), "newer than 1") {
			t.Errorf("error %v", err)
		}
	}
	for _, line := range []string{"hextet-dnsreg-state 0 sha256:00\n", "hextet-dnsreg-state -1\n", "hextet-dnsreg-state 99999999999999999999\n"} {
		if _, err := decodeMemo([]byte(line)); errors.Is(err, errNewerState) {
			t.Errorf("error %v", err)
		}
	}
}

// Nothing panics, and what is read is written in the same words.
func FuzzDecodeMemo(f *testing.F) {
	body := sampleText[strings.Index(sampleText, "\n")+1:]
	f.Add([]byte(sampleText), false)
	f.Add([]byte(body), true)
	f.Add([]byte(`{"names":null,"rrsets":[{"name":"_x.a.test.","type":"DHCID","own":["AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA="]}]}`), true)
	f.Fuzz(func(t *testing.T, data []byte, sign bool) {
		if sign {
			data = signedState(string(data))
		}
		m, err := decodeMemo(data)
		if err != nil {
			stateError(t, err)
			return
		}
		again, err := decodeMemo(m.encode())
		if err != nil || !bytes.Equal(again.encode(), m.encode()) {
			t.Errorf("%+v becomes %+v, %v", m, again, err)
		}
	})
}

// Whatever a server has at our names and makes ours, the state that is kept of it can be read.
func TestJournalWritesWhatIsRead(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 9))
		st := new(memState)
		w := &world{t: t}
		owner := []Owner{{}, OwnerTXT("a b;c"), OwnerDHCID([]byte{0, 1, 2})}[rng.IntN(3)]
		names := []HostName{{Name: "host.example.test"}, {Name: "x_1.example.test"}}
		r := w.registrar(func(c *Config) {
			c.Name, c.Names, c.Underscore, c.State, c.Owner = "", names, true, st, owner
			c.Adopt = func(netip.Addr) bool { return true }
		})
		for range 1 + rng.IntN(3) {
			for _, n := range r.cfg.Names {
				r.learnAndTake(t, n.Name, rng)
			}
			r.journal(nil)
			m, err := decodeMemo(st.data)
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, st.data)
			}
			if again := m.encode(); !bytes.Equal(again, st.data) {
				t.Fatalf("seed %d: it is read as\n%s\nof\n%s", seed, again, st.data)
			}
		}
	}
}

// learnAndTake has the server answer for a name with random records, and takes those that are claimed, or may be ours.
func (r *Registrar) learnAndTake(t *testing.T, name string, rng *rand.Rand) {
	t.Helper()
	p := place{name, "example.test.", serverAddr}
	mapped := func() net.IP { return net.ParseIP(fmt.Sprintf("::ffff:192.0.2.%d", rng.IntN(9))) }
	d := decision{names: []nameDecision{{name: name}}}
	for _, w := range append(r.forwardWants(d, name), r.marks(name, true)...) {
		m := new(dns.Msg)
		h := dns.RR_Header{Name: name, Rrtype: w.key.rtype, Class: dns.ClassINET, Ttl: 60}
		for range rng.IntN(4) {
			var rr dns.RR
			switch w.key.rtype {
			case dns.TypeA:
				rr = &dns.A{Hdr: h, A: mapped().To4()}
			case dns.TypeAAAA:
				rr = &dns.AAAA{Hdr: h, AAAA: []net.IP{mapped(), {15: byte(rng.IntN(9))}, net.ParseIP("fe80::1"), net.ParseIP("2001:db8::1")}[rng.IntN(4)]}
			default:
				_, mark := r.cfg.Owner.record(name)
				text := []string{mark, "", "heritage=x", "\x00", "ä"}[rng.IntN(5)]
				if rr = dns.RR(&dns.TXT{Hdr: h, Txt: []string{text}}); w.key.rtype == dns.TypeDHCID {
					rr = &dns.DHCID{Hdr: h, Digest: []string{mark, "AAIB"}[rng.IntN(2)]}
				}
			}
			m.Answer = append(m.Answer, rr)
		}
		set := r.set(w.key)
		for a := range w.data {
			set.maybe[a] = true
		}
		r.learn(p, w.key, m)
		set.take(w)
	}
}
