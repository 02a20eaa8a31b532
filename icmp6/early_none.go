//go:build !unix

package icmp6

import "net"

// dropEarly has nothing to do: Windows receives nothing before a socket is bound.
func dropEarly(net.PacketConn) error { return nil }
