package networks

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
)

const (
	// window is the datagrams of a turn: less than any queue on the way holds, so that
	// nothing needs to be lost.
	window = 64

	payload = 64 // bytes
)

// An exchange is a host that sends datagrams to another, which sends them back.
type exchange struct {
	ctx     context.Context
	name    string
	plan    plan
	make    maker
	each    bool    // round has a network of its own: see simulation
	network network // nil: none yet
	conn    net.PacketConn
	to      *net.UDPAddr
	sent    uint64
	buf     [payload]byte
	err     error // the first
}

func newExchange(ctx context.Context, name string, p plan, make maker) *exchange {
	return &exchange{ctx: ctx, name: name, plan: p, make: make, to: at(p, 1)}
}

// contender has packets as operations: a datagram and its echo are two, whatever is
// between the hosts.
func (x *exchange) contender() measure.Contender {
	return measure.Contender{Name: x.name, Ops: 2 * window, Before: x.open, Run: x.run, After: x.shut}
}

// do keeps the first error, and does nothing after it.
func (x *exchange) do(f func() error) {
	if x.err == nil {
		x.err = f()
	}
}

// open makes the network, where there is none, and has the hosts get to know each other.
func (x *exchange) open(int) {
	if x.network != nil {
		return
	}
	x.do(func() (err error) { x.network, err = x.make(x.ctx, x.plan); return err })
	x.do(func() error { return serve(x.network, 1) })
	x.do(func() (err error) { x.conn, err = x.network.listen(0, askPort); return err })
	x.do(func() error { return ask(x.network, x.conn, x.to, 0) })
}

func (x *exchange) run(n int) {
	for range n {
		x.do(x.turn)
	}
}

// turn sends a window and reads it. Another goroutine echoes meanwhile.
func (x *exchange) turn() error {
	if err := x.conn.SetReadDeadline(x.network.in(answer)); err != nil {
		return err
	}
	for i := range uint64(window) {
		binary.BigEndian.PutUint64(x.buf[:], x.sent+i)
		if _, err := x.conn.WriteTo(x.buf[:], x.to); err != nil {
			return err
		}
	}
	for range window {
		n, _, err := x.conn.ReadFrom(x.buf[:])
		if err != nil {
			return fmt.Errorf("datagram %d does not come back: %w", x.sent, err)
		}
		if got := binary.BigEndian.Uint64(x.buf[:]); n != payload || got != x.sent {
			return fmt.Errorf("datagram %d, of %d bytes, instead of %d", got, n, x.sent)
		}
		x.sent++
	}
	return nil
}

// shut takes the network away, if each round is to have its own.
func (x *exchange) shut(int) {
	if x.each {
		x.do(x.close)
	}
}

func (x *exchange) close() error {
	if x.network == nil {
		return nil
	}
	err := x.network.close()
	x.network, x.conn = nil, nil
	return err
}

// check has one turn run.
func (x *exchange) check() error {
	x.open(0)
	x.do(func() error { return complete(x.network, x.plan) })
	x.run(1)
	x.shut(0)
	return x.err
}

// exchangeBench compares exchanges, of which the first is ours.
func exchangeBench(row suite.Row, exchanges ...*exchange) *suite.Bench {
	b := &suite.Bench{Rows: []suite.Row{row}, Longer: 20, Fewer: 4}
	each := func(f func(*exchange) error) func() error {
		return func() error {
			for _, x := range exchanges {
				if err := f(x); err != nil {
					return fmt.Errorf("networks: %s: %w", x.name, err)
				}
			}
			return nil
		}
	}
	for _, x := range exchanges {
		b.Contenders = append(b.Contenders, x.contender())
	}
	b.Check = each((*exchange).check)
	b.Err = each(func(x *exchange) error { x.do(x.close); return x.err })
	b.Close = func() {
		for _, x := range exchanges {
			x.close() // Err said what goes wrong here
		}
	}
	return b
}

// simulated is an exchange of ours.
func simulated(ctx context.Context, name string, p plan, make maker) *exchange {
	x := newExchange(ctx, name, p, make)
	x.each = true
	return x
}

// packetBench compares with a peer.
func packetBench(ctx context.Context, p plan, peer rival) (*suite.Bench, error) {
	theirs := newExchange(ctx, peer.name, p, peer.make)
	theirs.open(0) // an error that says what is missing leaves the case out
	if theirs.err != nil {
		return nil, errors.Join(theirs.err, theirs.close())
	}
	return exchangeBench(suite.Row{Ours: 0, Peer: 1}, simulated(ctx, "hextet", p, newSimulation), theirs), nil
}

// growthBench compares two networks of ours.
func growthBench(ctx context.Context, name string, p plan, make maker) *suite.Bench {
	pair := plan{hosts: 2}
	return exchangeBench(suite.Row{Ours: 0, Peer: 1, Goal: report.Goal{Kind: report.Grows}},
		simulated(ctx, "hextet "+name, p, make), simulated(ctx, "hextet", pair, newSimulation))
}
