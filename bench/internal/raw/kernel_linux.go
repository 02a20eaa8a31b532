package raw

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/hextet/hextet/bench/internal/namespace"
	"github.com/hextet/hextet/bench/internal/suite"
)

// A device is where Linux's packets end.
type device struct {
	kind  string
	setup string // lines for ip -6 -batch that make v0 and lead packets there
	field int    // of /proc/net/dev, which counts what v0 took
}

var devices = []device{
	// An ifb device to which nothing was redirected drops what it is to send, and counts
	// it as received and dropped. It asks for no neighbours.
	{"ifb", "link add v0 type ifb\nlink set v0 addrgenmode none\nlink set v0 up\n", 2},
	// The other end of a pair drops what is for another station.
	{"veth", "link add v0 type veth peer name v1\n" +
		"link set v0 addrgenmode none\nlink set v1 addrgenmode none\n" +
		"link set v0 up\nlink set v1 up\n" +
		"neigh add " + destinations(1)[0].String() + " lladdr 02:00:00:00:00:99 dev v0 nud permanent\n", 10},
}

// A kernel is a raw socket in a network namespace of its own, which has the addresses on
// one device, and a tap on that.
type kernel struct {
	host
	device        device
	unconnected   int // sockets
	connectedTo   int
	tap, tapIndex int
	counters      *os.File // of the namespace
}

// newKernel sets up such a namespace with two senders, and fails with an
// *UnavailableError where the user may not.
func newKernel(ctx context.Context, d device, addresses []netip.Prefix) (*kernel, error) {
	k := &kernel{device: d, unconnected: -1, connectedTo: -1, tap: -1}
	k.host = host{took: k.took, capture: k.tapped, close: k.shut}
	err := namespace.Run(func() error { return k.enter(ctx, addresses) })
	if err != nil {
		k.close()
		return nil, err
	}
	to := destinations(1)
	remote := &unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: to[0].As16()}
	k.add("sendto", to, k.unconnected, unsafe.Pointer(remote), unix.SizeofSockaddrInet6)
	k.add("connected", to, k.connectedTo, nil, 0)
	return k, nil
}

// enter opens everything that is to be in the namespace.
func (k *kernel) enter(ctx context.Context, addresses []netip.Prefix) error {
	if err := namespace.IP(ctx, k.device.setup); err != nil {
		return suite.Unavailable("needs a device of kind %s: %v", k.device.kind, err)
	}
	var b strings.Builder
	for _, a := range addresses {
		fmt.Fprintf(&b, "addr add %v dev v0 nodad noprefixroute\n", a)
	}
	b.WriteString("route add ::/0 dev v0\n")
	err := namespace.IP(ctx, b.String())
	if err == nil {
		err = namespace.Settle(ctx, "v0")
	}
	if err != nil {
		return err
	}
	if k.unconnected, err = unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6); err != nil {
		return fmt.Errorf("raw: Linux: socket: %w", err)
	}
	if k.connectedTo, err = unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6); err != nil {
		return fmt.Errorf("raw: Linux: socket: %w", err)
	}
	if err := unix.Connect(k.connectedTo, &unix.SockaddrInet6{Addr: destinations(1)[0].As16()}); err != nil {
		return fmt.Errorf("raw: Linux: connect: %w", err)
	}
	if k.tap, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0 /* nothing yet */); err != nil {
		return fmt.Errorf("raw: Linux: packet socket: %w", err)
	}
	i, err := net.InterfaceByName("v0")
	if err != nil {
		return err
	}
	k.tapIndex = i.Index
	k.counters, err = os.Open("/proc/thread-self/net/dev")
	return err
}

// add adds a sender. The calls don't tell Go's scheduler, which makes them shorter; they
// don't block.
func (k *kernel) add(name string, to []netip.Addr, fd int, remote unsafe.Pointer, length uintptr) {
	msg := message()
	k.senders = append(k.senders, &sender{name: "Linux " + name, to: to, send: func(int) error {
		_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&msg[0])), uintptr(len(msg)), unix.MSG_DONTWAIT, uintptr(remote), length)
		if errno != 0 {
			return errno
		}
		return nil
	}})
}

// tapped is capture. The tap is closed before anything is timed.
func (k *kernel) tapped(n int, send func()) ([][]byte, error) {
	defer func() { unix.Close(k.tap); k.tap = -1 }()
	all := uint16(unix.ETH_P_ALL)
	if err := unix.Bind(k.tap, &unix.SockaddrLinklayer{Protocol: all<<8 | all>>8, Ifindex: k.tapIndex}); err != nil {
		return nil, fmt.Errorf("raw: Linux: bind: %w", err)
	}
	send()
	var packets [][]byte
	b := make([]byte, mtu)
	for len(packets) < n {
		size, from, err := unix.Recvfrom(k.tap, b, unix.MSG_DONTWAIT)
		if errors.Is(err, unix.EAGAIN) {
			break // sends take their packets to the device before they return
		}
		if err != nil {
			return nil, fmt.Errorf("raw: Linux: recvfrom: %w", err)
		}
		if ll, ok := from.(*unix.SockaddrLinklayer); ok && ll.Pkttype == unix.PACKET_OUTGOING && echoRequest(b[:size]) {
			packets = append(packets, bytes.Clone(b[:size]))
		}
	}
	return packets, nil
}

// took reads the device's counter.
func (k *kernel) took() (uint64, error) {
	if _, err := k.counters.Seek(0, 0); err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(k.counters)
	for lines.Scan() {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		fields := strings.Fields(rest)
		if strings.TrimSpace(name) == "v0" && len(fields) >= k.device.field {
			return strconv.ParseUint(fields[k.device.field-1], 10, 64)
		}
	}
	return 0, errors.Join(errors.New("raw: Linux: no counter of the device"), lines.Err())
}

func (k *kernel) shut() {
	for _, fd := range []int{k.unconnected, k.connectedTo, k.tap} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	if k.counters != nil {
		k.counters.Close()
	}
}
