package judges_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hextet/hextet/stack/capture"
)

// wireLimit bounds a capture file: tshark takes a second for some 20 MB. A session that moves more
// has its beginning verified by tshark and all of it by the kernel, see checkCounters.
const wireLimit = 8 << 20

// A wire is a capture of all that crosses a link, up to a limit.
type wire struct {
	file string
	*capture.Writer
}

// newWire captures to a file that go test -artifacts keeps.
func newWire(t *testing.T) *wire {
	t.Helper()
	name := filepath.Join(t.ArtifactDir(), "wire.pcapng")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	w, err := capture.NewWriter(&limited{f, wireLimit}, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &wire{name, w}
}

// limited writes whole blocks or nothing, so that the file stays well-formed.
type limited struct {
	*os.File
	left int
}

var errLimit = errors.New("the capture is large enough")

func (l *limited) Write(b []byte) (int, error) {
	if l.left -= len(b); l.left < 0 {
		return 0, errLimit
	}
	return l.File.Write(b)
}

// Protocols with a checksum, in the order in which tshark is asked about them.
const (
	ip = iota
	tcp
	udp
	icmp
	icmpv6
)

var protocols = []string{ip: "ip", tcp: "tcp", udp: "udp", icmp: "icmp", icmpv6: "icmpv6"}

// statuses are tshark's words for a checksum field.
var statuses = map[string]string{"0": "bad", "1": "good"} // the rest was not verified: fragments, quotations

// check has tshark verify each checksum in the file. What the stack sent must be flawless, and what
// the kernel sent too, unless it is hostile: then tshark must have noticed.
func (w *wire) check(t *testing.T, hostile bool) {
	t.Helper()
	if err := w.Close(); err != nil && !errors.Is(err, errLimit) {
		t.Fatal(err)
	}
	out, in := w.judge(t)
	t.Logf("tshark: sent %v, received %v", out, in)
	if out["good"] == 0 || in["good"] == 0 {
		t.Error("tshark verified nothing")
	}
	if out["bad"] != 0 {
		t.Errorf("the stack sent %d bad checksums", out["bad"])
	}
	if hostile {
		if in["bad"] == 0 {
			t.Error("tshark overlooked the bad checksums that the stack was sent")
		}
		return // an error message that quotes nonsense looks malformed
	}
	if in["bad"] != 0 || in["malformed"] != 0 || out["malformed"] != 0 {
		t.Error("something on the wire is broken")
	}
}

// judge counts what tshark says about the packets that the stack sent and received.
func (w *wire) judge(t *testing.T) (out, in map[string]int) {
	t.Helper()
	args := []string{
		"-n", "-r", w.file, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=f",
		"-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
		// What applications say is not the stack's: it is data, and tshark has nothing to reassemble.
		"-o", "tcp.desegment_tcp_streams:FALSE", "-d", "tcp.port==0-65535,data", "-d", "udp.port==0-65535,data",
		"-e", "frame.packet_flags_direction", "-e", "_ws.malformed", "-e", "tcp.checksum",
	}
	for _, p := range protocols {
		args = append(args, "-e", p+".checksum.status")
	}
	lines, err := exec.CommandContext(patience(t), "tshark", args...).Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	out, in = map[string]int{}, map[string]int{}
	for line := range strings.Lines(string(lines)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != 3+len(protocols) {
			t.Fatalf("tshark printed %q", line)
		}
		switch direction, checksums := fields[0], fields[3:]; direction {
		case "0x00000001":
			// Linux writes ffff for every sum that comes to 0, as UDP must. It adds up as well, but
			// tshark, which knows RFC 1624, calls it bad in TCP.
			if fields[2] == "0xffff" {
				checksums[tcp] = ""
			}
			tally(in, fields[1], checksums)
		case "0x00000002":
			tally(out, fields[1], checksums)
		default:
			t.Fatalf("tshark printed %q for a direction", direction)
		}
	}
	return out, in
}

// tally counts one packet.
func tally(count map[string]int, malformed string, checksums []string) {
	count["packets"]++
	if malformed != "" {
		count["malformed"]++
	}
	if checksums[icmp] != "" || checksums[icmpv6] != "" { // the others may be a quoted packet's
		checksums[tcp], checksums[udp] = "", ""
	}
	for _, c := range checksums {
		if s := statuses[c]; s != "" {
			count[s]++
		}
	}
}

// matching counts the captured packets that a display filter of tshark's lets through.
func (w *wire) matching(t *testing.T, filter string) int {
	t.Helper()
	out, err := exec.CommandContext(patience(t), "tshark", "-n", "-r", w.file, "-Y", filter).Output()
	if err != nil {
		t.Fatalf("tshark %q: %v", filter, err)
	}
	return strings.Count(string(out), "\n")
}

// checkCounters asks the kernel, which verified all that the stack sent, and the stack, which had
// nothing to drop, unless the judge was hostile.
func (h *host) checkCounters(t *testing.T) {
	t.Helper()
	var kernel struct{ Kernel map[string]int }
	if err := json.Unmarshal([]byte(run(t, "nstat -asz -j")), &kernel); err != nil {
		t.Fatalf("nstat: %v", err)
	}
	wrong := 0
	for _, name := range slices.Sorted(maps.Keys(kernel.Kernel)) {
		if strings.HasSuffix(name, "InCsumErrors") {
			if wrong++; kernel.Kernel[name] != 0 {
				t.Errorf("the kernel counts %s %d", name, kernel.Kernel[name])
			}
		}
	}
	if wrong == 0 || kernel.Kernel["Ip6InReceives"]+kernel.Kernel["IpInReceives"] == 0 {
		t.Errorf("the kernel's counters are not what they were: %v", kernel.Kernel)
	}
	c := h.iface.Counters()
	if drops := fmt.Sprint(c.RxRunt, c.RxOther, c.RxUnknown, c.TxOversize, c.TxDropped, h.link.Counters().WriteDrops); !h.hostile && drops != "0 0 0 0 0 0" {
		t.Errorf("drops: %+v, %+v", c, h.link.Counters())
	}
}
