// Vxlan puts a host of its own onto a VXLAN segment, over an ordinary UDP socket and
// without privileges. On two machines, or twice on one:
//
//	vxlan -listen 127.0.0.1:4789 -peer 127.0.0.1:4790 -address 2001:db8::1/64
//	vxlan -listen 127.0.0.1:4790 -peer 127.0.0.1:4789 -address 2001:db8::2/64 -get http://[2001:db8::1]/
//
// The first serves HTTP on the segment until it is interrupted, the second asks it.
// On Linux the kernel can be the peer:
//
//	ip link add vx7 type vxlan id 7 dstport 4789 remote 192.0.2.2
//	ip link set vx7 mtu 1430 up && ip address add 2001:db8::3/64 dev vx7
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/vxlan"
)

func main() {
	var peer netip.AddrPort
	var address netip.Prefix
	vni := flag.Uint("vni", 7, "number of the segment")
	listen := flag.String("listen", ":4789", "UDP address of this end")
	flag.TextVar(&peer, "peer", netip.AddrPort{}, "UDP address of the other end")
	flag.TextVar(&address, "address", netip.Prefix{}, "address on the segment, with its prefix length")
	get := flag.String("get", "", "URL to fetch instead of serving")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	socket, err := net.ListenPacket("udp", *listen)
	check(err)
	endpoint, err := vxlan.New(vxlan.Config{Conn: socket})
	check(err)
	defer endpoint.Close()
	link, err := endpoint.Open(vxlan.Segment{VNI: uint32(*vni), Peers: []netip.AddrPort{peer}, MTU: 1430})
	check(err)
	host, err := stack.New(stack.Config{})
	check(err)
	defer host.Close()
	eth0, err := host.Attach(stack.InterfaceConfig{Name: "eth0", Link: link, DAD: true})
	check(err)
	check(eth0.AddAddress(stack.Address{Prefix: address}))
	check(eth0.WaitAssigned(ctx))
	if *get != "" {
		fetch(ctx, host, *get)
		return
	}
	serve(ctx, host, address.Addr())
}

func fetch(ctx context.Context, host *stack.Stack, url string) {
	request, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	check(err)
	client := http.Client{Transport: &http.Transport{DialContext: host.DialContext}}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	check(err)
	defer response.Body.Close()
	_, err = io.Copy(os.Stdout, response.Body)
	check(err)
}

func serve(ctx context.Context, host *stack.Stack, own netip.Addr) {
	listener, err := host.Listen(ctx, "tcp", ":80")
	check(err)
	context.AfterFunc(ctx, func() { listener.Close() })
	fmt.Println("serving on", own)
	http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s to %s\n", own, r.RemoteAddr)
	}))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
