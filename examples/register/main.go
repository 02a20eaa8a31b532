// Register keeps the DNS records of a host to the addresses that it speaks from, by dynamic update (RFC 2136).
//
//	register -demo                       what it does, on a network in memory: no root, nothing is sent
//	register -dry-run                    what would be sent
//	register -key register.key           keeps the records right until it is interrupted
//	register -once                       one pass, and an exit status that says how it went
//	register -deregister                 removes the records
//	register -stack tun0 -address ...    for a userspace stack behind a TUN device, through it
//	register -print-config               a configuration file that explains itself
//	register -help                       everything else
//
// The addresses are those of the system, with its flags: Linux tells by rtnetlink which are tentative, deprecated,
// temporary or a home address, Windows which are skip-as-source too; both tell when they change. Elsewhere
// the addresses are looked up again and again, and have no flags. What is for Windows alone has been compiled and
// vetted, never run.
//
// Plans and states go to standard output, progress to standard error. The first interruption ends the program in
// order, the second at once. SIGHUP makes a pass at once and prints the state, as ipconfig /registerdns would.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(start()) }

// start runs the program until it is done or interrupted.
func start() int {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	again := hangups() // before all else: a manager may say reload while this starts
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	go func() {
		s := <-interrupts
		signal.Stop(interrupts) // the next one ends the process
		cancel(interruption{s})
	}()
	p := &program{args: os.Args[1:], out: os.Stdout, log: os.Stderr, again: again, open: openOrigin}
	return p.run(ctx)
}
