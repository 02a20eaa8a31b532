package picture

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hextet/hextet/bench/internal/report"
)

// checksum is speed over size.
func checksum(f *figure) {
	const sums = "checksum/sum"
	l := &lines{x: axis{"bytes summed", true, octets}, y: axis{"GB/s", true, short}}
	all := f.over(sums, "gvisor")
	f.add(l, "hextet", sums+"/*/gvisor", looksOurs, speeds(oursOf(all)))
	if len(l.series) == 0 {
		return
	}
	f.add(l, "loads alone, the limit", "checksum/limit/*/loads", looksLimit, speeds(peerOf(within(f.over("checksum/limit", "loads"), all))))
	for _, peer := range []struct {
		name, row string
		look      look
	}{
		{"Tailscale's fork", "tailscale", looksTailscale},
		{"gVisor", "gvisor", looksGVisor},
		{"wireguard-go", "wireguard-go", looksWireguard},
		{"x/net icmp", "x_net_icmp", looksOther},
		{"gopacket", "gopacket", looksGopacket},
	} {
		f.add(l, peer.name, sums+"/*/"+peer.row, peer.look, speeds(peerOf(f.over(sums, peer.row))))
	}
	f.panel(l)
	f.Title = "Checksum: speed over size"
	if r, ok := f.row(sums + "/1500/gvisor"); ok {
		f.Title = fmt.Sprintf("Checksum of 1500 bytes: %s\u00a0GB/s, %s gVisor's speed", short(1500/r.Ours), times(r))
		if limit, ok := f.row("checksum/limit/1500/loads"); ok {
			f.Title += fmt.Sprintf(" and %s of what loading the bytes allows", report.Percent(limit.Ratio))
		}
	}
}

// within drops the rows of larger numbers than any of ours.
func within(rows, all []numbered) []numbered {
	most, _ := last(all)
	return slices.DeleteFunc(rows, func(r numbered) bool { return r.n > most.n*1.001 }) // 65,536 stands for 65,535
}

// speeds makes of nanoseconds for x bytes bytes a nanosecond.
func speeds(pts []point) []point {
	for i, p := range pts {
		pts[i] = point{p.x, p.x / p.y, p.x / p.high, p.x / p.low}
	}
	return pts
}

// selection is the time for a choice over the number of addresses.
func selection(f *figure) {
	const scan = "select/distinct/scan"
	l := &lines{x: axis{"addresses of the host", true, kilo}, y: axis{"time for a choice", true, duration}}
	all := f.over(scan, "")
	f.add(l, "hextet", scan, looksOurs, oursOf(all))
	if len(l.series) == 0 {
		return
	}
	f.add(l, "a bare scan", scan, looksOther, peerOf(all))
	f.add(l, "gVisor FindRoute", "select/gvisor", looksGVisor, peerOf(f.over("select/gvisor", "")))
	f.add(l, "Linux UDP connect", "select/linux", looksKernel, peerOf(f.over("select/linux", "")))
	f.panel(l)
	most, _ := last(all)
	f.Title = fmt.Sprintf("Choosing a source among %s addresses: %s, a bare scan %s", thousands(most.n), duration(most.row.Ours), duration(most.row.Peer))
	if g, ok := last(f.over("select/gvisor", "")); ok {
		f.Title += fmt.Sprintf("; gVisor's among %s takes %s", thousands(g.n), duration(g.row.Peer))
	}
}

// dial is the time of a connect over the number of addresses. Peers of one number are a mark there.
func dial(f *figure) {
	const peers = "dial/ipv6/gvisor"
	l := &lines{x: axis{"addresses of the host that connects", true, kilo}, y: axis{"TCP connect and accept, IPv6", true, duration}}
	rows := f.over(peers, "")
	f.add(l, "hextet", peers, looksOurs, oursOf(rows))
	if len(l.series) == 0 {
		return
	}
	f.add(l, "gVisor", peers, looksGVisor, peerOf(rows))
	f.add(l, "wireguard-go", "dial/ipv6/wireguard-go", looksWireguard, peerOf(f.over("dial/ipv6/wireguard-go", "")))
	var kernel []numbered
	if r, ok := f.row("dial/ipv6/loopback"); ok {
		kernel = []numbered{{1, r}} // ::1
	}
	f.add(l, "Linux loopback", "dial/ipv6/loopback", looksKernel, peerOf(kernel))
	f.panel(l)
	most, _ := last(rows)
	f.Title = fmt.Sprintf("TCP connect on a host with %s addresses: %s", thousands(most.n), duration(most.row.Ours))
	if g, ok := f.row(fmt.Sprintf("dial/ipv6/growth/%.0f", most.n)); ok { // many and few in the same rounds
		few, _ := strings.CutPrefix(g.PeerName, "hextet n=")
		f.Title = fmt.Sprintf("TCP connect on a host with %s addresses: %s, with %s %s", thousands(most.n), duration(g.Ours), few, duration(g.Peer))
	}
	f.Title += "; gVisor " + duration(most.row.Peer)
}

// dnsreg is what registration sends before the flag and with it: messages and bytes.
func dnsreg(f *figure) {
	const curve = "dnsreg/curve"
	for _, p := range []struct {
		heading, suffix string
		y               axis
	}{
		{"Bytes", "/bytes", axis{"bytes of update messages", true, octets}},
		{"Messages", "", axis{"update messages", true, kilo}},
	} {
		all, flagged := f.over(curve, "all"+p.suffix), f.over(curve, "flagged"+p.suffix)
		l := &lines{heading: p.heading, x: axis{"addresses of each family", true, kilo}, y: p.y}
		f.add(l, "a message a record", curve+"/*/all"+p.suffix, looksOther, peerOf(all))
		f.add(l, "hextet, no flag", curve+"/*/all"+p.suffix, looksOursToo, oursOf(all))
		f.add(l, "hextet, flagged", curve+"/*/flagged"+p.suffix, looksOurs, oursOf(flagged))
		f.panel(l)
	}
	most, ok := last(f.over(curve, "all/bytes"))
	flagged, ok2 := f.row(fmt.Sprintf("%s/%.0f/flagged/bytes", curve, most.n))
	if f.Title = "Registration: what it sends over the number of addresses"; ok && ok2 {
		f.Title = fmt.Sprintf("Registering %s IPv4 and %[1]s IPv6 addresses takes %s, with all but one of each flagged %s; a message for each record %s",
			thousands(most.n), octets(most.row.Ours), octets(flagged.Ours), octets(most.row.Peer))
	}
}

// addresses is the time for adding all of a host's.
func addresses(f *figure) {
	const curve = "addresses/curve"
	rows := f.over(curve, "")
	if len(rows) == 0 {
		return
	}
	l := &lines{x: axis{"addresses added", true, kilo}, y: axis{"time until all may be used", true, duration}}
	f.add(l, "hextet", curve, looksOurs, oursOf(rows))
	f.add(l, "gVisor", curve, looksGVisor, peerOf(rows))
	f.panel(l)
	most := rows[len(rows)-1]
	f.Title = fmt.Sprintf("Adding %s IPv6 addresses: %s", thousands(most.n), duration(most.row.Ours))
	if most.row.PeerName != "" {
		f.Title += ", gVisor " + duration(most.row.Peer)
	}
}
