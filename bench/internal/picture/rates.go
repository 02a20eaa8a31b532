package picture

import (
	"fmt"
	"strings"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
)

// raw is packets a second by raw sockets.
func raw(f *figure) {
	b := &bars{value: axis{"million packets a second, ICMPv6 of 64 bytes", false, short}}
	const million = 1e9 / 1e6
	for _, g := range []struct{ heading, rows string }{
		{"Into a link in memory, 4 addresses", "raw/gvisor/4"},
		{"The same, hextet with 10,000 addresses", "raw/gvisor/10000"},
		{"Linux on an ifb device, 4 addresses", "raw/linux/ifb/4"},
		{"Linux on a veth pair, 4 addresses", "raw/linux/veth/4"},
	} {
		out := group{heading: g.heading}
		for _, way := range []string{"sendto", "connected"} {
			if r, ok := f.row(g.rows + "/" + way); ok {
				out.bars = append(out.bars, both("hextet "+way, r, million)...)
			}
		}
		if len(out.bars) == 0 {
			f.lacks(g.heading, g.rows)
			continue
		}
		b.groups = append(b.groups, out)
	}
	if len(b.groups) == 0 {
		return
	}
	f.panels = append(f.panels, b)
	var against []string
	for _, name := range []string{"raw/gvisor/4/sendto", "raw/linux/ifb/4/sendto"} {
		if r, ok := f.row(name); ok {
			against = append(against, times(r)+" "+named(r.PeerName))
		}
	}
	f.Title = "Packets a second by raw sockets"
	if len(against) > 0 {
		f.Title += ": " + strings.Join(against, ", ")
	}
}

// both are the bars of a row's two sides.
func both(name string, r report.Row, per float64) []bar {
	return []bar{barOf(name, ours, false, per, r.Ours, r.OursQuartiles, r.Runs), barOf(named(r.PeerName), inkOf(r.PeerName), true, per, r.Peer, r.PeerQuartiles, r.Runs)}
}

// barOf makes a rate of a time.
func barOf(name string, i ink, hollow bool, per, v float64, quartiles [2]float64, runs int) bar {
	b := bar{name: name, ink: i, hollow: hollow}
	if v > 0 {
		b.value = per / v
	}
	if runs > 1 && quartiles[0] > 0 {
		b.low, b.high = per/quartiles[1], per/quartiles[0]
	}
	return b
}

// named writes a peer's name as its makers do.
func named(peer string) string {
	return strings.NewReplacer("gvisor", "gVisor", "linux", "Linux").Replace(peer)
}

// inkOf is the colour of a peer.
func inkOf(peer string) ink {
	switch {
	case strings.Contains(peer, "gvisor"):
		return vermilion
	case strings.Contains(strings.ToLower(peer), "linux"), strings.Contains(peer, "kernel"):
		return green
	case strings.Contains(peer, "wireguard"):
		return purple
	}
	return grey
}

// tcp is throughput, of whoever was measured over IPv6.
func tcp(f *figure) {
	const part = "tcp/ipv6/"
	const perMiB = 8 << 20 // bits in an operation: over nanoseconds it is Gbit/s
	b := &bars{value: axis{"Gbit/s, IPv6, MTU 1500", false, short}}
	at := map[string]int{}
	drawn := map[string]bool{}
	for _, r := range f.rows {
		name, ok := strings.CutPrefix(r.Name, part)
		if !ok || r.Unit != "ns" || r.PeerName == "" {
			continue
		}
		heading, contender := tcpNames(name)
		if _, ok := at[heading]; !ok {
			at[heading] = len(b.groups)
			b.groups = append(b.groups, group{heading: heading})
		}
		g := &b.groups[at[heading]]
		for _, one := range both(contender, r, perMiB) {
			if key := heading + "\n" + one.name; !drawn[key] {
				drawn[key] = true
				g.bars = append(g.bars, one)
			}
		}
	}
	if len(b.groups) == 0 {
		return
	}
	f.panels = append(f.panels, b)
	for _, row := range []struct{ contender, name string }{
		{"hextet pipe", "memory/pipe"},
		{"hextet tap", "memory/tap"},
		{"hextet without offload", "memory/without-offload"},
		{"wireguard-go tun", "memory/wireguard-go"},
		{"linux loopback", "loopback"},
		{"kernel to stack", "kernel-to-stack"},
		{"stack to kernel", "stack-to-kernel"},
	} {
		if _, ok := f.row(part + row.name); !ok {
			f.lacks(named(row.contender), part+row.name)
		}
	}
	f.Title = "TCP throughput"
	if r, ok := f.row(part + "memory/pipe"); ok {
		f.Title = fmt.Sprintf("TCP between two stacks in memory: %s\u00a0Gbit/s, gVisor %s", short(perMiB/r.Ours), short(perMiB/r.Peer))
		if r.Verdict != measure.Same {
			f.Title += fmt.Sprintf(" (%s times)", short(r.Ratio))
		}
	}
}

// tcpNames are those of a group and of our contender in it.
func tcpNames(row string) (heading, contender string) {
	switch first, rest, _ := strings.Cut(row, "/"); first {
	case "memory":
		if strings.HasPrefix(rest, "wireguard") {
			rest = "pipe" // the row is called by its peer
		}
		return "Two stacks in memory", "hextet " + strings.ReplaceAll(rest, "-", " ")
	case "loopback":
		return "Beside the kernel's loopback, whose MTU is 65,536", "hextet pipe"
	default:
		return "Over a TUN device, " + strings.ReplaceAll(first, "-", " "), "hextet tun"
	}
}
