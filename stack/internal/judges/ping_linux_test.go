package judges_test

import (
	"fmt"
	"strings"
	"testing"
)

// Echo of every size that there is, to every kind of address, with options, and in floods.
func TestPing(t *testing.T) {
	onBoth(t, "ping", func(t *testing.T, h *host) {
		for _, args := range []string{
			"-4 -c 3 -i 0.01 " + stack4,
			"-6 -c 3 -i 0.01 " + stack6,
			"-4 -c 2 -i 0.01 -s 33 " + skipped4, // who is skipped answers
			"-6 -c 2 -i 0.01 -s 33 " + skipped6,
			"-4 -c 2 -i 0.01 -s 0 " + stack4,
			"-6 -c 2 -i 0.01 -s 0 " + stack6,
			"-4 -c 2 -i 0.01 -M do -s 1472 " + stack4, // just fits
			"-6 -c 2 -i 0.01 -M do -s 1452 " + stack6,
			"-4 -c 2 -i 0.01 -s 65507 " + stack4, // the largest packet
			"-6 -c 2 -i 0.01 -s 65527 " + stack6,
			"-6 -c 2 -i 0.01 -t 1 " + stack6, // a hop limit that just suffices
			"-4 -c 2 -i 0.01 -t 1 " + stack4,
			"-4 -c 2000 -f -q " + stack4,
			"-6 -c 2000 -f -q " + stack6,
		} {
			run(t, "ping -W 10 "+args)
		}
		// RFC 1122 section 3.2.2.6: "If a Record Route and/or Timestamp option is received in an ICMP
		// Echo Request, this option (these options) SHOULD be updated to include the current host and
		// included in the IP header of the Echo Reply message, without "truncation"."
		if out := run(t, "ping -4 -n -W 10 -c 1 -R "+stack4); strings.Count(out, stack4) < 4 {
			t.Errorf("the stack is not on the recorded route:\n%s", out)
		}
		if out := run(t, "ping -4 -n -W 10 -c 1 -T tsandaddr "+stack4); strings.Count(out, stack4) < 4 {
			t.Errorf("the stack put no time stamp:\n%s", out)
		}
	})
}

// What is a multicast group or a link-local address on Ethernet.
func TestPingOnLink(t *testing.T) {
	onTAP(t, "ping", func(t *testing.T, h *host) {
		for _, dst := range []string{linkLocal, "ff02::1"} {
			out := run(t, fmt.Sprintf("ping -6 -n -W 10 -c 2 -i 0.01 %s%%%s", dst, h.device))
			if !strings.Contains(out, "from "+linkLocal+"%") {
				t.Errorf("%s was not answered by the link-local address:\n%s", dst, out)
			}
		}
	})
}

func TestFping(t *testing.T) {
	onBoth(t, "fping", func(t *testing.T, h *host) {
		for family, targets := range map[string][]string{"-4": {stack4, skipped4}, "-6": {stack6, skipped6}} {
			for _, size := range []int{56, 3001} {
				out := run(t, fmt.Sprintf("fping %s -q -c 20 -p 10 -i 1 -t 10000 -b %d %s", family, size, strings.Join(targets, " ")))
				if got := strings.Count(out, "xmt/rcv/%loss = 20/20/0%"); got != len(targets) {
					t.Errorf("%d bytes: %d of %d without loss:\n%s", size, got, len(targets), out)
				}
			}
		}
	})
}
