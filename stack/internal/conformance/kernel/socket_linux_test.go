package kernel

import (
	"net/netip"
	"syscall"
	"unsafe"

	"github.com/hextet/hextet/icmp6/conformance"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// socket is the kernel's raw socket as golang.org/x/net has it, and the options that it lacks.
//
// x/net sets the checksum at the level of raw sockets, by which ICMPv6's can be switched off;
// SetChecksumOffset is RFC 3542's, at the level of IPv6.
type socket struct {
	*ipv6.PacketConn
	options
}

var _ conformance.OffsetSetter = socket{}

func (s socket) SetChecksumOffset(offset int) error { return s.set(unix.IPV6_CHECKSUM, offset) }

func (s socket) ChecksumOffset() (offset int) {
	err := s.do(func(fd int) (err error) {
		offset, err = unix.GetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_CHECKSUM)
		return err
	})
	if err != nil {
		return 0
	}
	return offset
}

// options are those of the kernel's that neither x/net nor icmp6 has.
type options struct{ conn syscall.Conn }

var (
	_ conformance.Connector      = options{}
	_ conformance.HeaderSetter   = options{}
	_ conformance.FragmentSetter = options{}
)

// do runs f on the socket's descriptor.
func (o options) do(f func(fd int) error) error {
	raw, err := o.conn.SyscallConn()
	if err != nil {
		return err
	}
	var ferr error
	if err := raw.Control(func(fd uintptr) { ferr = f(int(fd)) }); err != nil {
		return err
	}
	return ferr
}

func (o options) set(option, value int) error {
	return o.do(func(fd int) error { return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, option, value) })
}

func (o options) setBytes(option int, value []byte) error {
	return o.do(func(fd int) error { return unix.SetsockoptString(fd, unix.IPPROTO_IPV6, option, string(value)) })
}

func (o options) Connect(addr netip.Addr) error {
	return o.do(func(fd int) error {
		if addr.IsValid() {
			return unix.Connect(fd, &unix.SockaddrInet6{Addr: addr.As16()})
		}
		none := unix.RawSockaddr{Family: unix.AF_UNSPEC}
		if _, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&none)), unsafe.Sizeof(none)); errno != 0 {
			return errno
		}
		return nil
	})
}

func (o options) SetHopByHop(h []byte) error           { return o.setBytes(unix.IPV6_HOPOPTS, h) }
func (o options) SetDestinationOptions(h []byte) error { return o.setBytes(unix.IPV6_DSTOPTS, h) }
func (o options) SetRoutingHeader(h []byte) error      { return o.setBytes(unix.IPV6_RTHDR, h) }

func (o options) SetDontFragment(on bool) error {
	value := 0
	if on {
		value = 1
	}
	return o.set(unix.IPV6_DONTFRAG, value)
}

// useMinMTU is IPV6_USE_MIN_MTU in the kernel's headers; the kernel does not know it.
const useMinMTU = 63

func (o options) SetUseMinimumMTU(value int) error { return o.set(useMinMTU, value) }
