package dnsreg

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// The bytes of TestGoldenAgainstNsupdate were recorded with BIND 9.18.49 at 2026-11-22 01:05:02 UTC, by a
// relay between nsupdate and a named that has the key, zone example.test:
//
//	nsupdate -y hmac-sha256:upd.example.test:a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=
//	zone example.test
//	prereq nxrrset host.example.test. CNAME
//	prereq nxrrset host.example.test. A
//	prereq nxrrset host.example.test. AAAA
//	update add host.example.test. 1200 A 192.0.2.10
//	update add host.example.test. 1200 AAAA 2001:db8::10
//	send
//	zone example.test
//	prereq nxrrset host.example.test. CNAME
//	prereq yxrrset host.example.test. A 192.0.2.10
//	update delete host.example.test. A 192.0.2.10
//	update add host.example.test. 1200 A 192.0.2.11
//	send
const (
	goldenAdd = "e719 2800 0001 0003 0002 0001" + // id, opcode UPDATE; 1 zone, 3 prerequisites, 2 updates, 1 additional
		"076578616d706c650474657374 00 0006 0001" + // example.test. SOA IN
		"04686f7374 c00c 0005 00fe 00000000 0000" + // host CNAME NONE: does not exist
		"c01e 0001 00fe 00000000 0000" + // A NONE
		"c01e 001c 00fe 00000000 0000" + // AAAA NONE
		"c01e 0001 0001 000004b0 0004 c000020a" + // add A 192.0.2.10, TTL 1200
		"c01e 001c 0001 000004b0 0010 20010db8000000000000000000000010" +
		"03757064076578616d706c650474657374 00 00fa 00ff 00000000 003d" + // upd.example.test. TSIG ANY
		"0b686d61632d736861323536 00 00006b023fbe 012c" + // hmac-sha256, time signed, fudge 300
		"0020 3cba75f04425ec6c34c138129a53e99a785998f4ce0e7c4c5bcdf80ef7c74c61 e719 0000 0000"
	goldenAddReply = "e719 a800 0001 0000 0000 0001" +
		"076578616d706c650474657374 00 0006 0001" +
		"03757064076578616d706c650474657374 00 00fa 00ff 00000000 003d" +
		"0b686d61632d736861323536 00 00006b023fbe 012c" +
		"0020 cf696b5e572a5903dc51b15d1abf93a5dc36565101b689fda8b58401f339d3fd e719 0000 0000"
	goldenSwap = "0748 2800 0001 0002 0002 0001" +
		"076578616d706c650474657374 00 0006 0001" +
		"04686f7374 c00c 0005 00fe 00000000 0000" +
		"c01e 0001 0001 00000000 0004 c000020a" + // A 192.0.2.10 exists, and no other
		"c01e 0001 00fe 00000000 0004 c000020a" + // delete it
		"c01e 0001 0001 000004b0 0004 c000020b" + // add A 192.0.2.11
		"03757064076578616d706c650474657374 00 00fa 00ff 00000000 003d" +
		"0b686d61632d736861323536 00 00006b023fbe 012c" +
		"0020 c4ee02ea562042dbe3fc56dd05ee05e257058e44982fec86a10d08a38a7dde2d 0748 0000 0000"
)

