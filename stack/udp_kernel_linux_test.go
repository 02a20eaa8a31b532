package stack_test

import (
	"net"
	"net/netip"
	"syscall"
	"testing"

	"github.com/hextet/hextet/stack"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// TestKernelUDPGroup: the kernel's members of a group hear the stack's datagrams, with the hop limit and
// traffic class that it asked for, and the stack's hear the kernel's, without a checksum too, which IPv4
// allows.
func TestKernelUDPGroup(t *testing.T) {
	s, i := kernelPeer(t, "sysctl")
	limit, _ := deadline(t).Deadline()
	device := kernelDevice(t)
	buf := make([]byte, 100)

	for _, f := range []struct {
		network, group, any string
	}{{"udp6", "[ff05::77]:7005", "[::]:7005"}, {"udp4", "239.7.7.7:7005", "0.0.0.0:7005"}} {
		kernel, err := net.ListenPacket(f.network, f.any)
		if err != nil {
			t.Fatal(err)
		}
		defer kernel.Close()
		kernel.SetDeadline(limit)
		c := listenUDP(t, s, f.network, ":7006")
		c.SetDeadline(limit)
		group := udpAddr(f.group)
		if err := c.JoinGroup(i.NetInterface(), group); err != nil {
			t.Fatal(err)
		}
		var received func() (n, hops, class int, dst net.IP, err error)
		if f.network == "udp6" {
			p := ipv6.NewPacketConn(kernel)
			must(t, p.JoinGroup(device, group), p.SetMulticastInterface(device), p.SetMulticastHopLimit(5), p.SetTrafficClass(0x28),
				p.SetControlMessage(ipv6.FlagHopLimit|ipv6.FlagTrafficClass|ipv6.FlagDst, true))
			received = func() (int, int, int, net.IP, error) {
				n, cm, _, err := p.ReadFrom(buf)
				if err != nil {
					return 0, 0, 0, nil, err
				}
				return n, cm.HopLimit, cm.TrafficClass, cm.Dst, nil
			}
		} else {
			p := ipv4.NewPacketConn(kernel)
			must(t, p.JoinGroup(device, group), p.SetMulticastInterface(device), p.SetMulticastTTL(5), p.SetTOS(0x28),
				p.SetControlMessage(ipv4.FlagTTL|ipv4.FlagDst, true), noChecksum(kernel))
			received = func() (int, int, int, net.IP, error) {
				n, cm, _, err := p.ReadFrom(buf)
				if err != nil {
					return 0, 0, 0, nil, err
				}
				return n, cm.TTL, 0x28, cm.Dst, nil // x/net has no type of service to tell
			}
		}

		must(t, c.SetMulticastHopLimit(7), c.SetTrafficClass(0x28))
		if _, err := c.WriteTo([]byte("from the stack"), group); err != nil {
			t.Fatal(err)
		}
		n, hops, class, dst, err := received()
		if err != nil || string(buf[:n]) != "from the stack" || hops != 7 || class != 0x28 || !dst.Equal(group.IP) {
			t.Errorf("%s: the kernel got %q with hop limit %d, class %#x to %v, %v", f.network, buf[:n], hops, class, dst, err)
		}

		if _, err := kernel.WriteTo([]byte("from the kernel"), &net.UDPAddr{IP: group.IP, Port: 7006}); err != nil {
			t.Fatal(err)
		}
		var cm stack.ControlMessage
		n, _, err = c.ReadMsg(buf, &cm)
		if err != nil || string(buf[:n]) != "from the kernel" || cm.HopLimit != 5 || cm.TrafficClass != 0x28 ||
			cm.Destination != netip.MustParseAddrPort(f.group).Addr() || cm.Interface != i.Index() {
			t.Errorf("%s: the stack got %q with %+v, %v", f.network, buf[:n], cm, err)
		}
	}
}

// noChecksum switches a kernel socket's UDP checksums off.
func noChecksum(c net.PacketConn) error {
	raw, err := c.(*net.UDPConn).SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		set = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_NO_CHECK, 1)
	})
	if err != nil {
		return err
	}
	return set
}

// kernelDevice is the kernel's end of the wire.
func kernelDevice(t *testing.T) *net.Interface {
	t.Helper()
	is, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range is {
		if i.Flags&net.FlagLoopback == 0 && i.Flags&net.FlagUp != 0 {
			return &i
		}
	}
	t.Fatal("there is no device")
	return nil
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}
