package picture

import "fmt"

// lab is what networks in memory cost: hosts and packets.
func lab(f *figure) {
	const start = "lab/start"
	rows, linux := f.over(start, "gvisor"), f.over(start, "linux")
	l := &lines{heading: "Starting hosts", x: axis{"hosts of a segment", true, kilo}, y: axis{"time a host", true, duration}}
	own := rows
	if len(own) == 0 {
		own = linux
	}
	f.add(l, "hextet", start, looksOurs, oursOf(own))
	f.add(l, "gVisor hub", start+"/*/gvisor", looksGVisor, peerOf(rows))
	f.add(l, "Linux bridge", start+"/*/linux", looksKernel, peerOf(linux))
	f.panel(l)
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

// packets are the bars of packets through a segment or a router: ours of the first rounds that
// there are.
func (f *figure) packets(way string) group {
	const thousand = 1e9 / 1e3
	g := group{heading: "Through a " + way}
	for _, peer := range []struct{ name, row string }{{"gVisor hub", "gvisor"}, {"Linux bridge", "linux"}} {
		name := "lab/packets/" + way + "/" + peer.row
		r, ok := f.row(name)
		if !ok {
			f.lacks(peer.name+" through a "+way, name)
			continue
		}
		sides := both("hextet", r, thousand)
		if len(g.bars) > 0 {
			sides = sides[1:]
		}
		g.bars = append(g.bars, sides...)
	}
	return g
}
