package icmp6

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"syscall"
)

// control is a function for the field Control of net.ListenConfig and net.Dialer.
type control func(network, address string, c syscall.RawConn) error

// restrict returns what restricts a socket to the interface that local's zone names.
// Without a zone it is nil, as it is where the kernel can do so for link-local
// addresses only, and by their zone.
func restrict(local netip.Addr) (control, error) {
	switch {
	case local.Zone() == "":
		return nil, nil
	case !canBindToInterface && (local.IsLinkLocalUnicast() || local.IsLinkLocalMulticast()):
		return nil, nil
	case !canBindToInterface:
		return nil, fmt.Errorf("restricting %v to an interface, on %s: %w", local, runtime.GOOS, errors.ErrUnsupported)
	}
	ifi, err := interfaceOf(local.Zone())
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", local.Zone(), err)
	}
	return func(_, _ string, c syscall.RawConn) (err error) {
		if rawErr := c.Control(func(fd uintptr) { err = bindToInterface(fd, ifi) }); rawErr != nil {
			return rawErr
		}
		return err
	}, nil
}

// interfaceOf returns the interface that a zone names, by its name or its index.
func interfaceOf(zone string) (*net.Interface, error) {
	ifi, err := net.InterfaceByName(zone)
	if err != nil {
		if index, notNumber := strconv.Atoi(zone); notNumber == nil {
			return net.InterfaceByIndex(index)
		}
	}
	return ifi, err
}
