package networks

import (
	"context"
	"sync"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

const (
	mtu = 1500

	// queue is how many packets a channel link holds: many windows.
	queue = 1024

	// shortQueue holds what a host sends while its addresses are assigned.
	shortQueue = 64
)

// A hub joins channel links: a goroutine for each takes frames out and injects them where
// they go. As a lab's segment does, it passes those for a group to the members only; it
// needs no reports for that, since it is told who will join what.
type hub struct {
	queue    int
	ports    []*channel.Endpoint
	stations map[tcpip.LinkAddress]*channel.Endpoint
	groups   map[tcpip.LinkAddress][]*channel.Endpoint
	stop     context.CancelFunc
	pumps    sync.WaitGroup
}

func newHub(queue int) *hub {
	return &hub{queue: queue, stations: make(map[tcpip.LinkAddress]*channel.Endpoint), groups: make(map[tcpip.LinkAddress][]*channel.Endpoint)}
}

// plug adds a link for a station that will have these addresses. All are plugged in before
// run.
func (h *hub) plug(hw tcpip.LinkAddress, addresses ...tcpip.Address) *channel.Endpoint {
	l := channel.New(h.queue, mtu+header.EthernetMinimumSize, hw)
	h.ports = append(h.ports, l)
	h.stations[hw] = l
	joined := map[tcpip.Address]bool{header.IPv6AllNodesMulticastAddress: true}
	for _, a := range addresses {
		joined[header.SolicitedNodeAddr(a)] = true
	}
	for g := range joined {
		at := header.EthernetAddressFromMulticastIPv6Address(g)
		h.groups[at] = append(h.groups[at], l)
	}
	return l
}

// run carries frames until close.
func (h *hub) run() {
	var ctx context.Context
	ctx, h.stop = context.WithCancel(context.Background())
	for _, p := range h.ports {
		h.pumps.Go(func() { h.pump(ctx, p) })
	}
}

// pump carries what leaves by a link. The bytes are not copied.
func (h *hub) pump(ctx context.Context, from *channel.Endpoint) {
	for {
		out := from.ReadContext(ctx)
		if out == nil {
			return
		}
		to := out.EgressRoute.RemoteLinkAddress
		frame := out.ToBuffer()
		out.DecRef()
		if at := h.stations[to]; at != nil {
			inject(at, frame.Clone())
		}
		for _, at := range h.groups[to] {
			if at != from {
				inject(at, frame.Clone())
			}
		}
		frame.Release()
	}
}

// inject takes the frame over.
func inject(at *channel.Endpoint, frame buffer.Buffer) {
	p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: frame})
	at.InjectInbound(0, p) // the frame says which protocol
	p.DecRef()
}

// rest carries nothing any more.
func (h *hub) rest() {
	h.stop()
	h.pumps.Wait()
}

func (h *hub) close() {
	h.rest()
	for _, p := range h.ports {
		p.Close()
	}
}
