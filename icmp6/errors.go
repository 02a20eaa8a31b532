package icmp6

import "syscall"

// What the functions of this package report, with the numbers in the text around
// it. Each is found by errors.Is; so is the errno, where one is named.
var (
	// ErrMandatory: the checksum of ICMPv6 is always at offset 2 and can't be
	// moved or turned off. It is also syscall.EINVAL.
	ErrMandatory error = &sentinel{"icmp6: the ICMPv6 checksum is mandatory at offset 2", syscall.EINVAL}
	// ErrOddOffset: an offset above zero that is odd. It is also syscall.EINVAL.
	ErrOddOffset error = &sentinel{"icmp6: odd checksum offset", syscall.EINVAL}
	// ErrLargeOffset: a field there would lie beyond the longest payload. It is
	// also syscall.EINVAL.
	ErrLargeOffset error = &sentinel{"icmp6: checksum offset too large", syscall.EINVAL}
	// ErrShort: the packet ends before its checksum field does. It is also
	// syscall.EINVAL.
	ErrShort error = &sentinel{"icmp6: packet too short for its checksum field", syscall.EINVAL}
	// ErrJumbo: a payload of more than 65535 bytes would need a jumbogram (RFC
	// 2675), which is not supported.
	ErrJumbo error = &sentinel{"icmp6: payload longer than 65535 bytes", nil}
	// ErrHeader: an extension header that is cut off, contradicts itself, or asks
	// for a deprecated or unknown kind of routing. It is also syscall.EINVAL.
	ErrHeader error = &sentinel{"icmp6: bad extension header", syscall.EINVAL}
	// ErrFamily: the addresses are not both IPv6. It is also syscall.EAFNOSUPPORT.
	ErrFamily error = &sentinel{"icmp6: addresses are not both IPv6", syscall.EAFNOSUPPORT}
	// ErrChecksum: the checksum of a received packet is wrong.
	ErrChecksum error = &sentinel{"icmp6: wrong checksum", nil}
)

type sentinel struct {
	text  string
	errno error
}

func (s *sentinel) Error() string { return s.text }
func (s *sentinel) Unwrap() error { return s.errno }
