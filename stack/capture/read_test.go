package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// randomPackets has every length from 0 to 300, so every padding, and comments
// of every length up to 8.
func randomPackets() []Packet {
	r := rand.New(rand.NewPCG(1, 2))
	var ps []Packet
	for n := range 301 {
		p := Packet{
			Time:      time.Unix(r.Int64N(1<<33), r.Int64N(1e9)).UTC(),
			Interface: []string{"raw", "eth", "é"}[n%3],
			LinkType:  []LinkType{Raw, Ethernet, Raw}[n%3],
			Direction: Direction(r.IntN(3)),
			Data:      make([]byte, n),
			Length:    n + r.IntN(2)*1000,
			Comment:   "comments"[:n%9],
		}
		for i := range p.Data {
			p.Data[i] = byte(r.Uint32())
		}
		ps = append(ps, p)
	}
	return ps
}

func writeAllPackets(t testing.TB, ps []Packet) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := NewWriter(&buf, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ps {
		if err := w.WritePacket(p); err != nil {
			t.Fatal(err)
		}
	}
	return buf.Bytes()
}

func TestRoundTrip(t *testing.T) {
	want := randomPackets()
	file := writeAllPackets(t, want)
	for name, r := range map[string]io.Reader{
		"at once":     bytes.NewReader(file),
		"byte a time": iotest.OneByteReader(bytes.NewReader(file)),
	} {
		got, err := ReadAll(r)
		if err != nil || !slices.EqualFunc(got, want, equal) {
			t.Errorf("%s: %d packets, %v; want %d", name, len(got), err, len(want))
		}
	}
}

