// Quickstart tells two old bugs and their cure on real packets, in memory: no root, no network.
//
// KB975808: a server has 50 IPv4 and 50 IPv6 addresses; the firewall before it passes one of each. As long as
// no address is flagged, all of them are registered in DNS and a client is sent to 98 addresses that the
// firewall blocks. With SkipAsSource on those 98, DNS holds the other two, and the server speaks from nothing
// else.
//
// KB974927: a program writes an ICMPv6 echo request to a raw socket and leaves icmp6_cksum 0. The stack
// must fill it in after it has chosen the source address.
//
// All packets are left in quickstart.pcapng. Every claim that is printed is checked against them, and
// against the zone; the exit status is 1 if one is false.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hextet/hextet/stack/lab"
)

const file = "quickstart.pcapng"

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	l, err := lab.Start(ctx)
	if err != nil {
		return err
	}
	a := new(account)
	err = errors.Join(tell(l, a), save(l), l.Close())
	a.print(out)
	return errors.Join(err, a.err())
}

func tell(l *lab.Lab, a *account) error {
	n, err := build(l, a)
	if err != nil {
		return err
	}
	for _, chapter := range []func() error{n.before, n.after, n.checksum} {
		if err := chapter(); err != nil {
			return err
		}
	}
	n.onTheWire()
	return nil
}

func save(l *lab.Lab) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(l.WritePcapng(f), f.Close())
}