var goldenTime = time.Unix(0x6b023fbe, 0)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func testKey(t testing.TB, algorithm string) Key {
	t.Helper()
	auth := TSIG(keyName, algorithm, secret)
	if algorithm == "hmac-sha1" {
		auth = TSIGSHA1(keyName, secret)
	}
	key, err := auth.Key(t.Context(), serverAddr)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestGoldenAgainstNsupdate(t *testing.T) {
	key := testKey(t, "hmac-sha256")
	a, aaaa := setKey{hostName, dns.TypeA}, setKey{hostName, dns.TypeAAAA}
	ten, eleven := rdata{addr: netip.MustParseAddr("192.0.2.10")}, rdata{addr: netip.MustParseAddr("192.0.2.11")}
	v6 := rdata{addr: netip.MustParseAddr("2001:db8::10")}
	add := updateMessage("example.test.", []edit{{key: a, ttl: 1200, adds: []rdata{ten}}, {key: aaaa, ttl: 1200, adds: []rdata{v6}}}, nil)
	add.Id = 0xe719
	req, err := newRequest(serverAddr, add, key, goldenTime)
	if err != nil {
		t.Fatal(err)
	}
	if want := unhex(t, goldenAdd); !slices.Equal(req.wire, want) {
		t.Errorf("got  %x\nwant %x", req.wire, want)
	}
	got, err := req.accept(unhex(t, goldenAddReply), goldenTime)
	if err != nil || got == nil || !got.authentic || req.refusal(got) != nil {
		t.Errorf("named's reply: %+v, %v", got, err)
	}

	// Where a record exists there is no CNAME: ours leaves that prerequisite out, nsupdate was told to send it.
	swap := updateMessage("example.test.", []edit{{key: a, ttl: 1200, before: []rdata{ten}, deletes: []rdata{ten}, adds: []rdata{eleven}}}, nil)
	swap.Id = 0x0748
	swap.Answer = slices.Insert(swap.Answer, 0, bare(hostName, dns.TypeCNAME, dns.ClassNONE))
	if req, err = newRequest(serverAddr, swap, key, goldenTime); err != nil {
		t.Fatal(err)
	}
	if want := unhex(t, goldenSwap); !slices.Equal(req.wire, want) {
		t.Errorf("got  %x\nwant %x", req.wire, want)
	}
}

// Recorded in the same way at 2026-11-22 10:44:44 UTC:
//
//	nsupdate -y hmac-sha1:upd.example.test:a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=
//	zone example.test
//	prereq nxrrset host.example.test. CNAME
//	update add host.example.test. 1200 A 192.0.2.10
//	send
func TestGoldenSHA1(t *testing.T) {
	const (
		request = "0167 2800 0001 0001 0001 0001" +
			"076578616d706c650474657374 00 0006 0001" +
			"04686f7374 c00c 0005 00fe 00000000 0000" +
			"c01e 0001 0001 000004b0 0004 c000020a" +
			"03757064076578616d706c650474657374 00 00fa 00ff 00000000 002f" +
			"09686d61632d73686131 00 00006b02c79c 012c" + // hmac-sha1
			"0014 5e09289c3958a686ab2f300fa129ff3dcacb082e 0167 0000 0000"
		answer = "0167 a800 0001 0000 0000 0001" +
			"076578616d706c650474657374 00 0006 0001" +
			"03757064076578616d706c650474657374 00 00fa 00ff 00000000 002f" +
			"09686d61632d73686131 00 00006b02c79c 012c" +
			"0014 ee7f76511af6074de96ad2c6dc04efbf1f9a722d 0167 0000 0000"
	)
	signed := time.Unix(0x6b02c79c, 0)
	k, ten := setKey{hostName, dns.TypeA}, rdata{addr: netip.MustParseAddr("192.0.2.10")}
	m := updateMessage("example.test.", []edit{{key: k, ttl: 1200, adds: []rdata{ten}}}, nil)
	m.Answer = m.Answer[:1] // nsupdate was told of the CNAME only
	m.Id = 0x0167
	req, err := newRequest(serverAddr, m, testKey(t, "hmac-sha1"), signed)
	if err != nil {
		t.Fatal(err)
	}
	if want := unhex(t, request); !slices.Equal(req.wire, want) {
		t.Errorf("got  %x\nwant %x", req.wire, want)
	}
	got, err := req.accept(unhex(t, answer), signed)
	if err != nil || got == nil || !got.authentic || req.refusal(got) != nil {
		t.Errorf("named's reply: %+v, %v", got, err)
	}
}

// Every bit of a signed reply matters: flip any one of them and it is no longer authentic. The id is left
// out (the signature covers the original one that the TSIG record repeats), and so is the case of names.
func TestEveryBitOfAReplyIsSigned(t *testing.T) {
	key := testKey(t, "")
	q := new(dns.Msg)
	q.SetUpdate("example.test.")
	q.Id = 0xe719
	req, err := newRequest(serverAddr, q, key, goldenTime)
	if err != nil {
		t.Fatal(err)
	}
	req.mac = unhex(t, "3cba75f04425ec6c34c138129a53e99a785998f4ce0e7c4c5bcdf80ef7c74c61")
	wire := unhex(t, goldenAddReply)
	if got, err := req.accept(wire, goldenTime); err != nil || got == nil {
		t.Fatalf("the reply itself: %v", err)
	}
	accepted := 0
	for bit := 16; bit < 8*len(wire); bit++ {
		b := slices.Clone(wire)
		b[bit/8] ^= 0x80 >> (bit % 8)
		got, err := req.accept(b, goldenTime)
		if got == nil || err != nil {
			continue
		}
		accepted++
		letter := wire[bit/8] | 0x20
		if bit%8 != 2 || letter < 'a' || letter > 'z' {
			t.Errorf("accepted with bit %d of octet %d (%#02x) flipped", bit%8, bit/8, wire[bit/8])
		}
	}
	if accepted == 0 {
		t.Error("no flip was accepted: names compare without regard to case")
	}
}

// The codec's TSIG is the slow twin: what we sign it verifies, what it signs we verify.
func TestTSIGAgainstTheCodec(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString(secret)
	for _, algorithm := range []string{"hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"} {
		key := testKey(t, algorithm)
		for n := range 40 {
			m := new(dns.Msg)
			m.SetUpdate("example.test.")
			for i := range n {
				m.Ns = append(m.Ns, record(setKey{hostName, dns.TypeA}, rdata{addr: netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})}, dns.ClassINET, 60))
			}
			req, err := newRequest(serverAddr, m, key, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if err := dns.TsigVerify(slices.Clone(req.wire), encoded, "", false); err != nil {
				t.Fatalf("%s, %d records: the codec does not verify our request: %v", algorithm, n, err)
			}
			reply := new(dns.Msg)
			reply.SetReply(m)
			reply.Answer = m.Ns
			reply.SetTsig(keyName, key.Algorithm(), fudge, time.Now().Unix())
			wire, _, err := dns.TsigGenerate(reply, encoded, hex.EncodeToString(req.mac), false)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := req.accept(wire, time.Now()); got == nil || err != nil {
				t.Fatalf("%s, %d records: we do not verify the codec's reply: %v", algorithm, n, err)
			}
			if _, err := req.accept(wire, time.Now().Add((fudge+2)*time.Second)); ClassOf(err) != ClockSkew {
				t.Errorf("%s: a reply signed long ago: %v", algorithm, err)
			}
			req.mac[0] ^= 1
			if _, err := req.accept(wire, time.Now()); !errors.Is(err, errMAC) {
				t.Errorf("%s: the reply to another request: %v", algorithm, err)
			}
		}
	}
}