// pcapgo.NgReader is the judge of all that it can see: it has neither the
// comments nor the directions of packets.
func TestGopacketAgrees(t *testing.T) {
	want := randomPackets()
	r, err := pcapgo.NewNgReader(bytes.NewReader(writeAllPackets(t, want)), pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil {
		t.Fatal(err)
	}
	if app := r.SectionInfo().Application; app != "hextet" {
		t.Errorf("application %q", app)
	}
	for i, p := range want {
		data, ci, err := r.ReadPacketData()
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		in, err := r.Interface(ci.InterfaceIndex)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(data, p.Data) || !ci.Timestamp.Equal(p.Time) || ci.Length != p.Length || in.Name != p.Interface ||
			in.LinkType != layers.LinkType(p.LinkType) || in.SnapLength != maxSnapLen || in.TimestampResolution != 9 {
			t.Fatalf("packet %d: %+v on %+v, want %+v", i, ci, in, p)
		}
	}
	if _, _, err := r.ReadPacketData(); err != io.EOF {
		t.Errorf("after the last packet: %v", err)
	}
}

// A big-endian file with what other programs write: microseconds by default, an
// offset, two comments, options without an end, unknown blocks, two sections.
const foreign = `
	0a0d0d0a 0000001c 1a2b3c4d 0001 0002 0000000000000000 0000001c // section 1.2
	00000001 00000024 0001 0000 00000000                 // interface 0, Ethernet
	000e 0008 00000000 00000064 0000 0000 00000024       // if_tsoffset 100 s, end
	00000001 0000001c 0065 0000 00000000                 // interface 1, raw
	0009 0001 8a 000000 0000001c                         // if_tsresol 2^-10, no end
	00000bad 00000010 12345678 00000010                  // a block of the future
	00000005 00000018 00000000 0000000000000000 00000018 // interface statistics
	00000006 0000003c 00000000 00000000 000f4241         // packet, 1.000001 s
	00000003 00000003 aabbcc 00                          // 3 of 3 bytes
	0002 0004 00000001                                   // epb_flags inbound
	0001 0003 6f6e65 00 0001 0004 74776f00               // "one", "two" with its zero
	0000003c
	00000006 00000020 00000001 00000000 00000401         // packet, 1025/1024 s
	00000000 00000009 00000020                           // 0 of 9 bytes, no options
	0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c // a new section
	00000001 00000014 0001 0000 00000000 00000014        // its interface 0
	00000006 00000020 00000000 00000000 00000000 00000000 00000000 00000020`

func TestForeignFile(t *testing.T) {
	got, err := ReadAll(bytes.NewReader(unhex(t, foreign)))
	if err != nil {
		t.Fatal(err)
	}
	want := []Packet{
		{time.Unix(101, 1000), "", Ethernet, Inbound, []byte{0xaa, 0xbb, 0xcc}, 3, "one\ntwo"},
		{time.Unix(1, 976562), "", Raw, Unknown, nil, 9, ""},
		{time.Unix(0, 0), "", Ethernet, Unknown, nil, 0, ""},
	}
	if !slices.EqualFunc(got, want, equal) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// Every resolution against arithmetic without limits.
func TestTimeResolutions(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for resolution := range 256 {
		base, exponent, limit := int64(10), resolution&0x7F, 19
		if resolution&0x80 != 0 {
			base, limit = 2, 63
		}
		units, err := timeUnits(byte(resolution))
		if (err == nil) != (exponent <= limit) {
			t.Errorf("resolution %#02x: error %v", resolution, err)
		}
		if err != nil {
			continue
		}
		slow := new(big.Int).Exp(big.NewInt(base), big.NewInt(int64(exponent)), nil)
		for range 100 {
			ts := r.Uint64() >> r.IntN(64)
			ns := new(big.Int).Mul(new(big.Int).SetUint64(ts), big.NewInt(1e9))
			ns.Quo(ns, slow)
			sec, nsec := ns.QuoRem(ns, big.NewInt(1e9), new(big.Int))
			got := readInterface{units: units}.time(ts)
			if sec.IsInt64() && sec.Int64() < 1<<40 && !got.Equal(time.Unix(sec.Int64(), nsec.Int64())) {
				t.Fatalf("resolution %#02x, timestamp %d: %v, want %v.%09d s", resolution, ts, got, sec, nsec)
			}
		}
	}
}

// A file cut anywhere gives the packets before the cut and says what happened.
func TestTruncated(t *testing.T) {
	all := randomPackets()[:6]
	file := writeAllPackets(t, all)
	ends := map[int]int{} // size of a whole file: packets in it
	for n := range len(all) + 1 {
		ends[len(writeAllPackets(t, all[:n]))] = n
	}
	ends[0] = 0
	packets := 0
	for n := range len(file) + 1 {
		got, err := ReadAll(bytes.NewReader(file[:n]))
		k, whole := ends[n]
		if whole {
			packets = k
		}
		// An interface description that ends exactly at n is whole, too.
		if len(got) != packets || whole && err != nil || err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("cut at %d of %d: %d packets, %v; want %d", n, len(file), len(got), err, packets)
		}
	}
}

func TestMalformed(t *testing.T) {
	section := goldenSection
	for _, c := range []struct{ name, file, want string }{
		{"not pcapng", "d4c3b2a1 02000400 00000000", "byte 0: malformed pcapng: begins with d4 c3 b2 a1"},
		{"byte order", "0a0d0d0a 1c000000 11223344", "byte-order magic 11 22 33 44"},
		{"version 2", "0a0d0d0a 1c000000 4d3c2b1a 0200 0000 ffffffffffffffff 1c000000", "version 2.0"},
		{"short section", "0a0d0d0a 10000000 4d3c2b1a 10000000", "section header of 4 bytes"},
		{"length 8", section + "\n01000000 08000000 08000000", "byte 44: malformed pcapng: block length 8"},
		{"length 13", section + "\n01000000 0d000000 08000000", "block length 13"},
		{"length 4 GiB", section + "\n01000000 fcffffff 08000000", "block length 4294967292"},
		{"trailer", section + "\n01000000 10000000 00000000 14000000", "16 at its start and 20 at its end"},
		{"short interface", section + "\n01000000 10000000 00000000 10000000", "interface description of 4 bytes"},
		{"resolution", section + "\n01000000 1c000000 6500 0000 00000000 0900 0100 7f000000 1c000000", "if_tsresol 0x7f"},
		{"resolution of 2 bytes", section + "\n01000000 1c000000 6500 0000 00000000 0900 0200 09000000 1c000000", "option 9 of 2 bytes"},
		{"option beyond", section + "\n01000000 18000000 6500 0000 00000000 0200 0100 18000000", "option 2 of 1 bytes in 0"},
		{"short packet", section + goldenInterface + "\n06000000 10000000 00000000 10000000", "packet block of 4 bytes"},
		{"no interface", section + "\n06000000 20000000 00000000 00000000 00000000 00000000 00000000 20000000", "interface 0 of 0"},
		{"captured", section + goldenInterface + "\n06000000 20000000 00000000 00000000 00000000 ffffffff 00000000 20000000", "byte 88: malformed pcapng: 4294967295 bytes of packet in a block with room for 0"},
	} {
		ps, err := ReadAll(bytes.NewReader(unhex(t, c.file)))
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "capture: ") || len(ps) != 0 {
			t.Errorf("%s: %d packets, error %v, want %q", c.name, len(ps), err, c.want)
		}
	}
}

