package picture

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/plot/vg"

	"github.com/hextet/hextet/bench/internal/machine"
	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/results"
	"github.com/hextet/hextet/bench/internal/suite"
)

var update = flag.Bool("update", false, "write the golden pictures anew")

// timed is a row whose rounds are a tenth around the medians.
func timed(name string, ours float64, peer string, theirs float64) report.Row {
	around := func(name string, v float64) measure.Sample {
		return measure.Sample{Name: name, Rounds: []float64{0.9 * v, 0.95 * v, v, 1.05 * v, 1.2 * v}}
	}
	return report.Compared(name, "ns", report.Goal{}, around("hextet", ours), around(peer, theirs))
}

func counted(name, unit string, ours, theirs float64) report.Row {
	return report.Beside(name, unit, report.Goal{}, ours, "one record a message", theirs)
}

// run is what a whole run of one processor may look like.
func run(rows ...report.Row) results.Results {
	return results.Results{
		Machine: machine.Info{CPU: "Some <CPU> & more", Cores: 2, System: "linux/amd64", Go: "go1.26", Load: "0.1 0.2 0.3"},
		Run:     results.Run{Begun: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Complete: true},
		Rows:    rows,
	}
}

// whole has rows for every picture.
func whole() results.Results {
	var rows []report.Row
	add := func(r report.Row) { rows = append(rows, r) }
	for _, size := range []float64{8, 64, 1500, 65535} {
		for peer, times := range map[string]float64{"gvisor": 3, "wireguard-go": 3.05, "tailscale": 1.01, "gopacket": 30, "x_net_icmp": 15} {
			add(timed(fmt.Sprintf("checksum/sum/%.0f/%s", size, peer), 4+size/90, peer, times*(4+size/90)))
		}
	}
	slices.SortFunc(rows, func(a, b report.Row) int { return strings.Compare(a.Name, b.Name) })
	add(timed("checksum/limit/1500/loads", 20, "loads", 15))
	add(timed("checksum/limit/65536/loads", 700, "loads", 690))
	add(timed("checksum/limit/1048576/loads", 18000, "loads", 17000))
	for _, n := range []float64{1, 64, 1000, 100_000} {
		add(timed(fmt.Sprintf("select/distinct/scan/%.0f", n), 100+10*math.Log2(n), fmt.Sprintf("scan n=%.0f", n), 30+4*n))
		add(timed(fmt.Sprintf("dial/ipv6/gvisor/%.0f", n), 100_000, "gvisor", 100_000+700*n))
		add(timed(fmt.Sprintf("addresses/curve/%.0f", n), 20_000+10_000*n, "gvisor", 2000+5000*n))
		add(counted(fmt.Sprintf("dnsreg/curve/%.0f/all", n), "msg", 3, 4*n))
		add(counted(fmt.Sprintf("dnsreg/curve/%.0f/all/bytes", n), "B", 556+80*n, 640*n))
		add(counted(fmt.Sprintf("dnsreg/curve/%.0f/flagged", n), "msg", 3, 4*n))
		add(counted(fmt.Sprintf("dnsreg/curve/%.0f/flagged/bytes", n), "B", 556, 640*n))
	}
	for _, n := range []float64{1, 64, 1000} {
		add(timed(fmt.Sprintf("select/gvisor/%.0f", n), 150, "gvisor FindRoute", 700*n))
		add(timed(fmt.Sprintf("select/linux/%.0f", n), 150, "Linux UDP connect", 5000+300*n))
	}
	add(timed("dial/ipv6/loopback", 110_000, "kernel loopback", 90_000))
	add(timed("dial/ipv6/wireguard-go/64", 110_000, "wireguard-go", 300_000))
	for _, where := range []string{"raw/gvisor/4", "raw/gvisor/10000", "raw/linux/ifb/4", "raw/linux/veth/4"} {
		add(timed(where+"/sendto", 300, "gvisor sendto", 8000))
		add(timed(where+"/connected", 290, "gvisor connected", 2000))
	}
	for _, name := range []string{"memory/pipe", "memory/tap", "memory/without-offload"} {
		add(timed("tcp/ipv6/"+name, 1.5e6, "gvisor channel", 20e6))
	}
	add(timed("tcp/ipv6/memory/wireguard-go", 1.5e6, "wireguard-go tun", 15e6))
	add(timed("tcp/ipv6/loopback", 1.6e6, "linux loopback", 0.8e6))
	add(timed("tcp/ipv6/kernel-to-stack", 2e6, "gvisor fdbased", 20e6))
	add(timed("tcp/ipv6/stack-to-kernel", 1e6, "gvisor fdbased", 20e6))
	for _, n := range []float64{10, 100, 1000} {
		add(timed(fmt.Sprintf("lab/start/%.0f/gvisor", n), 50_000, "gvisor hub", 90_000))
	}
	add(timed("lab/start/10/linux", 70_000, "Linux bridge", 9e6))
	for _, way := range []string{"segment", "router"} {
		add(timed("lab/packets/"+way+"/gvisor", 4000, "gvisor hub", 9000))
		add(timed("lab/packets/"+way+"/linux", 5000, "Linux bridge", 8000))
	}
	return run(rows...)
}

