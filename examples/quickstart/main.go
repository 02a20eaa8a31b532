// Quickstart tells two old bugs and their cure on real packets, in memory: no root, no network.
//
// KB975808: a server has 50 IPv4 and 50 IPv6 addresses; a firewall on the client's side passes one of
// each. As long as no address is flagged, all of them are registered in DNS and the client is sent to
// 98 addresses that the firewall blocks. With SkipAsSource on those 98, DNS holds the other two, and
// the server speaks from nothing else.
//
// KB974927: a program writes an ICMPv6 echo request to a raw socket and leaves icmp6_cksum 0. The stack
// must fill it in after it has chosen the source address.
//
// All packets are left in quickstart.pcapng. Every claim that is printed is checked against them, and
// against the zone; the exit status is 1 if one is false.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/hextet/hextet/stack/capture"
)

const file = "quickstart.pcapng"

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	w, err := capture.Create(file, capture.Options{Comment: comments.of})
	if err != nil {
		return err
	}
	a := &account{}
	facts, err := story(ctx, a, w)
	if err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	packets, err := readPackets(file)
	if err != nil {
		return err
	}
	facts.check(a, packets)
	a.print(out)
	return a.err()
}

// story runs the network from its first packet to its last.
func story(ctx context.Context, a *account, w *capture.Writer) (*facts, error) {
	n, err := newNetwork(w)
	if err != nil {
		return nil, err
	}
	defer n.close()
	f := &facts{}
	for _, chapter := range []func(context.Context, *account, *facts) error{n.before, n.after, n.checksum} {
		if err := chapter(ctx, a, f); err != nil {
			return nil, err
		}
	}
	return f, nil
}
