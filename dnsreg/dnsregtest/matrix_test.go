package dnsregtest

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// A row is one request that is sent, octet by octet the same, to this server and to BIND.
type row struct {
	name    string
	zone    string                     // "": the row's own
	lines   []string                   // of update; "@" is the zone
	key     string                     // "": upd.test. with SHA-256; "-": unsigned
	build   func(m *dns.Msg)           // changes the message before it is signed
	wire    func(signed []byte) []byte // changes it after that
	skew    time.Duration              // of the client's clock
	differs string                     // why this server deliberately does something else
}

// signed is how most requests are signed.
func (r row) sign(t *testing.T, m *dns.Msg) []byte {
	t.Helper()
	if r.key == "-" {
		b, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	key, algorithm, secret := "upd.test.", dns.HmacSHA256, string(secret)
	if f := strings.Fields(r.key); len(f) == 3 {
		key, algorithm, secret = f[0], f[1], f[2]
	} else if len(f) == 2 {
		key, algorithm = f[0], f[1]
	}
	m.SetTsig(key, algorithm, 300, time.Now().Add(r.skew).Unix())
	b, _, err := dns.TsigGenerate(m, base64.StdEncoding.EncodeToString([]byte(secret)), "", false)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (r row) request(t *testing.T, zone string) []byte {
	t.Helper()
	if r.zone != "" {
		zone = r.zone
	}
	lines := slices.Clone(r.lines)
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(line, "@", zone)
	}
	m := update(t, zone, lines...)
	if r.build != nil {
		r.build(m)
	}
	b := r.sign(t, m)
	if r.wire != nil {
		b = r.wire(b)
	}
	return b
}

// verdict is what one server makes of a request.
type verdict struct {
	reply string
	zone  []string // after it, with the serial
}

func (v verdict) String() string { return v.reply + "\n  " + strings.Join(v.zone, "\n  ") }

func judge(t *testing.T, address, zone string, request []byte) (v verdict) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(request))), request...)); err != nil {
		t.Fatal(err)
	}
	var size [2]byte
	raw := []byte(nil)
	if _, err = io.ReadFull(conn, size[:]); err == nil {
		raw = make([]byte, binary.BigEndian.Uint16(size[:]))
		_, err = io.ReadFull(conn, raw)
	}
	v.reply = describe(request, raw, err)
	v.zone = transferred(t, address, zone)
	return v
}