// Each picture has its rows' figures in its title, and nothing is absent.
func TestTitles(t *testing.T) {
	want := map[string]string{
		"checksum":  "Checksum of 1500 bytes: 72.6 GB/s, 3 times gVisor's speed and 75% of what loading the bytes allows",
		"select":    "Choosing a source among 100,000 addresses: 266 ns, a bare scan 400 µs; gVisor's among 1,000 takes 700 µs",
		"dial":      "TCP connect on a host with 100,000 addresses: 100 µs; gVisor 70.1 ms",
		"raw":       "Packets a second by raw sockets: 26.7 times gVisor sendto, 26.7 times gVisor sendto",
		"tcp":       "TCP between two stacks in memory: 5.59 Gbit/s, gVisor 0.419 (13.3 times)",
		"dnsreg":    "Registering 100,000 IPv4 and 100,000 IPv6 addresses takes 8 MB, with all but one of each flagged 556 B; a message for each record 64 MB",
		"lab":       "Networks in memory: starting 1,000 hosts takes 50 µs each, gVisor's 90 µs",
		"addresses": "Adding 100,000 IPv6 addresses: 1 s, gVisor 500 ms",
	}
	for _, p := range All(whole()) {
		if got := strings.ReplaceAll(p.Title, noBreak, " "); got != want[p.Name] {
			t.Errorf("%s: %q, want %q", p.Name, got, want[p.Name])
		}
		if len(p.Absent) != 0 {
			t.Errorf("%s: %q", p.Name, p.Absent)
		}
		delete(want, p.Name)
	}
	if len(want) > 0 {
		t.Errorf("not drawn: %v", want)
	}
}

