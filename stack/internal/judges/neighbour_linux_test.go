package judges_test

import (
	"strings"
	"testing"
)

func TestNdisc6(t *testing.T) {
	onTAP(t, "ndisc6", func(t *testing.T, h *host) {
		for _, addr := range []string{stack6, skipped6, linkLocal} {
			if out := run(t, "ndisc6 -n -q -1 -w 10000 "+addr+" "+h.device); !strings.EqualFold(strings.TrimSpace(out), stackMAC) {
				t.Errorf("%s is at %q", addr, out)
			}
		}
		if out, err := try(t, "ndisc6 -n -1 -r 1 -w 300 2001:db8::99 "+h.device); err == nil {
			t.Errorf("an address that nobody has was found:\n%s", out)
		}
	})
}

// RFC 4861 section 6.2.6: "A host MUST silently discard any received Router Solicitation messages."
func TestRdisc6(t *testing.T) {
	onTAP(t, "rdisc6", func(t *testing.T, h *host) {
		if out, err := try(t, "rdisc6 -n -1 -r 2 -w 300 "+h.device); err == nil {
			t.Errorf("the stack poses as a router:\n%s", out)
		}
		run(t, "ndisc6 -n -q -1 -w 10000 "+stack6+" "+h.device) // what came before has been dealt with
		if asked := h.wire.matching(t, "frame.packet_flags_direction == 1 && icmpv6.type == 133"); asked < 2 {
			t.Errorf("rdisc6 asked %d times", asked)
		}
		if n := h.wire.matching(t, "frame.packet_flags_direction == 2 && icmpv6.type == 134"); n != 0 {
			t.Errorf("%d router advertisements", n)
		}
	})
}

// The kernel's own detection finds the stack's addresses, in both families.
func TestKernelDetectsDuplicates(t *testing.T) {
	onTAP(t, "arping", func(t *testing.T, h *host) {
		run(t, "sysctl -qw net.ipv6.conf.tap0.accept_dad=1 net.ipv6.conf.tap0.dad_transmits=1")
		run(t, "ip addr add "+stack6+"/64 dev "+h.device)
		runUntil(t, "ip -6 addr show dev "+h.device, "dadfailed")
		run(t, "ip addr del "+stack6+"/64 dev "+h.device)
		for _, addr := range []string{stack4, skipped4} {
			out, err := try(t, "arping -D -c 1 -w 10 -I "+h.device+" "+addr)
			if err == nil || !strings.Contains(strings.ToLower(out), stackMAC) {
				t.Errorf("arping -D %s: %v\n%s", addr, err, out)
			}
		}
	})
}
