package lab_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

// These are the programs that people write to test something that speaks IPv6. What is under test stands
// above each: it knows nothing of the lab.

// advertise is a Router Advertisement daemon: it advertises a prefix until ctx is done.
func advertise(ctx context.Context, c icmp6.Conn, sleep func(time.Duration), prefix netip.Prefix, ifi *net.Interface) error {
	ra := []byte{134, 0, 0, 0, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0} // RFC 4861 section 4.2: lifetime 1800 s
	ra = append(ra, 3, 4, byte(prefix.Bits()), 0xc0)                      // section 4.6.2: on-link, autonomous
	ra = binary.BigEndian.AppendUint32(ra, 7200)
	ra = binary.BigEndian.AppendUint32(ra, 3600)
	ra = append(append(ra, 0, 0, 0, 0), prefix.Addr().AsSlice()...)
	if err := errors.Join(c.SetMulticastHopLimit(255), c.SetMulticastInterface(ifi)); err != nil {
		return err
	}
	for ctx.Err() == nil {
		if _, err := c.WriteTo(ra, nil, &net.IPAddr{IP: net.ParseIP("ff02::1")}); err != nil {
			return err
		}
		sleep(4 * time.Second)
	}
	return ctx.Err()
}

func TestRADaemon(t *testing.T) {
	l := lab.New(t)
	r := l.Host(lab.HostConfig{Name: "r"})
	h := l.Host(lab.HostConfig{Name: "h", Interfaces: []lab.InterfaceConfig{{Stack: stack.InterfaceConfig{SLAAC: true, DAD: true}}}})
	c, err := r.ListenRaw(icmp6.Protocol, netip.Addr{})
	check(t, err)
	prefix := netip.MustParsePrefix("2001:db8:1::/64")
	ctx, stop := context.WithCancel(t.Context())
	daemon := l.Go("daemon", func(context.Context) error {
		return advertise(ctx, c, l.Sleep, prefix, r.Interface("eth0").NetInterface())
	})
	state := func() (a stack.AddressInfo) {
		all := h.Interface("eth0").Addresses()
		if n := slices.IndexFunc(all, func(a stack.AddressInfo) bool { return prefix.Contains(a.Prefix.Addr()) }); n >= 0 {
			a = all[n]
		}
		return a
	}
	l.Advance(4 * time.Second)
	if a := state(); a.State != stack.Assigned || a.Deprecated {
		t.Errorf("after an advertisement: %+v", a)
	}
	stop()
	if err := daemon.Wait(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	l.Advance(time.Hour)
	if a := state(); a.State != stack.Assigned || !a.Deprecated {
		t.Errorf("an hour after the last one: %+v", a)
	}
	l.Advance(time.Hour)
	if a := state(); a.Prefix.IsValid() {
		t.Errorf("two hours after the last one: %+v", a)
	}
}

// pingTool counts the answers to so many echo requests, one a second.
func pingTool(c icmp6.Conn, now func() time.Time, dst netip.Addr, count int) (answers int, err error) {
	for seq := range count {
		next := now().Add(time.Second)
		echo := []byte{128, 0, 0, 0, 0, 42, byte(seq >> 8), byte(seq)} // the checksum is the stack's
		if _, err := c.WriteTo(echo, nil, &net.IPAddr{IP: dst.AsSlice()}); err != nil {
			return answers, err
		}
		if err := c.SetReadDeadline(next); err != nil {
			return answers, err
		}
		for b := make([]byte, 100); ; {
			n, _, _, err := c.ReadFrom(b)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			} else if err != nil {
				return answers, err
			}
			if n == len(echo) && b[0] == 129 && binary.BigEndian.Uint16(b[6:]) == uint16(seq) {
				answers++
			}
		}
	}
	return answers, nil
}

func TestPingTool(t *testing.T) {
	l := lab.New(t, lab.Config{Seed: 1})
	a := l.Host(lab.HostConfig{Addresses: lab.Addresses("2001:db8::1/64")})
	l.Host(lab.HostConfig{Addresses: lab.Addresses("2001:db8::2/64"), Interfaces: []lab.InterfaceConfig{{Receive: lab.Impairment{Loss: 0.5}}}})
	c, err := a.ListenRaw(icmp6.Protocol, netip.Addr{})
	check(t, err)
	began := l.Now()
	answers, err := pingTool(c, l.Now, netip.MustParseAddr("2001:db8::2"), 100)
	if err != nil || answers < 30 || answers > 70 {
		t.Errorf("%d of 100 answers: %v", answers, err)
	}
	if took := l.Now().Sub(began); took != 100*time.Second {
		t.Errorf("it took %v", took)
	}
}

