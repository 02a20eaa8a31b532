//go:build !(aix || darwin || dragonfly || freebsd || linux || netbsd || openbsd || solaris || zos)

package icmp6

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/net/ipv6"
)

// FilterOf fails with an error that is errors.ErrUnsupported, unless f is nil, which
// blocks nothing: on this system ipv6.ICMPFilter has no room for types, so what f was
// told to block is lost. Use [Filter] itself.
func FilterOf(f *ipv6.ICMPFilter) (Filter, error) {
	if f == nil {
		return Filter{}, nil
	}
	return Filter{}, errNoBits()
}

// ICMPFilter fails where [FilterOf] fails.
func (f Filter) ICMPFilter() (*ipv6.ICMPFilter, error) {
	return nil, errNoBits()
}

func errNoBits() error {
	return fmt.Errorf("icmp6: ipv6.ICMPFilter is empty on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
