package icmp6

import (
	"net"
	"os"
	"syscall"
)

const canBindToInterface = true

func bindToInterface(fd uintptr, ifi *net.Interface) error {
	return os.NewSyscallError("setsockopt", syscall.BindToDevice(int(fd), ifi.Name))
}
