package lab

import "net/netip"

// members remembers who is in which group on a segment: to ask a thousand stacks about every frame would
// take most of the time. A stack is asked again once something happened to it. It is used by events only.
type members map[netip.Addr]*group

type group struct {
	asked uint64 // what scheduler.touches was then
	in    map[*port]bool
}

// maxGroups bounds what is remembered of groups that nobody uses any more.
const maxGroups = 4096

var (
	allNodes6 = netip.MustParseAddr("ff02::1")
	allNodes4 = netip.MustParseAddr("224.0.0.1")
)

// of returns which of the ports have use for a frame to all of them: for one to a group, its members.
func (m members) of(frame []byte, ports []*port, touches uint64) []*port {
	to, ok := groupOf(frame)
	if !ok || to == allNodes6 || to == allNodes4 { // whose members do not say so (RFC 3810 section 6)
		return ports
	}
	g := m[to]
	if g == nil {
		if len(m) >= maxGroups {
			clear(m)
		}
		g = &group{in: make(map[*port]bool)}
		m[to] = g
	}
	for _, p := range ports {
		if p.h.turns.touched.Load() < g.asked {
			continue
		}
		if p.wants(frame) {
			g.in[p] = true
		} else if len(g.in) > 0 {
			delete(g.in, p)
		}
	}
	g.asked = touches
	if len(g.in) == 0 {
		return nil
	}
	var in []*port
	for _, p := range ports {
		if g.in[p] {
			in = append(in, p)
		}
	}
	return in
}
