package tun

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// attach makes fd a queue of the named device, which is created if need be, and
// returns the device's name.
func attach(fd int, name string, tap bool) (string, error) {
	if name == "" {
		name = "tun%d"
		if tap {
			name = "tap%d"
		}
	}
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return "", err
	}
	flags := uint16(unix.IFF_NO_PI)
	if tap {
		flags |= unix.IFF_TAP
	} else {
		flags |= unix.IFF_TUN
	}
	ifr.SetUint16(flags)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr); err != nil {
		return "", fmt.Errorf("TUNSETIFF: %w", err)
	}
	return ifr.Name(), nil
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
