package stack

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"text/tabwriter"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gvisor "gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// Socket is an open socket, or a TCP connection that outlives its conn while it ends.
type Socket struct {
	Network string // "tcp", "udp", "ip4:" or "ip6:" and the protocol's number

	// State is that of RFC 9293 section 3.3.2 for TCP: LISTEN, SYN-SENT, SYN-RECEIVED, ESTABLISHED,
	// FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING, LAST-ACK, TIME-WAIT or CLOSED; ESTABLISHED for other
	// sockets that are connected, else empty.
	State string

	// Local and Remote have the unspecified address, or port 0, for any; a zone where the address needs
	// one. Remote is zero if the socket is not connected.
	Local, Remote netip.AddrPort
}

// Sockets is a socket table.
type Sockets []Socket

// String returns a table as ss(8) does.
func (ss Sockets) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "Netid\tState\tLocal\tPeer")
	for _, s := range ss {
		peer := "*"
		if s.Remote.IsValid() {
			peer = s.endpoint(s.Remote)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", s.Network, cmp.Or(s.State, "-"), s.endpoint(s.Local), peer)
	}
	w.Flush()
	return b.String()
}

// endpoint leaves out the port of a network that has none.
func (s Socket) endpoint(ap netip.AddrPort) string {
	if strings.HasPrefix(s.Network, "ip") {
		return ap.Addr().String()
	}
	return ap.String()
}

// Sockets returns the sockets, ordered by network, local and remote address. There are as many as the
// program opened, plus TCP connections that are ending or wait for Accept. The result is the caller's.
func (s *Stack) Sockets() Sockets {
	var all Sockets
	seen := make(map[gvisor.TransportEndpoint]bool)
	for _, ep := range s.gv.RegisteredEndpoints() {
		if seen[ep] { // of both families
			continue
		}
		seen[ep] = true
		if k, ok := s.describe(ep); ok {
			all = append(all, k)
		}
	}
	all = append(all, s.udp.sockets(s)...)
	all = append(all, s.rawSockets()...)
	slices.SortFunc(all, func(a, b Socket) int {
		return cmp.Or(cmp.Compare(a.Network, b.Network), compareAddrPorts(a.Local, b.Local), compareAddrPorts(a.Remote, b.Remote), cmp.Compare(a.State, b.State))
	})
	return all
}

// describe returns gVisor's endpoint as a socket, if it is one of TCP: the others are not gVisor's.
func (s *Stack) describe(registered gvisor.TransportEndpoint) (Socket, bool) {
	ep, ok := registered.(tcpip.Endpoint)
	if !ok {
		return Socket{}, false
	}
	info, ok := ep.Info().(*gvisor.TransportEndpointInfo)
	if !ok {
		return Socket{}, false
	}
	var k Socket
	switch info.TransProto {
	case header.TCPProtocolNumber:
		k.Network, k.State = "tcp", tcpState(tcp.EndpointState(ep.State()))
	default:
		return Socket{}, false
	}
	any := anyAddr(info.NetProto == header.IPv4ProtocolNumber)
	nic := cmp.Or(info.RegisterNICID, info.BindNICID)
	local := cmp.Or(info.ID.LocalAddress, info.BindAddr)
	k.Local = s.addrPort(tcpip.FullAddress{NIC: nic, Addr: local, Port: info.ID.LocalPort}, any)
	if info.ID.RemotePort != 0 {
		k.Remote = s.addrPort(tcpip.FullAddress{NIC: nic, Addr: info.ID.RemoteAddress, Port: info.ID.RemotePort}, any)
		k.State = cmp.Or(k.State, "ESTABLISHED")
	}
	return k, true
}

// tcpState is the state's name in RFC 9293, where gVisor's differs.
func tcpState(state tcp.EndpointState) string {
	switch state {
	case tcp.StateSynRecv:
		return "SYN-RECEIVED"
	case tcp.StateFinWait1:
		return "FIN-WAIT-1"
	case tcp.StateFinWait2:
		return "FIN-WAIT-2"
	case tcp.StateConnecting:
		return "SYN-SENT"
	case tcp.StateInitial, tcp.StateBound, tcp.StateError:
		return "CLOSED"
	}
	return state.String()
}

// sockets returns the UDP sockets.
func (t *udpTable) sockets(s *Stack) (all Sockets) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, cs := range t.ports {
		for _, c := range cs {
			k := Socket{Network: "udp", Local: netip.AddrPortFrom(anyAddr(c.ipv4), c.port)}
			if c.local.IsValid() {
				k.Local = s.zoned(netip.AddrPortFrom(c.local, c.port), c.iface)
			}
			if c.remote.IsValid() {
				k.State, k.Remote = "ESTABLISHED", s.zoned(c.remote, c.iface)
			}
			all = append(all, k)
		}
	}
	return all
}

func (s *Stack) rawSockets() (all Sockets) {
	for key, cs := range *s.raw.table.Load() {
		network := fmt.Sprintf("ip6:%d", key.proto)
		if key.ipv4 {
			network = fmt.Sprintf("ip4:%d", key.proto)
		}
		for _, c := range cs {
			o := c.opt.Load()
			k := Socket{Network: network, Local: netip.AddrPortFrom(anyAddr(key.ipv4), 0)}
			if o.local.IsValid() {
				k.Local = s.zoned(netip.AddrPortFrom(o.local, 0), cmp.Or(o.boundIf, o.remoteIf))
			}
			if o.remote.IsValid() {
				k.State, k.Remote = "ESTABLISHED", s.zoned(netip.AddrPortFrom(o.remote, 0), cmp.Or(o.remoteIf, o.boundIf))
			}
			all = append(all, k)
		}
	}
	return all
}
