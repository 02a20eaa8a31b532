package tun

import (
	"errors"
	"net"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// link is what a stack needs. The compiler checks that Device has it.
var _ interface {
	MTU() int
	HardwareAddr() net.HardwareAddr
	ReadPackets(bufs [][]byte, sizes []int) (n int, err error)
	WritePackets(bufs [][]byte) (n int, err error)
	Close() error
} = (*Device)(nil)

func TestBadConfig(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"long name", Config{Name: "sixteen-bytes-xx"}, `name "sixteen-bytes-xx" has 16 bytes`},
		{"slash", Config{Name: "a/b"}, `name "a/b"`},
		{"space", Config{Name: "a b"}, `name "a b"`},
		{"template", Config{Name: "tun%d"}, `name "tun%d"`},
		{"zero byte", Config{Name: "a\x00b"}, `name "a\x00b"`},
		{"parent", Config{Name: ".."}, `name ".."`},
		{"negative MTU", Config{MTU: -1}, "MTU -1"},
		{"large MTU", Config{MTU: 65536}, "MTU 65536"},
		{"address on TUN", Config{HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 1}}, "02:00:00:00:00:01: a TUN device has none"},
		{"group address", Config{TAP: true, HardwareAddr: net.HardwareAddr{3, 0, 0, 0, 0, 1}}, "03:00:00:00:00:01 is not a unicast"},
		{"8 bytes", Config{TAP: true, HardwareAddr: make(net.HardwareAddr, 8)}, "6 bytes"},
		{"0 bytes", Config{TAP: true, HardwareAddr: net.HardwareAddr{}}, "6 bytes"},
	} {
		d, err := Open(c.cfg)
		if d != nil || err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "tun: ") {
			t.Errorf("%s: error %v, want tun: ... %s", c.name, err, c.want)
		}
	}
}

func TestRandomAddr(t *testing.T) {
	seen := map[string]bool{}
	for range 64 {
		hw := randomAddr()
		if len(hw) != 6 || hw[0]&3 != 2 {
			t.Fatalf("%s is not unicast and locally administered", hw)
		}
		seen[hw.String()] = true
	}
	if len(seen) < 64 {
		t.Errorf("%d different addresses of 64", len(seen))
	}
}

func TestElsewhere(t *testing.T) {
	if runtime.GOOS == "linux" || runtime.GOOS == "android" {
		t.Skip("SKIP(system): the device exists here")
	}
	if _, err := Open(Config{Name: "tun0"}); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), `"tun0"`) {
		t.Errorf("error %v, want errors.ErrUnsupported and the name", err)
	}
}
