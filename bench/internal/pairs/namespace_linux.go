package pairs

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

// A namespace is a network namespace without a name. It goes with the last descriptor
// of it, socket or device in it.
type namespace struct{ file *os.File }

// newNamespace fails with an *suite.UnavailableError where the user may not.
func newNamespace() (*namespace, error) {
	ns := &namespace{}
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return suite.Unavailable("needs a network namespace of its own (root, or unshare -Urn): %v", err)
		}
		var err error
		ns.file, err = os.Open("/proc/thread-self/ns/net")
		return err
	})
	return ns, err
}

// do calls f on a thread that is in the namespace.
func (ns *namespace) do(f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(int(ns.file.Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
		return f()
	})
}

// onThread calls f on a thread that ends with it.
func onThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		done <- f()
	}()
	return <-done
}

// configure gives the kernel's end of a device its address, from within the namespace,
// and waits until it may be used.
func configure(ctx context.Context, device string, plan Plan) error {
	if _, err := exec.LookPath("ip"); err != nil {
		return suite.Unavailable("needs the ip command: %v", err)
	}
	cmd := exec.CommandContext(ctx, "ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(fmt.Sprintf("link set %[1]s addrgenmode none\nlink set %[1]s mtu %[2]d up\n", device, mtu) +
		fmt.Sprintf("addr add %v dev %s nodad\n", plan.Near[0], device))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pairs: ip -batch: %w: %s", err, out)
	}
	return settle(ctx, device)
}

// settle asks until no address is tentative: the kernel's work queue takes that from
// them a moment after they were added, "nodad" or not.
func settle(ctx context.Context, device string) error {
	for range 500 {
		out, err := exec.CommandContext(ctx, "ip", "-6", "-o", "addr", "show", "dev", device, "tentative").Output()
		if err != nil {
			return fmt.Errorf("pairs: ip -6 addr show: %w", err)
		}
		if len(out) == 0 {
			return nil
		}
	}
	return errors.New("pairs: the kernel's address stays tentative")
}
