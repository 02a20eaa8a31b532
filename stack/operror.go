package stack

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
)

// sourceError tells apart why a packet to dst can't be sent: gVisor says "network is unreachable"
// both when there is no route and when the routes there are have no source. It returns err, unless
// the reason is a missing source: then an error for which errors.Is finds both
// syscall.EADDRNOTAVAIL and srcselect.ErrNoSource, and whose text says why.
func (s *Stack) sourceError(dst netip.Addr, err error) error {
	if !errors.Is(err, syscall.ENETUNREACH) && !errors.Is(err, syscall.EHOSTUNREACH) {
		return err
	}
	queries, noRoute := s.queries(dst)
	if noRoute != nil {
		return err
	}
	var first error
	for _, q := range queries {
		_, noSource := s.selector(q).Select(q)
		if noSource == nil {
			return err
		}
		if first == nil {
			first = noSource
		}
	}
	return errNoSource(first)
}

// errNoSource makes a socket's error of a selector's.
func errNoSource(err error) error { return fmt.Errorf("%w: %w", syscall.EADDRNOTAVAIL, err) }

// syscallError says which of a kernel's calls would have failed with an errno, as package net does.
// Other errors pass unchanged.
func syscallError(call string, err error) error {
	if errno, ok := err.(syscall.Errno); ok {
		return os.NewSyscallError(call, errno)
	}
	return err
}
