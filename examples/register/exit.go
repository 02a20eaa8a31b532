package main

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"

	"github.com/hextet/hextet/dnsreg"
)

// How the program ends.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNothing     = 3
	exitRefused     = 4
	exitInterrupted = 130 // what a shell makes of SIGINT
)

const exitHelp = `Exit status:
  0    done: all is registered, or planned, or removed; while it keeps the records right,
       after SIGTERM: ended in order
  1    a zone, or the look-up of the host's own name, failed in a way that may pass by
       itself: a later try may succeed
  2    the command line or a file is wrong, or there is no way to the addresses
  3    no address is eligible: nothing is registered
  4    somebody has to change something first: a server refused, no zone was found,
       there are too many addresses, a name, key, clock or file is wrong, or the state
       can't be saved
  130  interrupted, by SIGTERM too if it was to end by itself; the records are removed
       if deregister-on-exit says so
`

// interruption is why a context ended.
type interruption struct{ os.Signal }

func (i interruption) Error() string { return "interrupted by " + i.Signal.String() }

// exitCode says what an attempt comes to.
func exitCode(ctx context.Context, err error) int {
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case err != nil && mayPass(err):
		return exitFailed
	case err != nil:
		return exitRefused
	}
	return exitDone
}

// startCode says what it comes to that there is nothing to attempt. The DNS may be away, which passes by itself.
func startCode(ctx context.Context, err error) int {
	lookup, ok := errors.AsType[*net.DNSError](err)
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case ok && !lookup.IsNotFound:
		return exitFailed
	}
	return exitUsage
}

// mayPass reports whether every failure among joined errors may pass by itself.
func mayPass(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			if !mayPass(e) {
				return false
			}
		}
		return true
	}
	return dnsreg.ClassOf(err) == dnsreg.Transient
}

// registerCode is exitCode for an attempt that was to register some of the addresses.
func registerCode(ctx context.Context, err error, verdicts []dnsreg.Verdict) int {
	code := exitCode(ctx, err)
	eligible := func(v dnsreg.Verdict) bool { return v.Reason == dnsreg.Registered }
	if code == exitDone && !slices.ContainsFunc(verdicts, eligible) {
		return exitNothing
	}
	return code
}

// terminated reports whether a service manager, rather than somebody at a terminal, ended ctx.
func terminated(ctx context.Context) bool {
	i, ok := errors.AsType[interruption](context.Cause(ctx))
	return ok && i.Signal != os.Interrupt
}
