package picture

import "fmt"

// lab is what networks in memory cost: hosts and packets.
func lab(f *figure) {
	const start = "lab/start"
	rows := f.over(start, "gvisor")
	l := &lines{heading: "Starting hosts", x: axis{"hosts of a segment", true, kilo}, y: axis{"time a host", true, duration}}
	if len(rows) > 0 {
		f.add(l, "hextet", start, looksOurs, oursOf(rows))
		f.add(l, "gVisor hub", start, looksGVisor, peerOf(rows))
		f.add(l, "Linux bridge", start, looksKernel, peerOf(f.over(start, "linux")))
		f.panels = append(f.panels, l)
	}
	b := &bars{value: axis{"thousand packets a second", false, short}}
	for _, way := range []string{"segment", "router"} {
		if g := f.packets(way); len(g.bars) > 0 {
			b.groups = append(b.groups, g)
		}
	}
	if len(b.groups) > 0 {
		f.panels = append(f.panels, b)
	}
	f.Title = "Networks in memory"
	if most, ok := last(rows); ok {
		f.Title = fmt.Sprintf("Networks in memory: starting %s hosts takes %s each, gVisor's %s", thousands(most.n), duration(most.row.Ours), duration(most.row.Peer))
	}
}

// packets are the bars of packets through a segment or a router. The kernel's rounds are others
// than gVisor's.
func (f *figure) packets(way string) group {
	const thousand = 1e9 / 1e3
	g := group{heading: "Through a " + way}
	gvisor, ok := f.row("lab/packets/" + way + "/gvisor")
	if !ok {
		return g
	}
	g.bars = both("hextet", gvisor, thousand)
	if kernel, ok := f.row("lab/packets/" + way + "/linux"); ok {
		g.bars = append(g.bars, both("", kernel, thousand)[1])
	}
	return g
}
