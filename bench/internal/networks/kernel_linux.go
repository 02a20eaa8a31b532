package networks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hextet/hextet/bench/internal/namespace"
)

// kernel is a network namespace for each host, with a veth device whose other end is a
// port of a bridge, in a namespace of the bridges.
type kernel struct {
	real
	bridges *namespace.Namespace
	hosts   []*namespace.Namespace // the router is the last one
	plan    plan
}

func newKernel(ctx context.Context, p plan) (network, error) {
	k := &kernel{plan: p}
	if err := k.build(ctx); err != nil {
		return nil, errors.Join(err, k.close())
	}
	return k, nil
}

// build makes all devices by one process, and configures them by system calls of its own:
// a process for each host would take most of the time.
func (k *kernel) build(ctx context.Context) error {
	bridges, err := namespace.New()
	if err != nil {
		return err
	}
	k.bridges = bridges
	var batch strings.Builder
	for n := range k.plan.segments() {
		fmt.Fprintf(&batch, "link add br%d type bridge\nlink set br%d addrgenmode none up\n", n, n)
	}
	for i := range k.plan.hosts {
		if err := k.plug(&batch, k.plan.prefix(i)); err != nil {
			return err
		}
	}
	if k.plan.routed {
		if err := k.plug(&batch, router(0), router(1)); err != nil {
			return err
		}
	}
	if err := k.bridges.Do(func() error { return namespace.IP(ctx, batch.String()) }); err != nil {
		return err
	}
	for i, ns := range k.hosts {
		if err := ns.Do(func() error { return k.equip(ctx, i) }); err != nil {
			return err
		}
	}
	for i, ns := range k.hosts {
		if err := ns.Do(func() error { return settle(ctx, 2*len(k.plan.prefixes(i))) }); err != nil {
			return err
		}
	}
	return nil
}

// plug makes the namespace of a host, and adds what makes its devices: eth0, and eth1 for
// the second address.
func (k *kernel) plug(batch *strings.Builder, prefixes ...netip.Prefix) error {
	ns, err := namespace.New()
	if err != nil {
		return err
	}
	k.hosts = append(k.hosts, ns)
	for n, p := range prefixes {
		port := fmt.Sprintf("host%d-%d", len(k.hosts), n)
		fmt.Fprintf(batch, "link add %s type veth peer name eth%d address %v netns %s\nlink set %s master br%d addrgenmode none up\n",
			port, n, hardware(p), ns.Path(), port, segmentOf(p))
	}
	return nil
}

// equip makes a host of the namespace of the thread. It solicits no routers, since ours
// don't, and its probes are not delayed by a random part of a second, the delay for
// solicitations, since nobody else's are.
func (k *kernel) equip(ctx context.Context, i int) error {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for n, p := range k.plan.prefixes(i) {
		device := fmt.Sprintf("eth%d", n)
		dad := "0"
		if k.plan.dad {
			dad = "1"
		}
		for _, s := range [][2]string{{"accept_dad", dad}, {"accept_ra", "0"}, {"router_solicitations", "0"}, {"router_solicitation_delay", "0"}} {
			if err := sysctl(device, s[0], s[1]); err != nil {
				return err
			}
		}
		if err := configure(fd, device, p); err != nil {
			return fmt.Errorf("networks: Linux: %s: %v: %w", device, p, err)
		}
	}
	switch {
	case !k.plan.routed:
		return nil
	case i == k.plan.hosts:
		return sysctl("all", "forwarding", "1")
	}
	return namespace.IP(ctx, fmt.Sprintf("route add default via %v dev eth0\n", router(k.plan.segment(i)).Addr()))
}

func (k *kernel) usable() (usable int, err error) {
	for _, ns := range k.hosts[:k.plan.hosts] {
		n := 0
		if err := ns.Do(func() (err error) { n, err = assigned(); return err }); err != nil {
			return 0, err
		}
		if n == 2 {
			usable++
		}
	}
	return usable, nil
}

func (k *kernel) listen(i int, port uint16) (net.PacketConn, error) {
	var c net.PacketConn
	err := k.hosts[i].Do(func() (err error) {
		c, err = new(net.ListenConfig).ListenPacket(context.Background(), "udp6", netip.AddrPortFrom(netip.IPv6Unspecified(), port).String())
		return err
	})
	return k.keep(c, err)
}

// close waits until the kernel, which takes its time, has taken the hosts away: with them
// go the ports of the bridges.
func (k *kernel) close() error {
	err := k.closeSockets()
	for _, ns := range k.hosts {
		err = errors.Join(err, ns.Close())
	}
	if k.bridges == nil {
		return err
	}
	gone := k.bridges.Do(func() error {
		return await(context.Background(), func() (bool, error) {
			devices, err := os.ReadFile("/proc/thread-self/net/dev")
			return !strings.Contains(string(devices), "host"), err
		})
	})
	return errors.Join(err, gone, k.bridges.Close())
}
