package choices

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/hextet/hextet/bench/internal/suite"
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
	if _, err := exec.LookPath("ip"); err != nil {
		return nil, suite.Unavailable("needs the ip command: %v", err)
	}
	k := &kernel{}
	for _, q := range qs {
		k.remotes = append(k.remotes, unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: 1, Addr: q.Destination.As16()}) // any port but 0
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		fd, err := socketInNamespace(ctx, as)
		k.fd = fd
		done <- err
	}()
	return k, <-done
}

// socketInNamespace leaves the thread in the namespace.
func socketInNamespace(ctx context.Context, as []srcselect.Address) (int, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return -1, suite.Unavailable("needs a network namespace of its own (root, or unshare -Urn): %v", err)
	}
	cmd := exec.CommandContext(ctx, "ip", "-6", "-batch", "-")
	cmd.Stdin = strings.NewReader(batch(as))
	if out, err := cmd.CombinedOutput(); err != nil {
		return -1, fmt.Errorf("choices: ip -6 -batch: %w: %s", err, out)
	}
	if err := settle(ctx); err != nil {
		return -1, err
	}
	return unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
}

// settle asks until no address is tentative: the kernel's work queue takes that from
// them a moment after they were added, "nodad" or not.
func settle(ctx context.Context) error {
	for range 500 {
		out, err := exec.CommandContext(ctx, "ip", "-6", "-o", "addr", "show", "dev", "v0", "tentative").Output()
		if err != nil {
			return fmt.Errorf("choices: ip -6 addr show: %w", err)
		}
		if len(out) == 0 {
			return nil
		}
	}
	return errors.New("choices: Linux: addresses stay tentative")
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
	b.WriteString("route add default dev v0\n")
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
