// Package vxlan joins segments of virtual hosts across processes and machines
// through any VXLAN fabric (RFC 7348): Linux, Open vSwitch, a switch, or another
// Endpoint.
//
// An [Endpoint] is a VXLAN tunnel end point, a VTEP: it owns one UDP socket, the
// host's, which takes no privilege, or another userspace stack's. Each [Link] that
// it opens is a segment, known by its VNI, with the methods of stack.Link: a stack
// is attached to it as to an Ethernet wire.
//
//	socket, err := net.ListenPacket("udp", ":4789")
//	...
//	endpoint, err := vxlan.New(vxlan.Config{Conn: socket})
//	...
//	link, err := endpoint.Open(vxlan.Segment{VNI: 7, Peers: []netip.AddrPort{peer}})
//	...
//	eth0, err := host.Attach(stack.InterfaceConfig{Name: "eth0", Link: link})
//
// A frame goes to the peer behind which its destination was seen last, and else, as
// broadcasts and multicasts do, to every peer (head-end replication). A peer may be a
// multicast group, if the socket has joined it. Peers and stations may be added and
// removed at any time.
//
// VXLAN has no authentication: anyone who reaches the socket can put frames into its
// segments. [Segment.PeersOnly] is a filter on the sender's address, which can be
// forged.
//
// # Limits
//
// RFC 7348 section 4.3 forbids a VTEP to fragment. Whether a packet too large for the
// path is fragmented is the socket's business, though, so the MTU of a segment should
// leave room: 50 bytes for IPv4 and 70 for IPv6. One socket is one source port, so a
// fabric that spreads load by it (RFC 7348 section 5) sees one flow. Frames with an
// inner VLAN tag are dropped both ways, as section 6.1 advises.
package vxlan
