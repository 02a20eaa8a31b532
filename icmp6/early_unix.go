//go:build unix

package icmp6

import (
	"net"
	"syscall"
)

// maxEarly is more packets than a receive buffer holds, and bounds what a flood can cost.
const maxEarly = 1 << 16

// dropEarly throws away what a socket has received so far. A raw socket receives from
// its creation on, for all addresses and interfaces until it is bound to one.
func dropEarly(c net.PacketConn) error {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	return raw.Read(func(fd uintptr) (done bool) {
		var b [1]byte
		for range maxEarly {
			if _, _, err := syscall.Recvfrom(int(fd), b[:], 0); err != nil && err != syscall.EINTR {
				break // EAGAIN: package net's sockets do not block
			}
		}
		return true
	})
}
