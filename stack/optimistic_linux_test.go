package stack_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/hextet/hextet/internal/peertest"
	"github.com/hextet/hextet/stack"
)

// The kernel has the address that the stack forms of one of radvd's prefixes: it defends it, and the stack
// gives way; the one of the other prefix becomes the stack's.
func TestOptimisticAgainstKernel(t *testing.T) {
	dev, _ := kernelRouter(t)
	const taken, free = "2001:db8:1::ff:fe00:2", "2001:db8:2::ff:fe00:2"
	peertest.Run(t, "ip -6 addr add "+taken+"/64 dev tap0 nodad")
	// The kernel makes the local route of a nodad address a moment later, and drops what comes before.
	eventually(t, func() bool {
		return strings.Contains(peertest.Run(t, "ip -6 route show table local"), "local "+taken+" ")
	})
	s := newStack(t, stack.Config{})
	cfg := optimisticConfig
	cfg.Name, cfg.Link = "tap0", dev
	i, err := s.Attach(cfg)
	if err != nil {
		t.Fatal(err)
	}
	last := make(map[netip.Addr]stack.AddressState)
	for e := range s.Watch(deadline(t)) {
		if a, ok := e.(stack.AddressEvent); ok {
			last[a.Prefix.Addr()] = a.State
		}
		if last[netip.MustParseAddr(taken)] == stack.Duplicate && last[netip.MustParseAddr(free)] == stack.Assigned {
			break
		}
	}
	if got := addresses(i); !slices.Equal(got, []string{taken + "/64 duplicate", free + "/64 assigned"}) {
		t.Fatalf("%q; %+v", got, i.Counters())
	}
	peertest.Run(t, "ping -6 -c 1 -W 5 "+free)
	if got := source(t, s, "2001:db8:ffff::1"); got != free {
		t.Errorf("source %s", got)
	}
}
