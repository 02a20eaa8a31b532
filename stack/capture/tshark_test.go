package capture

import (
	"encoding/hex"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/internal/peertest"
)

// tshark runs tshark over file and returns its lines.
func tshark(t *testing.T, file string, args ...string) []string {
	t.Helper()
	peertest.Netns.Tools(t, "tshark")
	cmd := exec.CommandContext(t.Context(), "tshark", append([]string{"-n", "-r", file}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v\n%s", err, &stderr)
	}
	return slices.Collect(strings.SplitSeq(strings.TrimSuffix(string(out), "\n"), "\n"))
}

func TestTshark(t *testing.T) {
	file := filepath.Join(t.TempDir(), "run.pcapng")
	now := time.Unix(1_700_000_000, 123_456_789)
	w, err := Create(file, Options{
		Now: func() time.Time { return now },
		Comment: func(p Packet) string {
			return "rule 8 för " + p.Interface
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	packet := func(i int) []byte {
		b, err := hex.DecodeString(summaries[i].hex)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	raw, eth := newMemLink(), newMemLink()
	eth.hw = net.HardwareAddr{2, 0, 0, 0, 0, 1}
	client, lan := w.Tap("client", raw), w.Tap("lan", eth)
	client.WritePackets([][]byte{packet(0), packet(1)})
	now = now.Add(1)
	eth.in <- [][]byte{packet(9)}
	bufs, sizes := buffers(1)
	if _, err := lan.ReadPackets(bufs, sizes); err != nil {
		t.Fatal(err)
	}
	planted := packet(0)
	planted[len(planted)-1] ^= 1
	if err := w.WritePacket(Packet{Interface: "client", Data: planted, Comment: "two\nlines"}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	got := tshark(t, file, "-T", "fields", "-E", "separator=|",
		"-e", "frame.interface_name", "-e", "frame.time_epoch", "-e", "frame.packet_flags_direction",
		"-e", "frame.comment", "-e", "_ws.col.Protocol", "-o", "tcp.check_checksum:TRUE",
		"-e", "icmpv6.checksum.status", "-e", "tcp.checksum.status")
	want := []string{
		"client|1700000000.123456789|2|rule 8 för client|ICMPv6|1|",
		"client|1700000000.123456789|2|rule 8 för client|TCP||1",
		"lan|1700000000.123456790|1|rule 8 för lan|ICMPv6|1|",
		`client|1700000000.123456790||two\nlines|ICMPv6|0|`,
	}
	for i := range got { // versions of tshark differ in the base of the direction
		got[i] = strings.ReplaceAll(got[i], "|0x0000000", "|")
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
