package engine

import (
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// chooseRecovery leaves loss detection to SACK (RFC 6675) and to the retransmission timer. gVisor's RACK
// (RFC 8985) goes on counting what it takes for lost as outstanding. A connection that lost all of a
// window's tail then sends a segment or two per timeout: a link that was gone for 30 ms held one up for
// 5 s, and another for more than a minute. RACK is the better one at single losses: with one packet in
// 1000 lost it was 2.7 times as fast.
func chooseRecovery(s *stack.Stack) {
	none := tcpip.TCPRecovery(0)
	s.SetTransportProtocolOption(tcp.ProtocolNumber, &none)
}
