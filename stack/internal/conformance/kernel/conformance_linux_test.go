package kernel

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/icmp6/conformance"
	"github.com/hextet/hextet/internal/peertest"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "rewrite the column kernel of icmp6/conformance/RESULTS.md")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorded is the release of the kernel that the lists and the table tell of.
const recorded = "6.18."

// enter skips the test once, instead of once per case, where there are no namespaces, or another
// kernel, unless the environment requires a judgement of that one too.
func enter(t *testing.T) {
	t.Helper()
	peertest.EnterNetns(t, "sysctl")
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		t.Fatal(err)
	}
	if release := unix.ByteSliceToString(name.Release[:]); !strings.HasPrefix(release, recorded) {
		peertest.Netns.Missing(t, "kernel", fmt.Errorf("this is Linux %s, and what is recorded is Linux %s*", release, recorded))
	}
}

func TestConformance(t *testing.T) {
	enter(t)
	conformance.Suite{
		Table:   "../../../../icmp6/conformance/RESULTS.md",
		Column:  "kernel",
		Update:  *update,
		Known:   known,
		Timeout: 5 * time.Second, // one deviation waits for it
	}.Run(t, newBackend)
}
