// Twolabs is one network in two processes: it starts itself once more, and a segment of the one lab goes on in the
// other, over a UDP socket and without privileges. A host in the second process hears a router in the first and
// asks a server behind it.
//
//	go run ./examples/twolabs
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net/netip"
	"os"
	"os/exec"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

func main() {
	var peer netip.AddrPort
	flag.TextVar(&peer, "peer", netip.AddrPort{}, "UDP address of the first process; without it, this is the first")
	flag.Parse()
	l, err := lab.Start(context.Background(), lab.Config{RealTime: true})
	check(err)
	defer l.Close()
	if peer.IsValid() {
		second(l, peer)
		return
	}
	first(l)
}

// first has the router and the server.
func first(l *lab.Lab) {
	lan, far := l.Segment(lab.SegmentConfig{Name: "lan"}), l.Segment(lab.SegmentConfig{Name: "far"})
	uplink := l.Uplink(lab.UplinkConfig{Segment: lan, VNI: 7, Listen: "127.0.0.1:0"})
	router := l.Router(lab.RouterConfig{Interfaces: []lab.InterfaceConfig{
		{Segment: lan, Addresses: lab.Addresses("2001:db8:1::1/64")},
		{Segment: far, Addresses: lab.Addresses("2001:db8:2::1/64")},
	}})
	server := l.Host(lab.HostConfig{Segment: far, Addresses: lab.Addresses("2001:db8:2::80/64"), Routers: []netip.Addr{netip.MustParseAddr("2001:db8:2::1")}})
	listener, err := server.Listen(l.Context(), "tcp", ":80")
	check(err)
	l.Go("server", func(context.Context) error {
		c, err := listener.Accept()
		check(err)
		fmt.Fprintf(c, "hello from the first process\n")
		return c.Close()
	})

	self, err := os.Executable()
	check(err)
	cmd := exec.Command(self, "-peer", uplink.LocalAddr().String())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	check(err)
	check(cmd.Start())
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n') // where the second process is
	check(err)
	check(uplink.AddPeer(netip.MustParseAddrPort(line[:len(line)-1])))
	check(router.Advertise(lab.Advertisement{Prefixes: lab.Prefixes("2001:db8:1::/64")}))
	_, err = io.Copy(os.Stdout, lines)
	check(err)
	check(cmd.Wait())
}

// second has a host that knows nothing but what the router says.
func second(l *lab.Lab, peer netip.AddrPort) {
	uplink := l.Uplink(lab.UplinkConfig{VNI: 7, Listen: "127.0.0.1:0", Peers: []netip.AddrPort{peer}})
	host := l.Host(lab.HostConfig{Interfaces: []lab.InterfaceConfig{{Stack: stack.InterfaceConfig{SLAAC: true}}}})
	fmt.Println(uplink.LocalAddr())
	eth0 := host.Interfaces()[0]
	for len(eth0.RouterInfo().Routers) == 0 {
		l.Sleep(10 * time.Millisecond)
	}
	c, err := host.DialContext(l.Context(), "tcp", "[2001:db8:2::80]:80")
	check(err)
	said, err := io.ReadAll(c)
	check(err)
	fmt.Printf("%d router in the other process; its network says: %s", len(eth0.RouterInfo().Routers), said)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
