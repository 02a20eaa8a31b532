package dnsregtest

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
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

func bindConfig() Config {
	keys, tied := make(map[string][]byte), make(map[string]string)
	for name, algorithm := range map[string]string{"upd.test.": dns.HmacSHA256, "one.test.": dns.HmacSHA1, "two.test.": dns.HmacSHA224, "three.test.": dns.HmacSHA384, "five.test.": dns.HmacSHA512} {
		keys[name], tied[name] = secret, algorithm
	}
	return Config{Keys: keys, Algorithms: tied, MaxRecords: 100}
}

// zoneLines are in each zone from the beginning.
var zoneLines = []string{
	"ns1.@ 300 A 127.0.0.1", "a.@ 60 A 192.0.2.1", "a.@ 60 A 192.0.2.2", "a.@ 60 TXT x", "c.@ 60 CNAME a.@", "d.@ 60 AAAA 2001:db8::1",
	"cut.@ 60 NS ns.cut.@", "ns.cut.@ 60 A 192.0.2.3", "b.ent.@ 60 A 192.0.2.4", "p.@ 60 PTR Host.@", "e.@ 60 TYPE65280 \\# 0",
}

// Whatever is sent, this server and BIND answer the same and hold the same zone afterwards, serial included.
func TestAgreesWithBIND(t *testing.T) {
	rows := slices.Concat(rowsOfMatrix(), rowsOfPrerequisites(), rowsOfPrescan(), rowsOfUpdates(), rowsOfSignatures(), rowsOfNonsense())
	cfg := bindConfig()
	zone := func(i int) string { return fmt.Sprintf("z%d.test.", i) }
	for i := range rows {
		cfg.Zones = append(cfg.Zones, zone(i))
	}
	cfg.Zones = append(cfg.Zones, "fixed.test.")
	cfg.ReadOnly = []string{"fixed.test."}
	s, address := start(t, cfg)
	for _, z := range cfg.Zones {
		for _, line := range zoneLines {
			if err := s.Insert(strings.ReplaceAll(line, "@", z)); err != nil {
				t.Fatal(err)
			}
		}
	}
	bind := startBind(t, s)
	for i, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			request := r.request(t, zone(i))
			got, want := judge(t, address, zone(i), request), judge(t, bind, zone(i), request)
			if strings.Contains(got.reply+want.reply, "false") {
				t.Errorf("not authentic: %s; BIND: %s", got.reply, want.reply)
			}
			switch same := got.String() == want.String(); {
			case same && r.differs != "":
				t.Errorf("agrees, though %s", r.differs)
			case !same && r.differs == "":
				t.Errorf("%s\nrequest %x\ngot  %v\nBIND %v", r.name, request, got, want)
			}
		})
	}
}

// A long random life under updates, right and wrong ones, leaves the same zone here and at BIND.
func TestRandomUpdatesAgreeWithBIND(t *testing.T) {
	cfg := bindConfig()
	cfg.Zones = []string{"z.test."}
	cfg.MaxRecords = 100
	s, address := start(t, cfg)
	for _, line := range append(slices.Clone(zoneLines), "ns2.@ 60 A 127.0.0.1") {
		if err := s.Insert(strings.ReplaceAll(line, "@", "z.test.")); err != nil {
			t.Fatal(err)
		}
	}
	bind := startBind(t, s)
	rounds, random := 1000, rand.New(rand.NewPCG(1, 2))
	if testing.Short() {
		rounds = 100
	}
	for i := range rounds {
		request := row{lines: randomUpdate(random)}.request(t, "z.test.")
		got, want := judge(t, address, "z.test.", request), judge(t, bind, "z.test.", request)
		if got.String() != want.String() {
			t.Fatalf("round %d, request %x\ngot  %v\nBIND %v", i, request, got, want)
		}
	}
	t.Logf("%d of %d updates changed the zone, %d records, serial %d", s.Stats().Changed, rounds, len(s.Zone("z.test")), s.Serial("z.test"))
}

// randomUpdate is about few names and few values, so that much of it meets what is there.
func randomUpdate(random *rand.Rand) (lines []string) {
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	name := func() string { return pick("x.@", "y.@", "x.y.@", "@", "*.@") }
	value := func() string {
		return pick("A 192.0.2.1", "A 192.0.2.2", "A 192.0.2.3", "AAAA 2001:db8::1", "AAAA 2001:db8::2", "TXT a", "TXT A", "CNAME x.@", "CNAME y.@", "NS ns1.@", "NS ns2.@", "PTR x.@")
	}
	kind := func() string { return pick("A", "AAAA", "TXT", "CNAME", "NS", "PTR", "SOA", "ANY") }
	if random.IntN(3) == 0 {
		for range 1 + random.IntN(2) {
			lines = append(lines, pick("prereq ANY "+name()+" - "+kind(), "prereq NONE "+name()+" - "+kind(), "prereq IN "+name()+" 0 "+value()))
		}
	}
	for range 1 + random.IntN(4) {
		lines = append(lines, pick("update IN "+name()+" 60 "+value(), "update IN "+name()+" 60 "+value(), "update IN "+name()+" 70 "+value(),
			"update NONE "+name()+" 0 "+value(), "update ANY "+name()+" - "+kind()))
	}
	return lines
}
