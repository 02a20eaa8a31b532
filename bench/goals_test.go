package main

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/icmp6/checksum"
)

// An aim is a figure that the design asks for, and the row that says whether it is reached.
type aim struct {
	row  string
	goal report.Goal
}

func atLeast(row string, times float64) aim {
	return aim{row, report.Goal{Kind: report.AtLeast, Value: times}}
}
func atMost(row string, times float64) aim {
	return aim{row, report.Goal{Kind: report.AtMost, Value: times}}
}
func total(row string, most float64) aim {
	return aim{row, report.Goal{Kind: report.Total, Value: most}}
}

// of is an aim of a tier of the checksum: a row of what, or, if Sum doesn't use the tier
// here, of the tier.
func of(tier, what, row string, times float64) aim {
	if checksum.Implementation() == tier {
		return atLeast("checksum/"+what+row, times)
	}
	if what == "random/" {
		row = what + row
	}
	return atLeast("checksum/tier/"+tier+"/"+row, times)
}

// aims are the figures of the design, in its order.
var aims = []aim{
	// The checksum against gVisor's, and against a loop that only loads.
	of("avx512", "sum/", "8/gvisor", 1.2), of("avx512", "sum/", "20/gvisor", 1.3), of("avx512", "sum/", "64/gvisor", 1.3),
	of("avx512", "sum/", "256/gvisor", 1.9), of("avx512", "sum/", "1280/gvisor", 4.2), of("avx512", "sum/", "1500/gvisor", 4.5),
	of("avx512", "sum/", "9000/gvisor", 7), of("avx512", "sum/", "65535/gvisor", 4.3),
	of("avx512", "limit/", "1500/loads", 0.70), of("avx512", "limit/", "9000/loads", 0.88),
	of("avx512", "limit/", "65536/loads", 0.97), of("avx512", "limit/", "1048576/loads", 0.97),
	of("avx2", "limit/", "1500/loads", 0.70), of("avx2", "limit/", "9000/loads", 0.88),
	of("avx2", "limit/", "65536/loads", 0.97), of("avx2", "limit/", "1048576/loads", 0.97),
	of("avx2", "sum/", "1500/gvisor", 3.3), of("avx2", "sum/", "9000/gvisor", 5.5),
	of("generic", "sum/", "1280/gvisor", 1.3), of("generic", "sum/", "1500/gvisor", 1.3),
	of("generic", "sum/", "9000/gvisor", 1.3), of("generic", "sum/", "65535/gvisor", 1.3),
	of("avx512", "random/", "8-63/gvisor", 3.5), of("avx512", "random/", "8-1500/gvisor", 2.2),
	of("avx2", "random/", "8-63/gvisor", 3.5), of("avx2", "random/", "8-1500/gvisor", 2.2),

	// Select.
	total("select/distinct/allocs", 0), atMost("select/distinct/growth/100000", 20), atLeast("select/distinct/scan/100000", 800),
	total("select/one64/allocs", 0), atMost("select/one64/growth/100000", 20), atLeast("select/one64/scan/100000", 800),
	total("select/mixed/allocs", 0), atMost("select/mixed/growth/100000", 20), atLeast("select/mixed/scan/100000", 800),

	// Connecting with 10,000 addresses.
	atMost("dial/ipv6/growth/10000", 1.3), atMost("dial/ipv4/growth/10000", 1.3),

	// Raw sockets.
	atLeast("raw/gvisor/4/sendto", 4), atLeast("raw/gvisor/4/connected", 2),
	atLeast("raw/gvisor/10000/sendto", 4), atLeast("raw/gvisor/10000/connected", 2), total("raw/gvisor/allocs", 1),
	atLeast("raw/linux/ifb/4/sendto", 5), atLeast("raw/linux/ifb/10000/sendto", 5),
	atLeast("raw/linux/veth/4/sendto", 5), atLeast("raw/linux/veth/10000/sendto", 5),

	// TCP in memory, alone and with a tap, and on TUN devices.
	atLeast("tcp/ipv6/memory/pipe", 10), atLeast("tcp/ipv6/memory/tap", 4), atLeast("tcp/ipv4/memory/pipe", 10), atLeast("tcp/ipv4/memory/tap", 4),
	atLeast("tcp/ipv6/kernel-to-stack", 6), atLeast("tcp/ipv6/stack-to-kernel", 10), atLeast("tcp/ipv4/kernel-to-stack", 6), atLeast("tcp/ipv4/stack-to-kernel", 10),

	// Registration.
	total("dnsreg/1000/one-speaks/messages", 3), total("dnsreg/1000/one-speaks/bytes", 600), total("dnsreg/refresh/serial", 0),
}

// Of addresses with duplicate address detection, -quick has an eighth, for which a host has
// an eighth of the time besides the second that it waits.
var (
	wholeAims = append(aims[:len(aims):len(aims)], total("addresses/ipv6-dad/65536/add", float64(3*time.Second)))
	quickAims = append(aims[:len(aims):len(aims)], total("addresses/ipv6-dad/8192/add", float64(time.Second+2*time.Second/8)))
)

// Every figure of the design is a row with its goal, of the whole run and of the quick one.
func TestEveryGoal(t *testing.T) {
	for _, o := range []struct {
		options
		aims []aim
	}{{options{}, wholeAims}, {options{quick: true}, quickAims}} {
		g := goals{cases: o.cases(), opened: map[string]bool{}, of: map[string]report.Goal{}}
		for _, a := range o.aims {
			if strings.HasPrefix(a.row, "checksum/tier/avx") && runtime.GOARCH != "amd64" || g.open(t, a.row) != nil {
				continue
			}
			if got, ok := g.of[a.row]; !ok || got != a.goal {
				t.Errorf("quick %v: %s: goal %+v, not %+v", o.quick, a.row, got, a.goal)
			}
		}
	}
}

// goals are those of the rows of cases that were opened.
type goals struct {
	cases  []suite.Case
	opened map[string]bool
	of     map[string]report.Goal
}

// open opens the case that has a row. Its error says that this machine can't.
func (g *goals) open(t *testing.T, row string) error {
	t.Helper()
	i := slices.IndexFunc(g.cases, func(c suite.Case) bool { return strings.HasPrefix(row, c.Name+"/") || row == c.Name })
	if i < 0 || g.opened[g.cases[i].Name] {
		return nil
	}
	c := g.cases[i]
	kind := needs(c.Name)
	if os.Getenv(strings.ToUpper(kind)+"_TESTS") == "off" {
		return errors.New("off")
	}
	b, err := c.Open(t.Context())
	unavailable, out := errors.AsType[*suite.UnavailableError](err)
	if b == nil && out {
		t.Logf("SKIP(%s): %s: %s", kind, c.Name, unavailable.Why)
		return err
	}
	if err != nil && !out {
		t.Fatal(err)
	}
	if b.Close != nil {
		defer b.Close()
	}
	g.opened[c.Name] = true
	for _, r := range b.Rows {
		g.of[join(c.Name, r.Name)] = r.Goal
	}
	for _, n := range b.Counts {
		g.of[join(c.Name, n.Name)] = n.Goal
	}
	return nil
}

func join(name, row string) string { return strings.TrimSuffix(name+"/"+row, "/") }