// What can't be said isn't: no rows, no picture; some rows, and the picture says what is missing and why.
func TestAbsent(t *testing.T) {
	if p := All(run(timed("udp/x", 1, "gonet", 2), report.Failed("dial/ipv6/gvisor/4", errors.New("broken")))); len(p) != 0 {
		t.Errorf("%d pictures of nothing", len(p))
	}
	r := run(
		timed("select/distinct/scan/4", 100, "scan n=4", 50),
		timed("dial/ipv6/gvisor/4", 110_000, "gvisor", 120_000),
		timed("tcp/ipv6/loopback", 2e6, "linux loopback", 1e6),
		timed("raw/gvisor/4/connected", 300, "gvisor connected", 2000),
		timed("lab/start/10/gvisor", 50_000, "gvisor hub", 90_000),
		timed("lab/packets/router/linux", 4000, "Linux bridge", 9000),
		report.Failed("tcp/ipv6/memory", errors.New("broken")),
	)
	r.Run.Omitted = []suite.Omission{
		{What: "checksum/tier/avx512", Why: "no avx512"}, {What: "select/linux/4", Why: "needs root"}, {What: "raw/linux/ifb", Why: "needs ip"},
		{What: "lab/start/10/linux", Why: "needs a namespace"}, {What: "lab/packets/segment/linux", Why: "needs a bridge"},
	}
	const none, broken = " is not drawn: this run has no rows of it.", " is not drawn: it could not be measured."
	want := map[string][]string{
		"select": {"gVisor FindRoute" + none, "Linux UDP connect is not drawn: needs root."},
		"dial":   {"wireguard-go" + none, "Linux loopback" + none},
		"tcp":    {"hextet pipe" + broken, "hextet tap" + broken, "hextet without offload" + broken, "wireguard-go tun" + broken, "kernel to stack" + none, "stack to kernel" + none},
		"raw":    {"The same, hextet with 10,000 addresses" + none, "Linux on an ifb device, 4 addresses is not drawn: needs ip.", "Linux on a veth pair, 4 addresses" + none},
		"lab":    {"Linux bridge is not drawn: needs a namespace.", "gVisor hub through a segment" + none, "Linux bridge through a segment is not drawn: needs a bridge.", "gVisor hub through a router" + none},
	}
	pictures := All(r)
	if len(pictures) != len(want) {
		t.Fatalf("%d pictures", len(pictures))
	}
	for _, p := range pictures {
		if !slices.Equal(p.Absent, want[p.Name]) || !strings.Contains(p.Alt(), want[p.Name][0]) {
			t.Errorf("%s: %q", p.Name, p.Absent)
		}
	}
}

// Everybody is drawn at what was measured, where it was measured, whatever ours was in those rounds.
func TestOwnFigures(t *testing.T) {
	r := whole()
	r.Rows = append(r.Rows, timed("dial/ipv6/growth/100000", 88_500, "hextet n=4", 82_400))
	for _, p := range All(r) {
		alt := strings.ReplaceAll(p.Alt(), noBreak, " ")
		for _, want := range map[string][]string{
			"checksum": {"loads alone, the limit (GB/s over bytes summed): 100 at 1.5 kB, 95 at 65.5 kB."},
			"select":   {"gVisor FindRoute (time for a choice over addresses of the host): 700 ns at 1, 44.8 µs at 64, 700 µs at 1k.", "Linux UDP connect (time for a choice over addresses of the host): 5.3 µs at 1,"},
			"dial":     {"wireguard-go (TCP connect and accept, IPv6 over addresses of the host that connects): 300 µs at 64.", "Linux loopback (TCP connect and accept, IPv6 over addresses of the host that connects): 90 µs at 1."},
			"lab":      {"Linux bridge (time a host over hosts of a segment): 9 ms at 10.", "Linux bridge 125"},
		}[p.Name] {
			if !strings.Contains(alt, want) {
				t.Errorf("%s: no %q in %s", p.Name, want, alt)
			}
		}
		if want := "TCP connect on a host with 100,000 addresses: 88.5 µs, with 4 82.4 µs; gVisor 70.1 ms"; p.Name == "dial" && strings.ReplaceAll(p.Title, noBreak, " ") != want {
			t.Errorf("%q, want %q", p.Title, want)
		}
	}
}