// A length field asks for 16 MiB, the file has 12 bytes: memory follows the file.
func TestLengthFieldAllocatesNothing(t *testing.T) {
	file := append(unhex(t, goldenSection), unhex(t, "06000000 00000001 00000000")...)
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ReadAll(bytes.NewReader(file)); !errors.Is(err, io.ErrUnexpectedEOF) {
				b.Fatal(err)
			}
		}
	}).AllocedBytesPerOp()
	if allocated > 64<<10 {
		t.Errorf("%d bytes allocated", allocated)
	}
}

func TestReadErrorOfTheReader(t *testing.T) {
	broken := errors.New("broken pipe")
	file := unhex(t, goldenSection)
	if _, err := ReadAll(io.MultiReader(bytes.NewReader(file), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("error %v, want the reader's", err)
	}
}

func TestPacketsStopsWhenAsked(t *testing.T) {
	next, stop := iter.Pull2(Packets(bytes.NewReader(writeAllPackets(t, randomPackets()))))
	for range 2 {
		if _, err, ok := next(); !ok || err != nil {
			t.Fatal(err, ok)
		}
	}
	stop()
}

func FuzzRead(f *testing.F) {
	f.Add(writeAllPackets(f, randomPackets()[:9]))
	f.Add(unhex(f, foreign))
	f.Fuzz(func(t *testing.T, file []byte) {
		first, _ := ReadAll(bytes.NewReader(file))
		for i, p := range first {
			_ = p.String()
			// What our writer can express survives it.
			if first[i].Length = max(p.Length, len(p.Data)); timestamp(p.Time) == 0 || p.Time.Year() > 2261 {
				first[i].Time = time.Unix(1, 1)
			}
			first[i].LinkType = max(p.LinkType, 1)
			first[i].Direction %= 3
			first[i].Interface, first[i].Comment = optionText(p.Interface), optionText(p.Comment)
		}
		second, err := ReadAll(bytes.NewReader(writeAllPackets(t, first)))
		if err != nil || !slices.EqualFunc(first, second, func(a, b Packet) bool {
			a.Data = a.Data[:min(len(a.Data), maxSnapLen)]
			return equal(a, b)
		}) {
			t.Fatalf("%v\n%+v\n%+v", err, first, second)
		}
	})
}

func BenchmarkTapWrite(b *testing.B) {
	for _, size := range []int{64, 1500} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			w, err := NewWriter(io.Discard, Options{})
			if err != nil {
				b.Fatal(err)
			}
			packet := [][]byte{binary.BigEndian.AppendUint32(make([]byte, size-4), 1)}
			tapped := w.Tap("a", discardLink{newMemLink()})
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				tapped.WritePackets(packet)
			}
		})
	}
}

type discardLink struct{ *memLink }

func (discardLink) WritePackets(bufs [][]byte) (int, error) { return len(bufs), nil }
