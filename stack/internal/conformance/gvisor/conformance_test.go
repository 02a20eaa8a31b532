package gvisor

import (
	"errors"
	"flag"
	"net/netip"
	"syscall"
	"testing"

	"github.com/hextet/hextet/icmp6/conformance"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "rewrite the column gVisor of icmp6/conformance/RESULTS.md")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	conformance.Suite{
		Table:  "../../../../icmp6/conformance/RESULTS.md",
		Column: "gVisor",
		Update: *update,
		Known:  known,
	}.Run(t, newBackend)
}

// Without a transport protocol of the number, gVisor opens no raw socket for it.
func TestRefusesUnregistered(t *testing.T) {
	for _, proto := range []uint8{89, 135, 253, 254} {
		if _, err := newHost(t).Open(proto, netip.Addr{}); !errors.Is(err, syscall.EPROTONOSUPPORT) {
			t.Errorf("protocol %d: %v, want %v", proto, err, syscall.EPROTONOSUPPORT)
		}
	}
}
