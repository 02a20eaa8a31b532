//go:build !(darwin || linux)

package icmp6

import (
	"errors"
	"net"
)

const canBindToInterface = false

func bindToInterface(uintptr, *net.Interface) error { return errors.ErrUnsupported }
