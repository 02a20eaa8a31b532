// Netsh configures a host in the language of Windows: at a terminal, with a history and with the Tab key, or
// from a script.
//
//	netsh                      a host in memory, with a neighbour, whose time is its own
//	netsh -tun tun0            a host behind a TUN device of Linux, as root
//	netsh < script             one command a line, up to the first that fails
//
// Besides netsh's commands, "explain 192.168.1.1" tells who speaks to an address and why, and "advance 1h",
// for the host in memory, lets time pass.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/hextet/hextet/stack/netsh"
)

func main() {
	device := flag.String("tun", "", "name of the TUN device to be behind; empty: in memory")
	flag.Parse()
	if err := run(context.Background(), *device, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run makes the host and serves it.
func run(ctx context.Context, device string, in *os.File, out io.Writer) error {
	open := inMemory
	if device != "" {
		open = func(ctx context.Context) (*host, error) { return onDevice(device) }
	}
	h, err := open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(h.serve(ctx, in, out), h.close())
}

// serve runs lines until they end.
func (h *host) serve(ctx context.Context, in *os.File, out io.Writer) error {
	sh, err := netsh.New(netsh.Config{Stack: h.stack, HostName: "web.example.org"})
	if err != nil {
		return err
	}
	lines, err := newLines(in, out, sh)
	if err != nil {
		return err
	}
	defer lines.close()
	for {
		line, err := lines.next(sh.Prompt() + " ")
		if err == nil {
			err = h.command(ctx, sh, line, lines.out)
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF) || errors.Is(err, netsh.ErrExit):
			return nil
		case !lines.interactive:
			return err
		default:
			fmt.Fprintln(lines.out, err)
		}
	}
}