func TestBadTSIGParameters(t *testing.T) {
	for name, test := range map[string]struct {
		auth Auth
		says []string
	}{
		"unknown algorithm": {TSIG("k.", "hmac-sha3", secret), []string{`"k."`, `"hmac-sha3"`, "unknown"}},
		"MD5":               {TSIG("k.", "hmac-md5", secret), []string{"hmac-md5", "refused", "RFC 8945 section 6"}},
		"MD5, long name":    {TSIG("k.", "HMAC-MD5.SIG-ALG.REG.INT.", secret), []string{"HMAC-MD5", "refused"}},
		"SHA-1":             {TSIG("k.", "hmac-sha1", secret), []string{"hmac-sha1", "refused", "TSIGSHA1"}},
		"SHA-1, no secret":  {TSIGSHA1("k.", nil), []string{"secret is empty"}},
		"SHA-1, no name":    {TSIGSHA1("", secret), []string{"no domain name"}},
		"no secret":         {TSIG("k.", "", nil), []string{"secret is empty"}},
		"no name":           {TSIG("", "", secret), []string{"no domain name"}},
		"bad name":          {TSIG("a..b", "", secret), []string{`"a..b"`, "no domain name"}},
		"name with a space": {TSIG("a b.", "", secret), []string{`"a b."`, "no domain name"}},
	} {
		t.Run(name, func(t *testing.T) {
			var table AddressTable
			_, err := New(Config{Name: "host.example.test", Source: &table, Servers: []string{serverAddr}, Auth: test.auth})
			if err == nil {
				t.Fatal("New accepts it")
			}
			for _, s := range append(test.says, "dnsreg: TSIG key") {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("error %q does not say %q", err, s)
				}
			}
		})
	}
}

