//go:build !plan9

package conformance

import (
	"errors"
	"syscall"
)

// errnoName returns the name of the errno in err, since its text differs between systems, or "".
func errnoName(err error) string {
	for _, e := range []struct {
		errno error
		name  string
	}{
		{syscall.EACCES, "EACCES"},
		{syscall.EADDRINUSE, "EADDRINUSE"},
		{syscall.EADDRNOTAVAIL, "EADDRNOTAVAIL"},
		{syscall.EAFNOSUPPORT, "EAFNOSUPPORT"},
		{syscall.EFAULT, "EFAULT"},
		{syscall.EINVAL, "EINVAL"},
		{syscall.EMSGSIZE, "EMSGSIZE"},
		{syscall.ENETUNREACH, "ENETUNREACH"},
		{syscall.ENOBUFS, "ENOBUFS"},
		{syscall.ENODEV, "ENODEV"},
		{syscall.ENOPROTOOPT, "ENOPROTOOPT"},
		{syscall.EOPNOTSUPP, "EOPNOTSUPP"},
		{syscall.EPERM, "EPERM"},
		{syscall.EPROTONOSUPPORT, "EPROTONOSUPPORT"},
	} {
		if errors.Is(err, e.errno) {
			return e.name
		}
	}
	return ""
}
