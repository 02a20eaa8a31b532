package icmp6

import "fmt"

const (
	// Protocol is the number of ICMPv6, IPPROTO_ICMPV6.
	Protocol = 58
	// ChecksumOffset is where the checksum of an ICMPv6 message begins, in bytes.
	ChecksumOffset = 2
	// Disabled is the Offset that neither fills nor verifies.
	Disabled = -1
)

const (
	udp        = 17     // protocol number of UDP
	fieldLen   = 2      // bytes in a checksum field
	maxPayload = 0xffff // the Payload Length field of IPv6 has 16 bits
	maxOffset  = 0xfffc // the last even offset of a field that ends within it
)

// An Offset is the value of the option IPV6_CHECKSUM: the offset in bytes of the
// checksum field in what is sent and received, or [Disabled].
//
// The zero Offset is a field at byte 0, not an unset option. Use [DefaultOffset]
// for a new socket and [NewOffset] for what a program sets.
//
// RFC 3542 section 3.1: "This option assumes the use of the 16-bit one's
// complement of the one's complement sum as the checksum algorithm and that the
// checksum field is aligned on a 16-bit boundary."
type Offset int

// DefaultOffset returns the Offset of a new socket for the protocol.
//
// RFC 3542 section 3.1: "The kernel will calculate and insert the ICMPv6 checksum
// for ICMPv6 raw sockets, since this checksum is mandatory." For all others: "By
// default, this socket option is disabled."
func DefaultOffset(proto uint8) Offset {
	if proto == Protocol {
		return ChecksumOffset
	}
	return Disabled
}

// NewOffset returns what a program gets that sets the option IPV6_CHECKSUM on a
// raw socket for the protocol. Any negative offset is [Disabled].
//
// Errors are ErrMandatory for ICMPv6 whatever the offset, ErrOddOffset, and
// ErrLargeOffset for a field that no packet can hold; each also is syscall.EINVAL.
// With an error comes the default of the protocol, so ICMPv6 stays protected even
// if the error is ignored.
func NewOffset(proto uint8, offset int) (Offset, error) {
	switch {
	case proto == Protocol:
		// RFC 3542 section 3.1: "An attempt to set IPV6_CHECKSUM for an ICMPv6
		// socket will fail."
		return DefaultOffset(proto), fmt.Errorf("%w: offset %d refused", ErrMandatory, offset)
	case offset < 0:
		// RFC 3542 section 3.1: "Setting the offset to -1 also disables the
		// option."
		return Disabled, nil
	}
	if err := Offset(offset).check(proto); err != nil {
		return DefaultOffset(proto), err
	}
	return Offset(offset), nil
}

// disabled reports whether a packet of the protocol may do without a checksum: all
// but ICMPv6 may.
//
// RFC 3542 section 3.1: "By disabled we mean (1) the kernel will not calculate and
// store a checksum for outgoing packets, and (2) the kernel will not verify a
// checksum for received packets."
func (o Offset) disabled(proto uint8) error {
	if proto == Protocol {
		return fmt.Errorf("%w: offset %d refused", ErrMandatory, int(o))
	}
	return nil
}

// check reports why o, which is not negative, can't be a checksum's offset.
func (o Offset) check(proto uint8) error {
	switch {
	case proto == Protocol && o != ChecksumOffset:
		return fmt.Errorf("%w: offset %d refused", ErrMandatory, int(o))
	case o%2 != 0:
		// RFC 3542 section 3.1: "Thus, specifying a positive odd value as offset
		// is invalid, and setsockopt() will fail for such offset values."
		return fmt.Errorf("%w: %d", ErrOddOffset, int(o))
	case o > maxOffset:
		return fmt.Errorf("%w: %d, at most %d", ErrLargeOffset, int(o), maxOffset)
	}
	return nil
}
