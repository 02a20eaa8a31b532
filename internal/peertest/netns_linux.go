package peertest

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// EnterNetns moves the calling goroutine, and the commands that it runs, into a fresh network
// namespace that ends with it. Other goroutines and subtests stay outside: sockets and devices must
// be opened by the test's own.
func EnterNetns(t testing.TB, tools ...string) {
	t.Helper()
	Netns.Tools(t, append(tools, "ip")...)
	dev, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0) // existing is not enough
	if err != nil {
		Netns.Missing(t, "device", err)
	}
	dev.Close()
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		Netns.Missing(t, "unshare", err)
	}
	Run(t, "ip link set lo up")
}

// Run runs a command, split at blanks, and returns what it printed. The test ends if it fails.
func Run(t testing.TB, command string) string {
	t.Helper()
	words := strings.Fields(command)
	out, err := exec.CommandContext(t.Context(), words[0], words[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}