// The bytes of two small pictures, one of each kind of panel. -update writes them.
func TestGolden(t *testing.T) {
	r := run(
		timed("dial/ipv6/gvisor/4", 110_000, "gvisor", 120_000), timed("dial/ipv6/gvisor/10000", 115_000, "gvisor", 7e6),
		timed("tcp/ipv6/memory/pipe", 1.5e6, "gvisor channel", 20e6),
	)
	for _, p := range All(r) {
		file := filepath.Join("testdata", p.Name+".svg")
		got := p.SVG(Wide, "")
		if *update {
			if err := os.WriteFile(file, got, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s has changed; look at it, then -update", file)
		}
	}
}

// The same rows give the same bytes.
func TestSameBytes(t *testing.T) {
	first := All(whole())
	for i, p := range All(whole()) {
		if a, b := first[i].SVG(Wide, ""), p.SVG(Wide, ""); !bytes.Equal(a, b) {
			t.Errorf("%s differs", p.Name)
		}
	}
}

func TestAxis(t *testing.T) {
	a, linear := axis{log: true, format: short}, axis{format: short}
	for _, tt := range []struct {
		a                      axis
		low, high, first, last float64
		labels                 string
	}{
		{a, 1, 100_000, 1, 100_000, "1 10 100 1000 10000 100000"},
		{a, 0.3, 88, 0.2, 100, "1 10 100"},
		{a, 4, 40, 2, 50, "2 5 10 20 50"},
		{a, 7, 7, 2, 20, "2 5 10 20"},
		{linear, 0, 3.37, 0, 4, "0 1 2 3 4"},
		{linear, 0, 12.7, 0, 15, "0 5 10 15"},
		{linear, 0, 0, 0, 1, "0 0.2 0.4 0.6 0.8 1"},
	} {
		first, last := tt.a.ends(tt.low, tt.high)
		var labels []string
		for _, tick := range tt.a.ticks(first, last) {
			if tick.Label != "" {
				labels = append(labels, tick.Label)
			}
		}
		if math.Abs(first-tt.first) > 1e-9 || math.Abs(last-tt.last) > 1e-6 || strings.Join(labels, " ") != tt.labels {
			t.Errorf("%v to %v: axis from %v to %v, %q", tt.low, tt.high, first, last, labels)
		}
	}
	for v, want := range map[string]string{thousands(1234567): "1,234,567", thousands(999): "999", duration(2.5e6): "2.5 ms", duration(1e9): "1 s", duration(999): "999 ns", kilo(20_000): "20k", kilo(1e6): "1M", kilo(500): "500", octets(1000): "1 kB", octets(2.5e6): "2.5 MB", octets(20): "20 B"} {
		if strings.ReplaceAll(v, noBreak, " ") != want {
			t.Errorf("%s, want %s", v, want)
		}
	}
}

// No figure that a file may have keeps an axis from ending.
func TestAxisEnds(t *testing.T) {
	figures := []float64{0, -1, math.SmallestNonzeroFloat64, 1e-300, 1, 1e300, math.MaxFloat64, math.Inf(1), math.Inf(-1), math.NaN()}
	for _, v := range []float64{0, -1, math.NaN(), math.Inf(-1), math.SmallestNonzeroFloat64} {
		if e := exponent(v); e != -farthest {
			t.Errorf("%v reaches 10 to the %d", v, e)
		}
	}
	for _, log := range []bool{true, false} {
		a := axis{log: log, format: short}
		for _, low := range figures {
			for _, high := range figures {
				if n := len(a.ticks(a.ends(low, high))); n > 9*(2*farthest+1) {
					t.Errorf("log %t, %v to %v: %d ticks", log, low, high, n)
				}
			}
		}
	}
}

// Figures that can't be drawn are not: neither rows that were not read but made, nor ends of the range.
func TestHostileFigures(t *testing.T) {
	for _, v := range []float64{0, -1, math.SmallestNonzeroFloat64, math.MaxFloat64} {
		r := whole()
		for i := range r.Rows {
			r.Rows[i].Ours, r.Rows[i].Peer = v, v
			r.Rows[i].OursQuartiles, r.Rows[i].PeerQuartiles = [2]float64{v, v}, [2]float64{v, v}
		}
		for _, p := range All(r) {
			p.SVG(Wide, "")
			for _, panel := range p.panels {
				if l, ok := panel.(*lines); ok && len(l.series) == 0 {
					t.Errorf("%v: %s has a panel of nothing", v, p.Name)
				}
			}
		}
	}
}

// Labels that would lie on each other are moved apart, in their order, and stay inside.
func TestSpread(t *testing.T) {
	labels := []label{{end: vg.Point{Y: 5}}, {end: vg.Point{Y: 6}}, {end: vg.Point{Y: 95}}, {end: vg.Point{Y: 97}}, {end: vg.Point{Y: 50}}}
	spread(labels, 0, 100, 10)
	var got []string
	for _, l := range labels {
		got = append(got, strconv.FormatFloat(float64(l.y), 'f', 0, 64))
	}
	if strings.Join(got, " ") != "97 87 50 10 0" {
		t.Errorf("%v", got)
	}
}
