//go:build !linux

package tun

import (
	"errors"
	"fmt"
	"runtime"
)

func open(Config) (*Device, error) {
	return nil, fmt.Errorf("%s has no device of Linux: %w", runtime.GOOS, errors.ErrUnsupported)
}

func readPacket(uintptr, []byte) (n int, again bool, err error) {
	return 0, false, errors.ErrUnsupported
}

func writePacket(uintptr, [][]byte) (dropped bool, err error) { return false, errors.ErrUnsupported }

func endOffload(uintptr) {}