// describe says of a reply what servers have to agree on.
func describe(request, raw []byte, err error) string {
	if err != nil {
		return fmt.Sprint("no reply: ", err)
	}
	m := new(dns.Msg)
	if err := m.Unpack(raw); err != nil {
		return fmt.Sprintf("%x: %v", raw, err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s qd=%d", dns.OpcodeToString[m.Opcode], dns.RcodeToString[m.Rcode], len(m.Question))
	if !m.Response || m.Id != binary.BigEndian.Uint16(request) {
		b.WriteString(" NOT A REPLY")
	}
	if t := m.IsTsig(); t != nil {
		now := "now"
		if d := time.Since(time.Unix(int64(t.TimeSigned), 0)).Abs(); d > 10*time.Second {
			now = fmt.Sprint(d.Round(time.Minute), " off")
		}
		fmt.Fprintf(&b, " TSIG %s %s error=%d mac=%d fudge=%d other=%d time=%s", t.Hdr.Name, t.Algorithm, t.Error, t.MACSize, t.Fudge, t.OtherLen, now)
		if t.OtherLen == 6 {
			serverTime, err := strconv.ParseInt(t.OtherData, 16, 64)
			fmt.Fprintf(&b, " server's time right: %v", err == nil && time.Since(time.Unix(serverTime, 0)).Abs() < 10*time.Second)
		}
		if t.MACSize > 0 {
			fmt.Fprintf(&b, " authentic: %v", authentic(request, raw, t))
		}
	}
	return b.String()
}

// authentic checks the MAC of a reply. It is BIND's replies that show that it does so rightly.
func authentic(request, raw []byte, sig *dns.TSIG) bool {
	asked := new(dns.Msg)
	if err := asked.Unpack(request); err != nil {
		return false
	}
	before, err := hex.DecodeString(asked.IsTsig().MAC)
	if err != nil {
		return false
	}
	l, err := scan(raw)
	if err != nil {
		return false
	}
	unsigned := slices.Clone(raw[:l.tsig])
	binary.BigEndian.PutUint16(unsigned[10:], binary.BigEndian.Uint16(raw[10:])-1)
	mac, err := key{secret: secret}.mac(sig, before, unsigned, false)
	return err == nil && hex.EncodeToString(mac) == sig.MAC
}

// transferred is a zone as the wire has it.
func transferred(t *testing.T, address, zone string) (lines []string) {
	t.Helper()
	m := new(dns.Msg)
	m.SetAxfr(zone)
	in, err := new(dns.Transfer).In(m, address)
	if err != nil {
		t.Fatal(err)
	}
	for e := range in {
		if e.Error != nil {
			t.Fatal(e.Error)
		}
		for _, rr := range e.RR {
			lines = append(lines, strings.ReplaceAll(strings.ToLower(rr.String()), "\t", " "))
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines) // the SOA record comes twice
}

// algorithms of keys that BIND and this server know, all with the same secret.
var keyAlgorithms = map[string]string{"upd.test": "hmac-sha256", "one.test": "hmac-sha1", "two.test": "hmac-sha224", "three.test": "hmac-sha384", "five.test": "hmac-sha512"}

func rowsConfig(zones ...string) Config {
	cfg := Config{Zones: zones, Keys: make(map[string][]byte), Algorithms: keyAlgorithms, MaxRecords: 100}
	for name := range keyAlgorithms {
		cfg.Keys[name] = secret
	}
	return cfg
}

// fill makes the zones such as startBind makes them too.
func fill(t testing.TB, s *Server) {
	t.Helper()
	for name, z := range s.zones {
		z.removeSet(name, dns.TypeNS)
		for _, line := range append([]string{"@ 300 SOA ns1.example.test. hostmaster.example.test. 1 3600 600 86400 60", "@ 300 NS ns1.example.test."}, zoneLines...) {
			if err := s.Insert(strings.ReplaceAll(line, "@", name)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// zoneLines are in each zone from the beginning.
var zoneLines = []string{
	"ns1.@ 300 A 127.0.0.1", "a.@ 60 A 192.0.2.1", "a.@ 60 A 192.0.2.2", "a.@ 60 TXT x", "c.@ 60 CNAME a.@", "d.@ 60 AAAA 2001:db8::1",
	"cut.@ 60 NS ns.cut.@", "ns.cut.@ 60 A 192.0.2.3", "b.ent.@ 60 A 192.0.2.4", "p.@ 60 PTR Host.@", "*.w.@ 60 A 192.0.2.8", "e.@ 60 TYPE65280 \\# 0",
}

func allRows() []row {
	return slices.Concat(rowsOfMatrix(), rowsOfPrerequisites(), rowsOfPrescan(), rowsOfUpdates(), rowsOfSignatures(), rowsOfNonsense())
}

// startRows serves a zone for each row.
func startRows(t *testing.T, rows []row) (s *Server, address string) {
	cfg := rowsConfig("fixed.test")
	cfg.ReadOnly = []string{"fixed.test"}
	for i := range rows {
		cfg.Zones = append(cfg.Zones, zoneOf(i))
	}
	s, address = start(t, cfg)
	fill(t, s)
	return s, address
}

func zoneOf(row int) string { return fmt.Sprintf("z%d.test.", row) }

var rewrite = flag.Bool("update", false, "write testdata/answers.txt anew")

// Where there is no BIND, the answers and changes are still those that were compared with it.
func TestAnswers(t *testing.T) {
	rows := allRows()
	_, address := startRows(t, rows)
	var all strings.Builder
	for i, r := range rows {
		before := transferred(t, address, zoneOf(i))
		v := judge(t, address, zoneOf(i), r.request(t, zoneOf(i)))
		text := "# " + r.name + "\n" + v.reply + "\n"
		for _, line := range before {
			if !slices.Contains(v.zone, line) {
				text += "- " + line + "\n"
			}
		}
		for _, line := range v.zone {
			if !slices.Contains(before, line) {
				text += "+ " + line + "\n"
			}
		}
		all.WriteString(strings.ReplaceAll(text, zoneOf(i), "@"))
	}
	const file = "testdata/answers.txt"
	if *rewrite {
		if err := os.WriteFile(file, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, wanted := strings.Split(all.String(), "# "), strings.Split(string(want), "# ")
	if len(got) != len(wanted) {
		t.Fatalf("%d answers, want %d", len(got), len(wanted))
	}
	for i := range got {
		if got[i] != wanted[i] {
			t.Errorf("got %swant %s", got[i], wanted[i])
		}
	}
}
