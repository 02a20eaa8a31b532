package icmp6

import (
	"net"
	"os"
	"syscall"
)

const canBindToInterface = true

const boundIf = 125 // IPV6_BOUND_IF of <netinet6/in6.h>

func bindToInterface(fd uintptr, ifi *net.Interface) error {
	return os.NewSyscallError("setsockopt", syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IPV6, boundIf, ifi.Index))
}
