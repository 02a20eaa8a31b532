package capture

import (
	"bytes"
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// unhex turns commented hex, one field a line, into bytes.
func unhex(t testing.TB, text string) []byte {
	t.Helper()
	var digits strings.Builder
	for line := range strings.Lines(text) {
		field, _, _ := strings.Cut(line, "//")
		digits.WriteString(strings.Join(strings.Fields(field), ""))
	}
	b, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The blocks of draft-ietf-opsawg-pcapng, field by field, little-endian.
const (
	goldenSection = `
		0a0d0d0a         // 4.1 Block Type 0x0A0D0D0A
		2c000000         // Block Total Length 44
		4d3c2b1a         // Byte-Order Magic 0x1A2B3C4D
		0100 0000        // Major Version 1, Minor Version 0
		ffffffffffffffff // Section Length -1: not specified
		0400 0600        // 3.5 Option Code 4 shb_userappl, Option Length 6
		686578746574 0000 // "hextet", padded to 32 bits
		0000 0000        // opt_endofopt
		2c000000         // Block Total Length`
	goldenInterface = `
		01000000         // 4.2 Block Type 1
		2c000000         // Block Total Length 44
		6500 0000        // LinkType 101 LINKTYPE_RAW, Reserved
		00000400         // SnapLen 262144
		0200 0500        // if_name, 5 bytes
		636c69656e 000000 // "clien", padded
		0900 0100        // if_tsresol, 1 byte
		09 000000        // 10^-9 s, padded
		0000 0000        // opt_endofopt
		2c000000         // Block Total Length`
	goldenPacket = `
		06000000         // 4.3 Block Type 6
		40000000         // Block Total Length 64
		03000000         // Interface ID 3
		48beb416         // Timestamp (High) 0x16b4be48
		1558cd94         // Timestamp (Low) 0x94cd5815: 1636141783.585740821 s
		05000000         // Captured Packet Length 5
		00010000         // Original Packet Length 256
		6001020304 000000 // Packet Data, padded
		0200 0400        // 4.3.1 epb_flags, 4 bytes
		02000000         // bits 0-1: 10 = outbound
		0100 0600        // opt_comment, 6 bytes
		72756c652038 0000 // "rule 8", padded
		0000 0000        // opt_endofopt
		40000000         // Block Total Length`
)

func TestGoldenBlocks(t *testing.T) {
	p := Packet{
		Time:      time.Unix(0, 0x16b4be48_94cd5815),
		Direction: Outbound,
		Data:      []byte{0x60, 1, 2, 3, 4},
		Length:    256,
		Comment:   "rule 8",
	}
	for _, c := range []struct {
		name, want string
		got        []byte
	}{
		{"section header", goldenSection, appendSection(nil, "hextet")},
		{"interface description", goldenInterface, appendInterface(nil, "clien", Raw, maxSnapLen)},
		{"enhanced packet", goldenPacket, appendPacket(nil, 3, p)},
	} {
		if want := unhex(t, c.want); !bytes.Equal(c.got, want) {
			t.Errorf("%s:\n got % x\nwant % x", c.name, c.got, want)
		}
		prefix := []byte{1, 2, 3}
		if c.name == "enhanced packet" {
			if got := appendPacket(prefix, 3, p); !bytes.Equal(got[3:], c.got) || !bytes.Equal(got[:3], prefix) {
				t.Errorf("%s after other bytes: % x", c.name, got)
			}
		}
	}
}

func TestTimestampRange(t *testing.T) {
	for _, c := range []struct {
		t    time.Time
		want uint64
	}{
		{time.Time{}, 0},
		{time.Unix(-1, 999_999_999), 0},
		{time.Unix(0, 0), 0},
		{time.Unix(1, 1), 1_000_000_001},
		{time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC), math.MaxInt64},
	} {
		if got := timestamp(c.t); got != c.want {
			t.Errorf("timestamp(%v) = %d, want %d", c.t, got, c.want)
		}
	}
}

func TestOptionText(t *testing.T) {
	long := strings.Repeat("x", 0xFFFE) + "é"
	for _, c := range []struct{ name, in, want string }{
		{"plain", "rule 3: deprecated", "rule 3: deprecated"},
		{"zero byte", "a\x00b", "a\uFFFDb"},
		{"not UTF-8", "a\xFFb", "a\uFFFDb"},
		{"as long as it may be", long[:0xFFFE] + "y", long[:0xFFFE] + "y"},
		{"a rune across the limit", long, long[:0xFFFE]},
	} {
		got := optionText(c.in)
		if got != c.want {
			t.Errorf("%s: %d bytes ending in %q, want %d bytes", c.name, len(got), got[max(0, len(got)-4):], len(c.want))
		}
		if !utf8.ValidString(got) || len(got) > 0xFFFF {
			t.Errorf("%s: unfit for an option", c.name)
		}
	}
}
