package tun_test

import (
	"fmt"
	"log"

	"github.com/hextet/hextet/stack/tun"
)

// Count what the kernel sends. Run as root, then in another shell:
//
//	ip address add 2001:db8::1/64 dev tun0
//	ip link set tun0 up
//	ping 2001:db8::2
func ExampleOpen() {
	d, err := tun.Open(tun.Config{Name: "tun0"})
	if err != nil {
		log.Fatal(err)
	}
	defer d.Close()

	bufs := make([][]byte, 16)
	for i := range bufs {
		bufs[i] = make([]byte, d.MTU())
	}
	sizes := make([]int, len(bufs))
	for {
		n, err := d.ReadPackets(bufs, sizes)
		if err != nil {
			log.Fatal(err)
		}
		for i := range n {
			fmt.Println(d.Name(), "IP version", bufs[i][0]>>4, "bytes", sizes[i])
		}
	}
}

func ExampleOpen_error() {
	_, err := tun.Open(tun.Config{Name: "sixteen-bytes-xx"})
	fmt.Println(err)
	// Output:
	// tun: name "sixteen-bytes-xx" has 16 bytes, at most 15 are possible
}
