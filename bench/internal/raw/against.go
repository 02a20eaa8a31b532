package raw

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
)

// Hosts of ours have few and many addresses. Peers have few, also where ours has many:
// more only make them slower, gVisor's sendto to a point (tens of milliseconds a packet) where
// there is no sense in a ratio.
const (
	few  = 4
	many = 10_000
)

// The goals: how many times ours the peer's time should be.
const (
	gvisorSendtoGoal    = 4
	gvisorConnectedGoal = 2
	linuxSendtoGoal     = 5
)

// turns are the numbers of destinations that a socket sends to in turn: so few that ours
// remembers the way to each, and too many for that.
var turns = []int{64, 1024}

// A stackHost is ours or gVisor's, which senders can be added to.
type stackHost interface {
	sendto(name string, to []netip.Addr) error
	connected(name string, to netip.Addr) error
}

// add adds senders to one destination, and to as many in turn as moreTo says. suffix is
// for their names.
func add(h stackHost, suffix string, moreTo []int) error {
	to := destinations(1)
	errs := []error{h.sendto("sendto"+suffix, to), h.connected("connected"+suffix, to[0])}
	for _, n := range moreTo {
		errs = append(errs, h.sendto(fmt.Sprintf("sendto-%d%s", n, suffix), destinations(n)))
	}
	return errors.Join(errs...)
}

// against returns the group of a peer and two hosts of ours, with few addresses and with
// many. It closes the peer if it fails.
func against(peer *host, moreTo []int) (*group, error) {
	var hosts []*host
	for _, n := range []int{few, many} {
		o, err := newOurs(addresses(n))
		if err == nil {
			hosts = append(hosts, &o.host)
			err = add(o, fmt.Sprintf(" n=%d", n), moreTo)
		}
		if err != nil {
			closeAll(append(hosts, peer))
			return nil, err
		}
	}
	return newGroup(hosts, peer), nil
}

// gvisorBench compares with gVisor's raw endpoint.
func gvisorBench() (*suite.Bench, error) {
	t, err := newTheirs(addresses(few))
	if err != nil {
		return nil, err
	}
	if err := add(t, "", turns); err != nil {
		t.close()
		return nil, err
	}
	g, err := against(&t.host, turns)
	if err != nil {
		return nil, err
	}
	for _, n := range []int{few, many} {
		sendto, connected := fmt.Sprintf("hextet sendto n=%d", n), fmt.Sprintf("hextet connected n=%d", n)
		g.row(fmt.Sprintf("%d/sendto", n), sendto, "gvisor sendto", report.AtLeast, gvisorSendtoGoal)
		g.row(fmt.Sprintf("%d/connected", n), connected, "gvisor connected", report.AtLeast, gvisorConnectedGoal)
		g.row(fmt.Sprintf("%d/sendto-connected", n), sendto, "gvisor connected", report.AtLeast, gvisorConnectedGoal)
		for _, d := range turns {
			what := fmt.Sprintf("sendto-%d", d)
			g.row(fmt.Sprintf("%d/%s", n, what), fmt.Sprintf("hextet %s n=%d", what, n), "gvisor "+what, report.None, 0)
		}
	}
	for _, what := range []string{"sendto", "connected", "sendto-1024"} {
		g.row("growth/"+what, fmt.Sprintf("hextet %s n=%d", what, many), fmt.Sprintf("hextet %s n=%d", what, few), report.Grows, 0)
	}
	return &g.Bench, nil
}

// linuxBench compares with a raw socket of Linux.
func linuxBench(ctx context.Context, d device) (*suite.Bench, error) {
	k, err := newKernel(ctx, d, addresses(few))
	if err != nil {
		return nil, err
	}
	g, err := against(&k.host, nil)
	if err != nil {
		return nil, err
	}
	for _, n := range []int{few, many} {
		g.row(fmt.Sprintf("%d/sendto", n), fmt.Sprintf("hextet sendto n=%d", n), "Linux sendto", report.AtLeast, linuxSendtoGoal)
		g.row(fmt.Sprintf("%d/connected", n), fmt.Sprintf("hextet connected n=%d", n), "Linux connected", report.None, 0)
	}
	return &g.Bench, nil
}
