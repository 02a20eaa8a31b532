package ndp

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/hextet/hextet/icmp6"
)

// with returns the golden advertisement with its options replaced and a right checksum.
func with(options string) []byte {
	msg := append([]byte(nil), goldenAdvertisement[40:40+headerLen]...)
	msg = append(msg, unhex(options)...)
	icmp6.SetChecksum(addr("fe80::1"), AllNodes, msg)
	return msg
}

// RFC 4861 section 6.1.2, each check alone.
func TestRefuses(t *testing.T) {
	good := with("")
	broken := append([]byte(nil), good...)
	broken[2] ^= 1
	code := with("")
	code[1] = 1
	icmp6.SetChecksum(addr("fe80::1"), AllNodes, code)
	for _, c := range []struct {
		name string
		src  string
		hops int
		msg  []byte
		want string
	}{
		{"good", "fe80::1", 255, good, ""},
		{"global source", "2001:db8::1", 255, good, "not link-local"},
		{"no source", "::", 255, good, "not link-local"},
		{"IPv4 link-local", "169.254.0.1", 255, good, "not link-local"},
		{"forwarded", "fe80::1", 254, good, "hop limit"},
		{"short", "fe80::1", 255, good[:15], "15 bytes"},
		{"empty", "fe80::1", 255, nil, "0 bytes"},
		{"code", "fe80::1", 255, code, "code 1"},
		{"checksum", "fe80::1", 255, broken, "checksum"},
		{"option of length 0", "fe80::1", 255, with("0100020000000001"), "no length"},
		{"half an option", "fe80::1", 255, with("01"), "no length"},
		{"option past the end", "fe80::1", 255, with("0102020000000001"), "longer"},
	} {
		_, err := ParseAdvertisement(netip.MustParseAddr(c.src), AllNodes, c.hops, c.msg)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// Options that are not as they should be, each followed by a good one, which counts.
func TestIgnores(t *testing.T) {
	const mtu = "05010000000005dc"
	for _, c := range []struct{ name, options string }{
		{"unknown", "fe01000000000000"},
		{"short prefix", "030340c0 00015180 00003840 00000000 20010db800010000"},
		{"prefix of 129 bits", "030481c0 00015180 00003840 00000000 20010db8000100000000000000000000"},
		{"route without its prefix", "18012800 00000258"},
		{"route of 65 bits in 64", "18024100 00000258 20010db800000000"},
		{"route of 129 bits", "18038100 00000258 20010db8000000000000000000000000"},
		{"route with the reserved preference", "18032810 00000258 20010db8000000000000000000000000"},
		{"route too long", "18042800 00000258 20010db8000000000000000000000000 0000000000000000"},
		{"no server", "19010000 000004b0"},
		{"half a server", "19020000 000004b0 20010db800000000"},
		{"unspecified server", "19030000 000004b0 00000000000000000000000000000000"},
		{"multicast server", "19030000 000004b0 ff020000000000000000000000000001"},
		{"loopback server", "19030000 000004b0 00000000000000000000000000000001"},
		{"no name", "1f010000 000004b0"},
		{"name without an end", "1f020000 000004b0 0761626364656667"},
		{"label past the end", "1f020000 000004b0 0861626364656667"},
		{"compressed name", "1f020000 000004b0 c000000000000000"},
		{"a name with a dot in a label", "1f020000 000004b0 03612e6200000000"},
		{"source link-layer address of 14 bytes", "01020200000000010000000000000000"},
		{"long MTU", "05020000000005dc0000000000000000"},
	} {
		ra, err := ParseAdvertisement(addr("fe80::1"), AllNodes, 255, with(c.options+mtu))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if ra.MTU != 1500 || len(ra.Prefixes)+len(ra.Routes)+len(ra.Servers)+len(ra.Search)+len(ra.LinkAddr) != 0 {
			t.Errorf("%s: %+v", c.name, ra)
		}
	}
}

// A route's prefix may be cut off behind its last bit that matters.
func TestShortRoutes(t *testing.T) {
	ra, err := ParseAdvertisement(addr("fe80::1"), AllNodes, 255, with(
		"18010008 ffffffff"+"18024000 00000258 20010db8000000ff"+"18032800 00000258 20010db8ffff00000000000000000000"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Route{
		{prefix("::/0"), High, Forever},
		{prefix("2001:db8:0:ff::/64"), Medium, 600e9},
		{prefix("2001:db8:ff00::/40"), Medium, 600e9},
	}
	if !reflect.DeepEqual(ra.Routes, want) {
		t.Errorf("%v", ra.Routes)
	}
}

func TestPreferences(t *testing.T) {
	for flags, want := range map[byte]Preference{0x08: High, 0x00: Medium, 0x18: Low, 0x10: Medium} {
		msg := with("")
		msg[5] = flags
		icmp6.SetChecksum(addr("fe80::1"), AllNodes, msg)
		if ra, err := ParseAdvertisement(addr("fe80::1"), AllNodes, 255, msg); err != nil || ra.Preference != want {
			t.Errorf("%02x: %v, %v", flags, ra, err)
		}
		msg[6], msg[7] = 0, 0 // no default router: ignored
		icmp6.SetChecksum(addr("fe80::1"), AllNodes, msg)
		if ra, err := ParseAdvertisement(addr("fe80::1"), AllNodes, 255, msg); err != nil || ra.Preference != Medium {
			t.Errorf("%02x without a lifetime: %v, %v", flags, ra, err)
		}
	}
}

// What is parsed is bounded by the message, and comes back the same when it is written and read again.
func FuzzAdvertisement(f *testing.F) {
	f.Add(goldenAdvertisement[40:])
	f.Add(with("1f050000 000004b0 03612e6200 0361626300 00000000000000000000000000000000000000000000"))
	f.Add(with("19030000 000004b0 fe800000000000000000000000000001" + "18010008 ffffffff"))
	f.Fuzz(func(t *testing.T, msg []byte) {
		if len(msg) >= 4 {
			icmp6.SetChecksum(addr("fe80::1"), AllNodes, msg)
		}
		ra, err := ParseAdvertisement(addr("fe80::1"), AllNodes, 255, msg)
		if err != nil {
			return
		}
		if n := len(ra.Prefixes) + len(ra.Routes) + len(ra.Servers) + len(ra.Search); n > len(msg)/2 {
			t.Fatalf("%d things in %d bytes", n, len(msg))
		}
		if len(msg) > 1<<14 {
			return // with an option for each name it might not fit a packet
		}
		if back, err := parse(ra.Packet(AllNodes, ra.LinkAddr)); err != nil || !reflect.DeepEqual(back, ra) {
			t.Fatalf("%+v came back as %+v, %v", ra, back, err)
		}
	})
}
