package judges_test

import (
	"errors"
	"os/exec"
	"regexp"
	"strconv"
	"testing"

	"github.com/hextet/hextet/internal/peertest"
)

// The stack gives each malformed packet the answer that its RFC asks for, lives through thousands of
// random ones, and has counted all of them.
func TestScapy(t *testing.T) {
	judge := func(mac string) func(*testing.T, *host) {
		return func(t *testing.T, h *host) {
			h.hostile = true
			h.listen(t, "80")
			run(t, "ping -6 -c 1 -W 10 "+stack6) // neighbours know each other
			run(t, "ping -4 -c 1 -W 10 "+stack4)
			before := h.iface.Counters()
			out, err := try(t, python(t)+" testdata/malformed.py "+h.device+" "+mac)
			if err != nil {
				t.Errorf("%v:\n%s", err, out)
			}
			run(t, "ping -6 -c 1 -W 10 "+stack6)
			run(t, "ping -4 -c 1 -W 10 "+stack4)

			sent := 0
			if m := regexp.MustCompile(`(\d+) sent`).FindStringSubmatch(out); m != nil {
				sent, _ = strconv.Atoi(m[1])
			}
			c := h.iface.Counters()
			if got := int(c.RxPackets - before.RxPackets); sent < 4000 || got < sent {
				t.Errorf("the stack counts %d packets of %d", got, sent)
			}
			// No Ethernet device sends a frame without a header, and no TUN has other stations.
			if c.RxUnknown == 0 || c.RxRunt == 0 && c.RxOther == 0 || h.iface.Err() != nil {
				t.Errorf("%+v, %v", c, h.iface.Err())
			}
			t.Logf("%s%+v", out, c)
		}
	}
	onTUN(t, "ping", judge(""))
	onTAP(t, "ping", judge(stackMAC))
}

// python returns an interpreter that has scapy: the distribution's, or the one in PATH.
func python(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		if exec.CommandContext(t.Context(), name, "-c", "import scapy.all").Run() == nil {
			return name
		}
	}
	peertest.Netns.Missing(t, "python3-scapy", errors.New("no interpreter can import scapy.all"))
	return ""
}
