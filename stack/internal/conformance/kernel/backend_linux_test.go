package kernel

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/icmp6/conformance"
	"github.com/hextet/hextet/internal/peertest"
	"github.com/hextet/hextet/stack/tun"
	"golang.org/x/net/ipv6"
)

// backend is the kernel of a namespace of its own. Its wire is a TUN device, whose far end the suite
// has: no neighbour discovery, no Ethernet.
type backend struct {
	dev     *tun.Device
	ifi     *net.Interface
	packets chan []byte
}

func newBackend(t testing.TB) conformance.Backend { return newHost(t) }

// newHost makes the namespace, in which everything that the calling goroutine opens is.
func newHost(t testing.TB) *backend {
	t.Helper()
	peertest.EnterNetns(t, "sysctl")
	dev, err := tun.Open(tun.Config{Name: "tun0", MTU: conformance.MTU})
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{dev: dev, packets: make(chan []byte, 1024)}
	done := make(chan struct{})
	go b.read(done)
	t.Cleanup(func() {
		dev.Close()
		<-done
	})
	for _, cmd := range []string{
		"sysctl -qw net.ipv6.conf.tun0.accept_dad=0 net.ipv6.conf.tun0.accept_ra=0 net.ipv6.conf.tun0.addr_gen_mode=1 net.ipv6.icmp.ratelimit=0",
		"ip link set tun0 up",
		fmt.Sprintf("ip -6 addr add %v/64 dev tun0 nodad", conformance.Host),
		fmt.Sprintf("ip -6 addr add %v/64 dev tun0 nodad", conformance.Second),
	} {
		peertest.Run(t, cmd)
	}
	awaitLocal(t, conformance.Host, conformance.Second)
	if b.ifi, err = net.InterfaceByName("tun0"); err != nil {
		t.Fatal(err)
	}
	return b
}

// awaitLocal waits for the local routes of addresses, which the kernel makes a moment after it has
// taken them.
func awaitLocal(t testing.TB, addrs ...netip.Addr) {
	t.Helper()
	for limit := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		routes, all := peertest.Run(t, "ip -6 route show table local"), true
		for _, a := range addrs {
			all = all && strings.Contains(routes, "local "+a.String()+" ")
		}
		switch {
		case all:
			return
		case time.Now().After(limit):
			t.Fatalf("the kernel has no routes for its addresses:\n%s", routes)
		}
	}
}

func (b *backend) read(done chan<- struct{}) {
	defer close(done)
	buf, sizes := [][]byte{make([]byte, 65536)}, []int{0}
	for {
		n, err := b.dev.ReadPackets(buf, sizes)
		if err != nil {
			return
		}
		if n == 1 && buf[0][0]>>4 == 6 {
			b.packets <- append([]byte(nil), buf[0][:sizes[0]]...)
		}
	}
}

func (b *backend) Interface() *net.Interface { return b.ifi }

func (b *backend) Open(proto uint8, local netip.Addr) (conformance.Socket, error) {
	var at *net.IPAddr
	if local.IsValid() {
		at = &net.IPAddr{IP: local.AsSlice()}
	}
	c, err := net.ListenIP(fmt.Sprintf("ip6:%d", proto), at)
	if err != nil {
		return nil, err
	}
	return socket{ipv6.NewPacketConn(c), options{c}}, nil
}

func (b *backend) Inject(packet []byte) error {
	_, err := b.dev.WritePackets([][]byte{packet})
	return err
}

func (b *backend) Capture(ctx context.Context) ([]byte, error) {
	select {
	case p := <-b.packets:
		return p, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
