package tun

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hextet/hextet/internal/peertest"
	"golang.org/x/sys/unix"
)

func TestOpenFails(t *testing.T) {
	peertest.EnterNetns(t)
	d := mustOpen(t, Config{Name: "busy"})
	fds := openFiles(t)
	for _, c := range []struct {
		name string
		cfg  Config
		want error
		text string
	}{
		{"busy", Config{Name: "busy"}, unix.EBUSY, `"busy"`},
		{"not a TUN", Config{Name: "lo"}, unix.EINVAL, `"lo": it exists and is no TUN device`},
		{"MTU too small", Config{Name: "small", MTU: 10}, unix.EINVAL, "MTU 10"},
	} {
		if _, err := Open(c.cfg); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want %v naming %s", c.name, err, c.want, c.text)
		}
	}
	if out := ip(t, "-br link"); strings.Contains(out, "small") {
		t.Errorf("a failed Open left a device: %s", out)
	}
	for range 10 {
		d, err := Open(Config{Name: "again"})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if out := ip(t, "-br link"); strings.Contains(out, "again") {
			t.Fatalf("still there after Close: %s", out)
		}
	}
	if n := openFiles(t); n != fds {
		t.Errorf("%d open files, before %d", n, fds)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}

	dropPrivileges(t)
	if _, err := Open(Config{Name: "denied"}); !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), `"denied"`) {
		t.Errorf("without CAP_NET_ADMIN: %v, want os.ErrPermission", err)
	}
	locked := filepath.Join(t.TempDir(), "locked")
	if err := os.WriteFile(locked, nil, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := openPath(locked, Config{}); !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), locked) {
		t.Errorf("a file that may not be opened: %v, want os.ErrPermission naming it", err)
	}
}

// dropPrivileges takes them from the thread, which ends with the test.
func dropPrivileges(t *testing.T) {
	t.Helper()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		t.Fatal(err)
	}
}

func TestPersistentDevice(t *testing.T) {
	peertest.EnterNetns(t)
	ip(t, "tuntap add dev keep mode tun")
	ip(t, "link set keep mtu 1300")
	for range 2 {
		d := mustOpen(t, Config{Name: "keep"})
		if d.MTU() != 1300 {
			t.Errorf("MTU %d, want the device's 1300", d.MTU())
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	if out := ip(t, "-br link"); !strings.Contains(out, "keep") {
		t.Errorf("gone after Close: %s", out)
	}
	if _, err := Open(Config{Name: "keep", TAP: true}); !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), `"keep": it exists`) {
		t.Errorf("a TUN device as TAP: %v, want EINVAL and the reason", err)
	}
	ip(t, "tuntap add dev many mode tun multi_queue")
	if _, err := Open(Config{Name: "many"}); !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), "multi_queue") {
		t.Errorf("a device of several queues: %v, want EINVAL and the reason", err)
	}
}

// A persistent device is its owner's, without privileges, as long as nothing about it is to change.
func TestOwnDevice(t *testing.T) {
	peertest.EnterNetns(t)
	ip(t, fmt.Sprintf("tuntap add dev mine mode tun user %d", os.Getuid()))
	ip(t, "link set mine mtu 1300")
	dropPrivileges(t)
	for _, mtu := range []int{0, 1300} {
		d, err := Open(Config{Name: "mine", MTU: mtu})
		if err != nil {
			t.Errorf("MTU %d: %v", mtu, err)
			continue
		}
		if d.MTU() != 1300 {
			t.Errorf("MTU %d, want 1300", d.MTU())
		}
		d.Close()
	}
	if _, err := Open(Config{Name: "mine", MTU: 1400}); !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "MTU 1400") {
		t.Errorf("another MTU: %v, want os.ErrPermission naming it", err)
	}
}

// What the next reader of a persistent device did not ask for, it does not get.
func TestPersistentOffload(t *testing.T) {
	peertest.EnterNetns(t, "ethtool")
	ip(t, "tuntap add dev keep mode tun")
	segmentation := func() bool {
		return strings.Contains(peertest.Run(t, "ethtool -k keep"), "tx-tcp6-segmentation: on")
	}
	d := mustOpen(t, Config{Name: "keep"})
	if !segmentation() {
		t.Error("off while the device is open")
	}
	d.Close()
	if segmentation() {
		t.Error("on after Close")
	}
	mustOpen(t, Config{Name: "keep", NoOffload: true})
	if segmentation() {
		t.Error("on with NoOffload")
	}
}

// The kernel's address of a TAP device can't be the stack's too.
func TestTAPAddresses(t *testing.T) {
	peertest.EnterNetns(t)
	ip(t, "tuntap add dev wire mode tap")
	ip(t, "link set wire address 02:00:00:00:00:07")
	fds := openFiles(t)
	_, err := Open(Config{Name: "wire", TAP: true, HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 7}})
	if err == nil || !strings.Contains(err.Error(), `"wire": hardware address 02:00:00:00:00:07`) {
		t.Errorf("the kernel's own address: %v", err)
	}
	if n := openFiles(t); n != fds {
		t.Errorf("%d open files, before %d", n, fds)
	}
	d := mustOpen(t, Config{Name: "wire", TAP: true})
	if d.HardwareAddr().String() == "02:00:00:00:00:07" || !strings.Contains(ip(t, "link show wire"), "02:00:00:00:00:07") {
		t.Errorf("the stack has %s", d.HardwareAddr())
	}
}
