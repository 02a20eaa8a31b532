package judges_test

import (
	"regexp"
	"strings"
	"testing"
)

// oneHop says that a trace found the target at the first hop and nothing behind it.
func oneHop(trace, target string) bool {
	first := regexp.MustCompile(`(?m)^\s*1[:.]?(\|--)?\s+` + regexp.QuoteMeta(target) + `[\s(]`)
	second := regexp.MustCompile(`(?m)^\s*2[:.\s]`)
	return first.MatchString(trace) && !second.MatchString(trace)
}

// Probes by UDP end at a Port Unreachable, by ICMP at an echo reply, by TCP at a SYN-ACK or RST.
func TestTraceroute(t *testing.T) {
	onBoth(t, "traceroute", func(t *testing.T, h *host) {
		h.listen(t, "80")
		for _, how := range []string{"", "-U -p 53", "-I", "-T -p 80", "-T -p 81", "-F"} {
			for target, family := range map[string]string{stack4: "-4", skipped4: "-4", stack6: "-6", skipped6: "-6"} {
				command := "traceroute " + family + " -n -q 2 -m 3 -w 10 " + how + " " + target
				if out := run(t, command); !oneHop(out, target) {
					t.Errorf("%s:\n%s", command, out)
				}
			}
		}
	})
}

// The other traceroute6, of ndisc6.
func TestTraceroute6(t *testing.T) {
	onBoth(t, "rltraceroute6 tcptraceroute6", func(t *testing.T, h *host) {
		h.listen(t, "80")
		for command, says := range map[string]string{
			"rltraceroute6 -n -q 2 -m 3 -w 10 " + stack6:          stack6,
			"rltraceroute6 -n -q 2 -m 3 -w 10 " + skipped6:        skipped6,
			"rltraceroute6 -I -n -q 2 -m 3 -w 10 " + stack6:       stack6,
			"tcptraceroute6 -n -q 1 -m 3 -w 10 " + stack6:         "[open]",
			"tcptraceroute6 -n -q 1 -m 3 -w 10 " + stack6 + " 81": "[closed]",
		} {
			if out := run(t, command); !oneHop(out, stack6) && !oneHop(out, skipped6) || !strings.Contains(out, says) {
				t.Errorf("%s:\n%s", command, out)
			}
		}
	})
}

func TestTracepath(t *testing.T) {
	onBoth(t, "tracepath", func(t *testing.T, h *host) {
		for target, family := range map[string]string{stack4: "-4", stack6: "-6"} {
			out := run(t, "tracepath "+family+" -n -m 3 "+target)
			if !oneHop(out, target) || !strings.Contains(out, "reached") || !strings.Contains(out, "pmtu 1500 hops 1 back 1") {
				t.Errorf("%s:\n%s", target, out)
			}
		}
	})
}

func TestMtr(t *testing.T) {
	mtr := func(family, target string) func(*testing.T, *host) {
		return func(t *testing.T, h *host) {
			h.listen(t, "80")
			for _, how := range []string{"-s 1400", "--udp", "--tcp -P 80"} {
				command := "mtr -n -r -m 3 -c 3 -i 0.1 -G 1 " + family + " " + how + " " + target
				if out := run(t, command); !oneHop(out, target) || !strings.Contains(out, " 0.0%     3 ") {
					t.Errorf("%s:\n%s", command, out)
				}
			}
		}
	}
	onTUN(t, "mtr mtr-packet", mtr("-4", stack4))
	onTAP(t, "mtr mtr-packet", mtr("-6", stack6))
}
