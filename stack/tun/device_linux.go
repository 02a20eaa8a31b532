package tun

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

func open(cfg Config) (*Device, error) { return openPath("/dev/net/tun", cfg) }

func openPath(path string, cfg Config) (*Device, error) {
	// The device must be set before the descriptor meets the poller: an
	// unattached one reports an error once and wakes nobody later.
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	name, mtu, vnet, err := configure(fd, cfg)
	if err != nil {
		unix.Close(fd) // a device made for it goes with it
		return nil, err
	}
	return newDevice(fd, name, mtu, cfg.HardwareAddr, vnet)
}

func configure(fd int, cfg Config) (name string, mtu int, vnet bool, err error) {
	if name, vnet, err = attach(fd, cfg); err != nil {
		return "", 0, false, err
	}
	if err = checkAddr(name, cfg.HardwareAddr); err != nil {
		return "", 0, false, err
	}
	mtu, err = getMTU(name)
	if err != nil || cfg.MTU == 0 || cfg.MTU == mtu { // setting what is there takes a privilege too
		return name, mtu, vnet, err
	}
	return name, cfg.MTU, vnet, setMTU(name, cfg.MTU)
}

// checkAddr tells those who take HardwareAddr for the device's own address, with which no packet would
// come through.
func checkAddr(name string, hw net.HardwareAddr) error {
	if hw == nil {
		return nil
	}
	if ifi, err := net.InterfaceByName(name); err == nil && bytes.Equal(ifi.HardwareAddr, hw) {
		return fmt.Errorf("hardware address %s is the kernel's on this wire, and the stack needs another", hw)
	}
	return nil
}

// newDevice takes over fd, which is non-blocking, so that the runtime's poller
// waits for it and Close ends the waiting.
func newDevice(fd int, name string, mtu int, hw net.HardwareAddr, vnet bool) (*Device, error) {
	d := &Device{name: name, mtu: mtu, hw: slices.Clone(hw), vnet: vnet, file: os.NewFile(uintptr(fd), name)}
	var err error
	if d.raw, err = d.file.SyscallConn(); err != nil {
		d.file.Close()
		return nil, err
	}
	return d, nil
}

// readPacket reads one packet; again says that there is none now.
func readPacket(fd uintptr, b []byte) (n int, again bool, err error) {
	for {
		n, err = unix.Read(int(fd), b)
		if err != unix.EINTR {
			break
		}
	}
	if err == unix.EAGAIN {
		return 0, true, nil
	}
	return max(n, 0), false, err
}

// writePacket writes one packet, gathered; dropped says that the kernel did not take it:
//
//	EIO            the device is down
//	EAGAIN         the queue is full
//	ENOBUFS ENOMEM no memory
//	EINVAL         not an IP packet (TUN), shorter than its header (TAP)
//	EMSGSIZE E2BIG too large
//
// Whatever else there is concerns the device, and not the packet.
func writePacket(fd uintptr, pieces [][]byte) (dropped bool, err error) {
	for {
		_, err = unix.Writev(int(fd), pieces)
		if err != unix.EINTR {
			break
		}
	}
	switch err {
	case unix.EIO, unix.EAGAIN, unix.ENOBUFS, unix.ENOMEM, unix.EINVAL, unix.EMSGSIZE, unix.E2BIG:
		return true, nil
	}
	return false, err
}

// endOffload makes the kernel cut what it sends to the device.
func endOffload(fd uintptr) { unix.IoctlSetInt(int(fd), unix.TUNSETOFFLOAD, 0) }
