package dnsregtest_test

import (
	"context"
	"fmt"
	"log"
	"net"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

func ExampleServer() {
	server, err := dnsregtest.New(dnsregtest.Config{Zones: []string{"example.test"}})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	address, err := server.Listen("127.0.0.1")
	if err != nil {
		log.Fatal(err)
	}
	if err := server.Insert("www.example.test. 60 A 192.0.2.1"); err != nil {
		log.Fatal(err)
	}

	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	addrs, err := resolver.LookupHost(context.Background(), "www.example.test")
	fmt.Println(addrs, err)
	for _, record := range server.Zone("example.test") {
		fmt.Println(record)
	}
	// Output:
	// [192.0.2.1] <nil>
	// example.test. 300 NS ns1.example.test.
	// example.test. 300 SOA ns1.example.test. hostmaster.example.test. 1 3600 600 86400 60
	// www.example.test. 60 A 192.0.2.1
}

// The first answer is SERVFAIL, and the resolver asks once more.
func ExampleFault() {
	questions := 0
	server, err := dnsregtest.New(dnsregtest.Config{
		Zones: []string{"example.test"},
		Fault: func(r dnsregtest.Request) (f dnsregtest.Fault) {
			questions++
			fmt.Println(questions, r.Network, r.Type, r.Name)
			if questions == 1 {
				f.Rcode = 2
			}
			return f
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	address, err := server.Listen("127.0.0.1")
	if err != nil {
		log.Fatal(err)
	}
	if err := server.Insert("www.example.test. 60 A 192.0.2.1"); err != nil {
		log.Fatal(err)
	}
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	addrs, err := resolver.LookupIP(context.Background(), "ip4", "www.example.test.")
	fmt.Println(addrs, err)
	// Output:
	// 1 udp A www.example.test.
	// 2 udp A www.example.test.
	// [192.0.2.1] <nil>
}
