package namespace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hextet/hextet/bench/internal/suite"
)

// A Namespace is a network namespace without a name. It goes with the last descriptor of it, socket or
// device in it.
type Namespace struct{ file *os.File }

// New makes a namespace, and fails as Run does. The caller closes it.
func New() (*Namespace, error) {
	ns := new(Namespace)
	return ns, Run(func() (err error) {
		ns.file, err = os.Open("/proc/thread-self/ns/net")
		return err
	})
}

// Do calls f on a thread that is in the namespace.
func (ns *Namespace) Do(f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(int(ns.file.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("namespace: setns: %w", err)
		}
		return f()
	})
}

// Path is what the ip command, run by anybody, calls the namespace until Close.
func (ns *Namespace) Path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), ns.file.Fd()) }

// Close lets go of the namespace.
func (ns *Namespace) Close() error { return ns.file.Close() }

// Run calls f on a thread in a network namespace of its own, and fails with an
// *UnavailableError where the user may not have one, or has no ip command. Sockets and
// files of /proc/thread-self/net that f opens belong to the namespace, whichever thread
// uses them, and keep it alive; so do processes that f starts, but goroutines that it
// starts are outside.
func Run(f func() error) error {
	if _, err := exec.LookPath("ip"); err != nil {
		return suite.Unavailable("needs the ip command: %v", err)
	}
	return onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return suite.Unavailable("needs a network namespace of its own (root, or unshare -Urn): %v", err)
		}
		return f()
	})
}

// onThread calls f on a thread that ends with it. The process's first thread never ends, and
// would keep its namespace for ever: it is held while another one is found.
func onThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			defer runtime.UnlockOSThread()
			done <- onThread(f)
			return
		}
		done <- f() // never unlocked: the thread ends with the goroutine
	}()
	return <-done
}

// IP runs lines of "ip -batch" in the namespace of the thread.
func IP(ctx context.Context, batch string) error {
	cmd := exec.CommandContext(ctx, "ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(batch)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("namespace: ip -batch: %w: %s", err, out)
	}
	return nil
}

// Settle asks until no address of a device is tentative: the kernel's work queue takes
// that from them a moment after they were added, "nodad" or not.
func Settle(ctx context.Context, device string) error {
	for range 500 {
		out, err := exec.CommandContext(ctx, "ip", "-6", "-o", "addr", "show", "dev", device, "tentative").Output()
		if err != nil {
			return fmt.Errorf("namespace: ip -6 addr show: %w", err)
		}
		if len(out) == 0 {
			return nil
		}
	}
	return errors.New("namespace: Linux: addresses stay tentative")
}
