package netsh_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"os"
	"strings"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/netsh"
)

// office is a host with the interface that KB975808 speaks of.
func office() *stack.Stack {
	host, err := stack.New(stack.Config{})
	if err != nil {
		log.Fatal(err)
	}
	wire, _ := stack.Pipe(1500)
	if _, err := host.Attach(stack.InterfaceConfig{Name: "Local Area Connection", Link: wire}); err != nil {
		log.Fatal(err)
	}
	return host
}

// The line of KB975808, and what it does.
func Example() {
	host := office()
	defer host.Close()
	sh, err := netsh.New(netsh.Config{Stack: host})
	if err != nil {
		log.Fatal(err)
	}
	for _, line := range []string{
		`Netsh int ipv4 add address "Local Area Connection" 192.168.1.5 255.255.255.0 skipassource=true`,
		`Netsh int ipv4 add address "Local Area Connection" 192.168.1.6 255.255.255.0`,
	} {
		if err := sh.Run(context.Background(), line, os.Stdout); err != nil {
			log.Fatal(err)
		}
	}
	why, err := host.Explain(netip.MustParseAddr("192.168.1.77"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(why)
	// Output:
	// Ok.
	//
	// Ok.
	//
	// to 192.168.1.77 on interface 1
	//   192.168.1.6/24  if1                  chosen: only candidate
	//   192.168.1.5/24  if1  skip-as-source  no candidate: skip-as-source
}

// A script, as a shell would read it from a file.
func ExampleShell_Run() {
	host := office()
	defer host.Close()
	sh, err := netsh.New(netsh.Config{Stack: host})
	if err != nil {
		log.Fatal(err)
	}
	script := bufio.NewScanner(strings.NewReader(`
		# Prefer IPv4 where a name has both
		interface ipv6
		set prefixpolicy ::ffff:0:0/96 60 4
		show prefixpolicies
		bye
	`))
	for script.Scan() {
		err := sh.Run(context.Background(), script.Text(), os.Stdout)
		if errors.Is(err, netsh.ErrExit) {
			break
		}
		if err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(sh.Prompt())
	// Output:
	// Ok.
	//
	// Querying active state...
	//
	// Precedence  Label  Prefix
	// ----------  -----  --------------------------------
	//         60      4  ::ffff:0:0/96
	//         50      0  ::1/128
	//         40      1  ::/0
	//         30      2  2002::/16
	//          5      5  2001::/32
	//          3     13  fc00::/7
	//          1      3  ::/96
	//          1     12  3ffe::/16
	//          1     11  fec0::/10
	//
	// netsh interface ipv6>
}

// What is wrong, where, and what was meant.
func ExampleError() {
	host := office()
	defer host.Close()
	sh, err := netsh.New(netsh.Config{Stack: host})
	if err != nil {
		log.Fatal(err)
	}
	err = sh.Run(context.Background(), `netsh int ipv4 add address "Local Area Conection" 192.168.1.5/24`, os.Stdout)
	var e *netsh.Error
	if errors.As(err, &e) {
		fmt.Println("command:", e.Command)
		fmt.Println("column: ", e.Column)
		fmt.Println("problem:", e.Problem)
		fmt.Println("nearest:", e.Nearest)
	}
	// Output:
	// command: interface ipv4 add address
	// column:  28
	// problem: name: there is no interface "Local Area Conection"
	// nearest: "Local Area Connection"
}

func ExampleShell_Complete() {
	host := office()
	defer host.Close()
	sh, err := netsh.New(netsh.Config{Stack: host})
	if err != nil {
		log.Fatal(err)
	}
	for _, line := range []string{"netsh int ipv6 s", "netsh int ipv6 add pre", `netsh int ipv4 add address "L`, "netsh int ipv4 add address 1 10.0.0.1/8 skip"} {
		fmt.Printf("%q\n", sh.Complete(line))
	}
	// Output:
	// ["netsh int ipv6 set" "netsh int ipv6 show"]
	// ["netsh int ipv6 add prefixpolicy"]
	// ["netsh int ipv4 add address \"Local Area Connection\""]
	// ["netsh int ipv4 add address 1 10.0.0.1/8 skipassource="]
}