func TestParseTSIG(t *testing.T) {
	if _, err := ParseTSIG("k.", "hmac-sha256", "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="); err != nil {
		t.Error(err)
	}
	const bad = "!!secret!!"
	_, err := ParseTSIG("k.", "hmac-sha256", bad)
	if _, ok := errors.AsType[base64.CorruptInputError](err); !ok || !strings.Contains(err.Error(), `"k."`) {
		t.Errorf("error %v", err)
	}
	if strings.Contains(err.Error(), "secret!!") {
		t.Errorf("error %q shows the secret", err)
	}
	if auth, err := ParseTSIG("k.", "rot13", "a2tr"); auth != nil || err == nil || !strings.Contains(err.Error(), "rot13") {
		t.Errorf("error %v", err)
	}
}

func TestPrintedConfigKeepsTheSecret(t *testing.T) {
	cfg := Config{Auth: TSIG(keyName, "", []byte("kkkk"))}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		got := fmt.Sprintf(format, cfg)
		if strings.Contains(got, "kkkk") || strings.Contains(got, "107") || strings.Contains(got, "0x6b") || !strings.Contains(got, keyName) {
			t.Errorf("%s prints %s", format, got)
		}
	}
}

// shouted is a Key whose names are not in lower case, as another implementation's may be.
type shouted struct{ hmacKey }

func (k shouted) Name() string      { return strings.ToUpper(k.name) }
func (k shouted) Algorithm() string { return strings.ToUpper(k.algorithm) }

func (k shouted) Validate() error                          { return nil }
func (k shouted) Key(context.Context, string) (Key, error) { return k, nil }

func TestKeyNamesInAnyCase(t *testing.T) {
	w := newWorld(t)
	w.table.Set(host("192.0.2.1")...)
	w.sync(w.registrar(func(c *Config) { c.Auth = shouted{testKey(t, "").(hmacKey)} }))
	w.holds("192.0.2.1")
}

func FuzzAccept(f *testing.F) {
	f.Add(unhex(f, goldenAddReply))
	f.Add(unhex(f, goldenAdd))
	for _, forged := range forgeries(unhex(f, goldenAddReply)) {
		f.Add(forged)
	}
	key := testKey(f, "")
	good := unhex(f, goldenAddReply)
	f.Fuzz(func(t *testing.T, wire []byte) {
		m := new(dns.Msg)
		m.SetUpdate("example.test.")
		m.Id = 0xe719
		req, err := newRequest(serverAddr, m, key, goldenTime)
		if err != nil {
			t.Fatal(err)
		}
		req.mac = unhex(t, "3cba75f04425ec6c34c138129a53e99a785998f4ce0e7c4c5bcdf80ef7c74c61")
		got, err := req.accept(wire, goldenTime)
		if got != nil && err == nil && got.authentic && !strings.EqualFold(string(wire), string(good)) {
			t.Errorf("accepted %x", wire)
		}
		if got != nil {
			req.refusal(got)
			_, _ = closestSOA(got.Msg, hostName)
			aliasOf(got.Msg, hostName)
			for _, rr := range got.Answer {
				rdataOf(rr)
			}
		}
	})
}
