package stack

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gvisor "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// NeighborState is how much is known of a neighbour (RFC 4861 section 7.3.2; ARP's entries live by the
// same rules).
type NeighborState uint8

const (
	// NeighborFailed: it did not answer. It is asked again when there is something to send.
	NeighborFailed NeighborState = iota
	NeighborIncomplete
	NeighborReachable
	NeighborStale
	NeighborDelay
	NeighborProbe
)

// String returns the state as ip(8) writes it.
func (s NeighborState) String() string {
	names := [...]string{"FAILED", "INCOMPLETE", "REACHABLE", "STALE", "DELAY", "PROBE"}
	if int(s) < len(names) {
		return names[s]
	}
	return "UNKNOWN"
}

// Neighbor is an entry of the neighbour cache (RFC 4861 section 5.1), or of ARP's.
type Neighbor struct {
	Addr         netip.Addr       // without a zone
	Interface    string           // the name of the interface
	HardwareAddr net.HardwareAddr // nil while it is not known
	State        NeighborState
	Updated      time.Duration // how long it has been in this state
}

// String returns the neighbour as ip-neighbour(8) writes it.
func (n Neighbor) String() string {
	s := n.Addr.String() + " dev " + n.Interface
	if n.HardwareAddr != nil {
		s += " lladdr " + n.HardwareAddr.String()
	}
	return s + " " + n.State.String()
}

// Neighbors is a neighbour table.
type Neighbors []Neighbor

// String returns one neighbour a line.
func (ns Neighbors) String() string {
	var b strings.Builder
	for _, n := range ns {
		b.WriteString(n.String() + "\n")
	}
	return b.String()
}

// Neighbors returns the neighbours on Ethernet interfaces, by interface in the order in which those were
// attached, then by address, IPv4 first. An interface keeps at most 512 of each family: the one that was
// asked for longest ago makes room. The result is the caller's.
func (s *Stack) Neighbors() Neighbors {
	var all Neighbors
	for _, i := range s.Interfaces() {
		from := len(all)
		for _, proto := range []tcpip.NetworkProtocolNumber{header.IPv4ProtocolNumber, header.IPv6ProtocolNumber} {
			entries, err := s.gv.Neighbors(i.id(), proto)
			if err != nil {
				continue // a link without neighbours, or detached just now
			}
			for _, e := range entries {
				if n, ok := s.neighborOf(i, e); ok {
					all = append(all, n)
				}
			}
		}
		slices.SortFunc(all[from:], func(a, b Neighbor) int { return a.Addr.Compare(b.Addr) })
	}
	return all
}

func (s *Stack) neighborOf(i *Interface, e gvisor.NeighborEntry) (Neighbor, bool) {
	n := Neighbor{Addr: convert.NetAddr(e.Addr), Interface: i.name, Updated: s.gv.Clock().NowMonotonic().Sub(e.UpdatedAt)}
	if e.LinkAddr != "" {
		n.HardwareAddr = net.HardwareAddr(e.LinkAddr)
	}
	state, ok := neighborStates[e.State]
	n.State = state
	return n, ok
}

var neighborStates = map[gvisor.NeighborState]NeighborState{
	gvisor.Incomplete:  NeighborIncomplete,
	gvisor.Reachable:   NeighborReachable,
	gvisor.Stale:       NeighborStale,
	gvisor.Delay:       NeighborDelay,
	gvisor.Probe:       NeighborProbe,
	gvisor.Static:      NeighborReachable,
	gvisor.Unreachable: NeighborFailed,
}

// compareAddrPorts orders by address, then by port.
func compareAddrPorts(a, b netip.AddrPort) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Port(), b.Port()))
}
