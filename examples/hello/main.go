// Hello is a host in memory that can tell which address it speaks from, and why.
package main

import (
	"fmt"
	"log"
	"net/netip"

	"github.com/hextet/hextet/stack"
)

func main() {
	host, err := stack.New(stack.Config{})
	check(err)
	defer host.Close()
	wire, _ := stack.Pipe(1500)
	eth0, err := host.Attach(stack.InterfaceConfig{Name: "eth0", Link: wire})
	check(err)
	check(eth0.AddAddresses([]stack.Address{
		{Prefix: netip.MustParsePrefix("2001:db8::1/64"), SkipAsSource: true},
		{Prefix: netip.MustParsePrefix("2001:db8::25/64")},
	}))
	why, err := host.Explain(netip.MustParseAddr("2001:db8::99"))
	check(err)
	fmt.Print(why)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
