package choices

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/hextet/hextet/bench/internal/namespace"
	"github.com/hextet/hextet/srcselect"
)

// A kernel is a UDP socket in a network namespace of its own, which has the addresses
// on one device and a route to everything by it. The socket keeps the namespace
// alive, whichever thread uses it.
type kernel struct {
	fd      int
	remotes []unix.RawSockaddrInet6
}

// newKernel sets up such a namespace, and fails with an *UnavailableError where the
// user may not.
func newKernel(ctx context.Context, as []srcselect.Address, qs []srcselect.Query) (*kernel, error) {
	k := &kernel{}
	for _, q := range qs {
		k.remotes = append(k.remotes, unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: 1, Addr: q.Destination.As16()}) // any port but 0
	}
	return k, namespace.Run(func() (err error) {
		if err := namespace.IP(ctx, batch(as)); err != nil {
			return err
		}
		if err := namespace.Settle(ctx, "v0"); err != nil {
			return err
		}
		k.fd, err = unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		return err
	})
}

// batch is the input for "ip -batch". The kernel adds no address of its own. Prefix routes are left out, so that one route serves all destinations.
func batch(as []srcselect.Address) string {
	var b strings.Builder
	b.WriteString("link add v0 type veth peer name v1\n" +
		"link set v0 addrgenmode none\nlink set v1 addrgenmode none\n" +
		"link set v0 up\nlink set v1 up\n")
	for _, a := range as {
		fmt.Fprintf(&b, "addr add %v dev v0 nodad noprefixroute\n", a.Prefix)
	}
	b.WriteString("route add ::/0 dev v0\n")
	return b.String()
}

// connect makes the kernel choose a source for the i-th query. The first call makes
// the socket forget its last one.
func (k *kernel) connect(i int) error {
	none := unix.RawSockaddr{Family: unix.AF_UNSPEC}
	if _, _, errno := unix.RawSyscall(unix.SYS_CONNECT, uintptr(k.fd), uintptr(unsafe.Pointer(&none)), unsafe.Sizeof(none)); errno != 0 {
		return errno
	}
	remote := &k.remotes[i%queryCount]
	if _, _, errno := unix.RawSyscall(unix.SYS_CONNECT, uintptr(k.fd), uintptr(unsafe.Pointer(remote)), unix.SizeofSockaddrInet6); errno != 0 {
		return errno
	}
	return nil
}

func (k *kernel) choose(i int) (netip.Addr, error) {
	if err := k.connect(i); err != nil {
		return netip.Addr{}, fmt.Errorf("choices: Linux: connect: %w", err)
	}
	sa, err := unix.Getsockname(k.fd)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("choices: Linux: getsockname: %w", err)
	}
	local, ok := sa.(*unix.SockaddrInet6)
	if !ok {
		return netip.Addr{}, fmt.Errorf("choices: Linux: getsockname gives %T", sa)
	}
	return netip.AddrFrom16(local.Addr), nil
}

func (k *kernel) run(n int) {
	for i := range n {
		_ = k.connect(i) // check made sure
	}
}

func (k *kernel) close() { unix.Close(k.fd) }
