package lab_test

import (
	"context"
	"fmt"
	"io"

	"github.com/hextet/hextet/stack/lab"
)

// A DNS host, and a client that finds a server by its name.
func ExampleDNS() {
	l, err := lab.Start(context.Background())
	orPanic(err)
	defer l.Close()
	dns := l.DNS(lab.DNSConfig{
		Addresses: lab.Addresses("2001:db8::53/64"),
		Zones:     []string{"example.test"},
		Records:   []string{"www.example.test. 60 AAAA 2001:db8::80"},
	})
	web := l.Host(lab.HostConfig{Addresses: lab.Addresses("2001:db8::80/64")})
	client := l.Host(lab.HostConfig{Addresses: lab.Addresses("2001:db8::c/64")})

	listener, err := web.Listen(context.Background(), "tcp", ":80")
	orPanic(err)
	l.Go("www", func(context.Context) error {
		c, err := listener.Accept()
		orPanic(err)
		io.WriteString(c, "hello")
		return c.Close()
	})
	c, err := client.DialContext(context.Background(), "tcp", "www.example.test.:80")
	orPanic(err)
	said, err := io.ReadAll(c)
	orPanic(err)
	fmt.Printf("%v says %q, %d questions\n", c.RemoteAddr(), said, dns.Server().Stats().Queries)
	// Output: [2001:db8::80]:80 says "hello", 2 questions
}
