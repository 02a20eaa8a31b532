package tun

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// attach makes fd a queue of the device that cfg names, which is created if need be, and returns the
// device's name and whether virtio headers precede the packets.
func attach(fd int, cfg Config) (name string, vnet bool, err error) {
	kind, flags := "TUN", uint16(unix.IFF_TUN|unix.IFF_NO_PI)
	if cfg.TAP {
		kind, flags = "TAP", unix.IFF_TAP|unix.IFF_NO_PI
	}
	if !cfg.NoOffload {
		flags |= unix.IFF_VNET_HDR
	}
	if name = cfg.Name; name == "" {
		name = strings.ToLower(kind) + "%d"
	}
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return "", false, err
	}
	ifr.SetUint16(flags)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr); err != nil {
		err = fmt.Errorf("TUNSETIFF: %w", err)
		if _, other := getMTU(name); errors.Is(err, unix.EINVAL) && other == nil {
			err = fmt.Errorf("it exists and is no %s device, or one with multi_queue: %w", kind, err)
		}
		return "", false, err
	}
	return ifr.Name(), !cfg.NoOffload, setOffload(fd, cfg.NoOffload)
}

// setOffload says what the kernel may leave to the reader. A kernel that knows less than is offered leaves
// nothing. A persistent device remembers what an earlier reader said, so "none" has to be said too.
func setOffload(fd int, none bool) error {
	if none {
		if err := unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, 0); err != nil {
			return fmt.Errorf("TUNSETOFFLOAD: %w", err)
		}
		return nil
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TUNSETVNETHDRSZ, vnetLen); err != nil {
		return fmt.Errorf("TUNSETVNETHDRSZ: %w", err)
	}
	unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, unix.TUN_F_CSUM|unix.TUN_F_TSO4|unix.TUN_F_TSO6|unix.TUN_F_TSO_ECN)
	return nil
}

func getMTU(name string) (int, error) {
	ifr, err := interfaceRequest("SIOCGIFMTU", unix.SIOCGIFMTU, name, 0)
	if err != nil {
		return 0, err
	}
	return int(ifr.Uint32()), nil
}

func setMTU(name string, mtu int) error {
	if _, err := interfaceRequest("SIOCSIFMTU", unix.SIOCSIFMTU, name, uint32(mtu)); err != nil {
		return fmt.Errorf("MTU %d: %w", mtu, err)
	}
	return nil
}

// interfaceRequest asks about an interface by name, which takes a socket in its
// network namespace.
func interfaceRequest(what string, request uint, name string, value uint32) (*unix.Ifreq, error) {
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	ifr.SetUint32(value)
	s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(s)
	if err := unix.IoctlIfreq(s, request, ifr); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return ifr, nil
}
