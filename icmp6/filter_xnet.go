//go:build aix || darwin || dragonfly || freebsd || linux || netbsd || openbsd || solaris || zos

package icmp6

import "golang.org/x/net/ipv6"

// FilterOf returns the Filter that blocks what f blocks; nil blocks nothing.
//
// On systems where ipv6.ICMPFilter has no room for its types (Windows, Plan 9, js,
// wasip1) it fails, unless f is nil, with an error that is errors.ErrUnsupported,
// rather than let pass what f was told to block.
func FilterOf(f *ipv6.ICMPFilter) (Filter, error) {
	var out Filter
	if f == nil {
		return out, nil
	}
	for typ := range ipv6.ICMPType(256) {
		if f.WillBlock(typ) {
			out.Block(typ)
		}
	}
	return out, nil
}

// ICMPFilter returns a new ipv6.ICMPFilter that blocks what f blocks. It fails where
// [FilterOf] fails.
func (f Filter) ICMPFilter() (*ipv6.ICMPFilter, error) {
	out := new(ipv6.ICMPFilter)
	out.SetAll(false)
	for typ := range ipv6.ICMPType(256) {
		if f.WillBlock(typ) {
			out.Block(typ)
		}
	}
	return out, nil
}
