package udp

import (
	"context"
	"errors"
	"fmt"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
)

// sizes are those of payloads, in bytes.
var sizes = []int{64, 1400}

// gonetGoals is how many times ours a datagram should take gonet, by bytes of payload.
var gonetGoals = map[int]float64{64: 1.5}

// Cases returns the cases of UDP.
func Cases() (cases []suite.Case) {
	for _, n := range sizes {
		cases = append(cases, suite.Case{Name: fmt.Sprintf("udp/receive/%d", n), Open: func(context.Context) (*suite.Bench, error) { return receiveBench(n) }})
	}
	return cases
}

// receiveBench compares what two hosts can exchange, read by the method that both have,
// and by the one of ours that allocates no address.
func receiveBench(size int) (*suite.Bench, error) {
	ourWire, err := ourPair()
	if err != nil {
		return nil, err
	}
	peers, err := gonetPair()
	if err != nil {
		ourWire.close()
		return nil, err
	}
	hextet, peer := newFlow("hextet ReadFrom", ourWire, size), newFlow("gonet ReadFrom", peers, size)
	netip := hextet.netip("hextet netip")
	goal := report.Goal{}
	if g, ok := gonetGoals[size]; ok {
		goal = report.Goal{Kind: report.AtLeast, Value: g}
	}
	return &suite.Bench{
		Check:      func() error { return check(size, hextet, peer) },
		Contenders: []measure.Contender{hextet.contender(), netip.contender(), peer.contender()},
		Rows:       []suite.Row{{Name: "gonet", Ours: 0, Peer: 2, Goal: goal}, {Name: "gonet-netip", Ours: 1, Peer: 2}},
		Counts: []suite.Count{{Name: "lost", Unit: "datagrams", Goal: report.Goal{Kind: report.Total}, Get: func() (float64, error) {
			return lost(peer, hextet, netip)
		}}},
		Fewer: 3, // a turn takes 10 ms or more
		Close: func() { ourWire.close(); peers.close() },
	}, nil
}

// check checks flows, and both kinds of hosts at the wire.
func check(size int, flows ...*flow) error {
	for _, f := range flows {
		if err := f.check(); err != nil {
			return err
		}
	}
	for _, open := range []func() (*probe, error){ourProbe, gonetProbe} {
		p, err := open()
		if err != nil {
			return err
		}
		if err := p.check(size); err != nil {
			return err
		}
	}
	return nil
}

// lost counts what ours lost while it was measured; what it received in disorder is an
// error. There are no figures if the peer lost anything, since it did less than ours.
func lost(peer *flow, ours ...*flow) (float64, error) {
	all, err := 0, peer.err
	for _, f := range ours {
		all += f.lost
		err = errors.Join(err, f.err)
	}
	if peer.lost > 0 {
		err = errors.Join(err, fmt.Errorf("udp: %s lost %d datagrams", peer.name, peer.lost))
	}
	return float64(all), err
}
