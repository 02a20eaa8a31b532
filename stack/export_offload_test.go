package stack

import (
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// Forward makes the stack a router.
func (s *Stack) Forward() {
	s.gv.SetForwardingDefaultAndAllNICs(header.IPv6ProtocolNumber, true)
	s.gv.SetForwardingDefaultAndAllNICs(header.IPv4ProtocolNumber, true)
}
