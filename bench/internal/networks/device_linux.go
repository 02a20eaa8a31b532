package networks

import (
	"bufio"
	"context"
	"errors"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/hextet/hextet/bench/internal/suite"
)

// All functions here are about the namespace of the thread.

func sysctl(device, name, value string) error {
	err := os.WriteFile("/proc/sys/net/ipv6/conf/"+device+"/"+name, []byte(value), 0)
	if errors.Is(err, os.ErrPermission) || errors.Is(err, unix.EROFS) {
		return suite.Unavailable("needs to configure namespaces: %v", err)
	}
	return err
}

// configure gives a device an address and brings it up, when it makes itself a link-local
// one.
func configure(fd int, device string, p netip.Prefix) error {
	r, err := unix.NewIfreq(device)
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, r); err != nil {
		return err
	}
	a := struct { // in6_ifreq
		addr   [16]byte
		length uint32
		index  int32
	}{p.Addr().As16(), uint32(p.Bits()), int32(r.Uint32())}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCSIFADDR, uintptr(unsafe.Pointer(&a))); errno != 0 {
		return errno
	}
	r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r)
}

// settle waits until a host has so many addresses that are not tentative.
func settle(ctx context.Context, n int) error {
	return await(ctx, func() (bool, error) {
		got, err := assigned()
		return got == n, err
	})
}

// assigned counts the addresses, other than the loopback device's, that the host of the
// thread may use.
func assigned() (n int, err error) {
	f, err := os.Open("/proc/thread-self/net/if_inet6")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		words := strings.Fields(lines.Text()) // address, index, length, scope, flags, device
		if len(words) != 6 || words[5] == "lo" {
			continue
		}
		flags, err := strconv.ParseUint(words[4], 16, 32)
		if err != nil {
			return 0, err
		}
		if flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) == 0 {
			n++
		}
	}
	return n, lines.Err()
}

// await asks, at once and then each millisecond, until ready says yes.
func await(ctx context.Context, ready func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if yes, err := ready(); yes || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
