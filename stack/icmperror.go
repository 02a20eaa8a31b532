package stack

import (
	"fmt"
	"net/netip"
	"syscall"

	"github.com/hextet/hextet/stack/internal/engine"
)

// An ICMPError is why a packet did not arrive: an ICMP error that a router or the destination sent
// back, or this host itself when a neighbour did not answer. It is inside the *net.OpError of the
// next call on the socket that sent the packet, where errors.As finds it; errors.Is finds the errno
// that other hosts report: syscall.ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EACCES, EMSGSIZE and so on.
type ICMPError struct {
	// Type and Code are those of ICMPv6 (RFC 4443 section 3) if Destination is an IPv6 address,
	// else of ICMP (RFC 792).
	Type, Code int

	// MTU is what the next hop's link carries, in bytes, of Packet Too Big and of Fragmentation
	// Needed; else 0.
	MTU int

	// Pointer is the offset of what was wrong, of Parameter Problem; else 0.
	Pointer int

	// Offender is who sent the error.
	Offender netip.Addr

	// Source, Destination and Protocol are those of the packet. Destination is the last one that a
	// Routing header led to; Protocol is behind all extension headers.
	Source, Destination netip.Addr
	Protocol            uint8

	// Payload is what the error quotes of the packet, at most 128 bytes, from the upper-layer
	// header on: ports, or an echo request's identifier and sequence number.
	Payload []byte
}

// maxQuote is how much of a packet an ICMPError keeps.
const maxQuote = 128

func newICMPError(m engine.ErrorMessage) *ICMPError {
	e := &ICMPError{
		Type: int(m.Type), Code: int(m.Code),
		Offender: m.Offender, Source: m.Src, Destination: m.Dst, Protocol: m.Protocol,
		Payload: append([]byte(nil), m.Payload[:min(len(m.Payload), maxQuote)]...),
	}
	switch {
	case isTooBig(m):
		e.MTU = nextHopMTU(m)
	case m.IPv4 && m.Type == 12:
		e.Pointer = int(m.Info >> 24)
	case !m.IPv4 && m.Type == 4:
		e.Pointer = int(m.Info)
	}
	return e
}

// Error says what was wrong, with which packet, and who says so.
func (e *ICMPError) Error() string {
	what := icmp6Text(e.Type, e.Code)
	if e.Destination.Is4() {
		what = icmp4Text(e.Type, e.Code)
	}
	if e.MTU != 0 {
		what += fmt.Sprintf(", MTU %d", e.MTU)
	}
	return fmt.Sprintf("%v says of a packet to %v: %s (type %d, code %d)", e.Offender, e.Destination, what, e.Type, e.Code)
}

// Unwrap returns the errno.
func (e *ICMPError) Unwrap() error {
	if e.Destination.Is4() {
		return errno4(e.Type, e.Code)
	}
	return errno6(e.Type, e.Code)
}

func errno6(typ, code int) syscall.Errno {
	switch {
	case typ == 1 && code == 0:
		return syscall.ENETUNREACH
	case typ == 1 && code == 4:
		return syscall.ECONNREFUSED
	case typ == 1 && (code == 1 || code == 5 || code == 6):
		return syscall.EACCES
	case typ == 2:
		return syscall.EMSGSIZE
	case typ == 4:
		return syscall.EPROTO
	}
	return syscall.EHOSTUNREACH
}

func errno4(typ, code int) syscall.Errno {
	switch typ {
	case 3:
		switch code {
		case 0, 6, 8, 9, 11:
			return syscall.ENETUNREACH
		case 2:
			return syscall.ENOPROTOOPT
		case 3:
			return syscall.ECONNREFUSED
		case 4:
			return syscall.EMSGSIZE
		case 5:
			return syscall.EOPNOTSUPP
		}
	case 12:
		return syscall.EPROTO
	}
	return syscall.EHOSTUNREACH
}

// The names of RFC 4443 section 3.
func icmp6Text(typ, code int) string {
	switch typ {
	case 1:
		return pick(code, "destination unreachable", "no route to destination", "administratively prohibited",
			"beyond scope of source address", "address unreachable", "port unreachable",
			"source address failed ingress/egress policy", "reject route to destination")
	case 2:
		return "packet too big"
	case 3:
		return pick(code, "time exceeded", "hop limit exceeded in transit", "fragment reassembly time exceeded")
	}
	return pick(code, "parameter problem", "erroneous header field", "unrecognized next header type", "unrecognized IPv6 option")
}

// The names of RFC 792 and RFC 1122 section 3.2.2.1.
func icmp4Text(typ, code int) string {
	switch typ {
	case 3:
		return pick(code, "destination unreachable", "net unreachable", "host unreachable", "protocol unreachable",
			"port unreachable", "fragmentation needed and DF set", "source route failed", "destination network unknown",
			"destination host unknown", "source host isolated", "network administratively prohibited",
			"host administratively prohibited", "network unreachable for type of service",
			"host unreachable for type of service", "communication administratively prohibited")
	case 11:
		return pick(code, "time exceeded", "time to live exceeded in transit", "fragment reassembly time exceeded")
	}
	return "parameter problem"
}

func pick(code int, otherwise string, names ...string) string {
	if code < len(names) {
		return names[code]
	}
	return otherwise
}
