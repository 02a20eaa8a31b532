package lab_test

import (
	"context"
	"fmt"

	"github.com/hextet/hextet/stack/lab"
)

// A story outside of a test: what a program shows who is asked why a server speaks from where it does.
func ExampleTellStory() {
	told, err := lab.TellStory(context.Background(), "mail.txt", `
# The firewall passes one address.
segment lan latency=1ms
host server interface="Local Area Connection"
host relay
address relay 10.0.0.25/24
drop relay tcp and not host 10.0.0.100
listen relay 25

server> netsh int ipv4 add address "Local Area Connection" 10.0.0.50 255.255.255.0
server> netsh int ipv4 add address "Local Area Connection" 10.0.0.100 255.255.255.0
connect server 10.0.0.25:25 within=3s
server> netsh int ipv4 set address "Local Area Connection" address=10.0.0.50 skipassource=true
connect server 10.0.0.25:25 within=3s
`)
	orPanic(err)
	fmt.Print(told)
	// Output:
	// # The firewall passes one address.
	// segment lan latency=1ms
	// host server interface="Local Area Connection"
	// host relay
	// address relay 10.0.0.25/24
	// drop relay tcp and not host 10.0.0.100
	// listen relay 25
	//
	// server> netsh int ipv4 add address "Local Area Connection" 10.0.0.50 255.255.255.0
	// server> netsh int ipv4 add address "Local Area Connection" 10.0.0.100 255.255.255.0
	// connect server 10.0.0.25:25 within=3s
	//   error: dial tcp 10.0.0.25:25: context deadline exceeded
	// server> netsh int ipv4 set address "Local Area Connection" address=10.0.0.50 skipassource=true
	// connect server 10.0.0.25:25 within=3s
	//   10.0.0.100 > 10.0.0.25: only candidate
}

// A step whose output is not what stands beneath it is an error, which says where.
func ExampleRunStory() {
	err := lab.RunStory(context.Background(), "mail.txt", `segment lan
host server
address server 2001:db8::1/64 skip
address server 2001:db8::25/64
choose server 2001:db8::99
  2001:db8::1: rule 8 (longest matching prefix)
`)
	fmt.Println(err)
	err = lab.RunStory(context.Background(), "mail.txt", "segment lan latency=fast")
	fmt.Println(err)
	// Output:
	// lab: the story is not as it is told (LAB_UPDATE=1 writes it anew):
	// mail.txt:5: choose server 2001:db8::99
	// 	line 1; 1 lines are wanted, 1 are there
	// 	- 2001:db8::1: rule 8 (longest matching prefix)
	// 	+ 2001:db8::25: rule 2 (appropriate scope)
	// mail.txt:1:13: "latency=fast": a duration, such as 10ms, 1h or 30d is expected
}