// The DHCPv6 messages that are of interest here (RFC 8415 section 7.3).
const (
	solicit, advertised, request, renew, reply = 1, 2, 3, 5, 7

	t1 = 30 * time.Minute
)

// dhcpClient gets a lease, tells of it, and renews it at T1.
func dhcpClient(c net.PacketConn, now func() time.Time, zone string, leased func(kind byte)) error {
	all := &net.UDPAddr{IP: net.ParseIP("ff02::1:2"), Port: 547, Zone: zone}
	for xid, kind := byte(0), byte(solicit); ; xid++ {
		if _, err := c.WriteTo([]byte{kind, 0, 0, xid}, all); err != nil {
			return err
		}
		c.SetReadDeadline(now().Add(time.Second)) // SOL_TIMEOUT
		b := make([]byte, 100)
		n, _, err := c.ReadFrom(b)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
		case err != nil:
			return err
		case n < 4 || b[3] != xid:
		case b[0] == advertised:
			kind = request
		case b[0] == reply:
			leased(kind)
			kind = renew
			c.SetReadDeadline(now().Add(t1))
			if _, _, err := c.ReadFrom(b); !errors.Is(err, os.ErrDeadlineExceeded) {
				return err
			}
		}
	}
}

// dhcpServer answers such a client.
func dhcpServer(c net.PacketConn) error {
	for b := make([]byte, 100); ; {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return err
		}
		answer := map[byte]byte{solicit: advertised, request: reply, renew: reply}[b[0]]
		if _, err := c.WriteTo(append([]byte{answer}, b[1:n]...), from); err != nil {
			return err
		}
	}
}

func TestDHCPv6Client(t *testing.T) {
	l := lab.New(t)
	server, client := l.Host(lab.HostConfig{Name: "server"}), l.Host(lab.HostConfig{Name: "client"})
	s, err := server.ListenPacket(t.Context(), "udp", ":547")
	check(t, err)
	check(t, s.(*stack.UDPConn).JoinGroup(nil, &net.UDPAddr{IP: net.ParseIP("ff02::1:2")}))
	l.Go("server", func(context.Context) error { return dhcpServer(s) })
	c, err := client.ListenPacket(t.Context(), "udp", ":546")
	check(t, err)
	var leases []byte
	l.Go("client", func(context.Context) error {
		return dhcpClient(c, l.Now, "eth0", func(kind byte) { leases = append(leases, kind) })
	})
	l.Advance(t1 - time.Second)
	if !slices.Equal(leases, []byte{request}) {
		t.Errorf("before T1: %v", leases)
	}
	l.Advance(2 * time.Second)
	if !slices.Equal(leases, []byte{request, renew}) {
		t.Errorf("after T1: %v", leases)
	}
	l.Advance(30 * 24 * time.Hour)
	if want := 1 + int(30*24*time.Hour/t1) + 1; len(leases) != want {
		t.Errorf("after thirty days: %d leases, want %d", len(leases), want)
	}
}

func TestServiceChoosesSource(t *testing.T) {
	l := lab.New(t)
	web := l.Host(lab.HostConfig{Name: "web", Addresses: lab.Addresses("10.0.0.100/24", "10.0.0.50/24 skip")})
	mail := l.Host(lab.HostConfig{Name: "mail", Addresses: lab.Addresses("10.0.0.5/24")})
	ln, err := mail.Listen(t.Context(), "tcp", ":25")
	check(t, err)
	from := func(d stack.Dialer) string {
		d.Stack = web.Stack
		c, err := d.DialContext(t.Context(), "tcp", "10.0.0.5:25")
		check(t, err)
		defer c.Close()
		s, err := ln.Accept()
		check(t, err)
		defer s.Close()
		return s.RemoteAddr().(*net.TCPAddr).IP.String()
	}
	if got := from(stack.Dialer{}); got != "10.0.0.100" {
		t.Errorf("it speaks from %s", got)
	}
	if got := from(stack.Dialer{LocalAddr: netip.MustParseAddrPort("10.0.0.50:0")}); got != "10.0.0.50" {
		t.Errorf("told to, it speaks from %s", got)
	}
	check(t, web.Interface("eth0").SetSkipAsSource(netip.MustParseAddr("10.0.0.100"), true))
	check(t, web.Interface("eth0").SetSkipAsSource(netip.MustParseAddr("10.0.0.50"), false))
	if got := from(stack.Dialer{}); got != "10.0.0.50" {
		t.Errorf("after the change it speaks from %s", got)
	}
}
