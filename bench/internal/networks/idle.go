package networks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/stack"
)

// day is an operation.
const day = 24 * time.Hour

// An idler is a TCP connection between two hosts of a lab, on which nothing but keep-alives
// is sent.
type idler struct {
	ctx       context.Context
	keepAlive time.Duration // between two of them
	lab       *simulation
	near, far net.Conn
	err       error // the first
}

// do keeps the first error, and does nothing after it.
func (d *idler) do(f func() error) {
	if d.err == nil {
		d.err = f()
	}
}

func (d *idler) open(int) {
	d.do(func() error {
		n, err := newSimulation(d.ctx, plan{hosts: 2})
		if err == nil {
			d.lab = n.(*simulation)
		}
		return err
	})
	d.do(d.connect)
	d.do(func() error {
		return d.near.(*stack.TCPConn).SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: d.keepAlive, Interval: d.keepAlive})
	})
}

// connect opens the connection, whose far end sends no keep-alives of its own.
func (d *idler) connect() error {
	p := plan{hosts: 2}
	address := netip.AddrPortFrom(p.prefix(1).Addr(), echoPort).String()
	l, err := d.lab.hosts[1].Listen(d.ctx, "tcp", address)
	if err != nil {
		return err
	}
	if d.near, err = d.lab.hosts[0].DialContext(d.ctx, "tcp", address); err != nil {
		return err
	}
	if d.far, err = l.Accept(); err != nil {
		return err
	}
	return d.far.(*stack.TCPConn).SetKeepAlive(false)
}

func (d *idler) run(int) {
	d.do(func() error { d.lab.Advance(day); return nil })
}

// shut says if the connection is no more, and takes the hosts away in any case.
func (d *idler) shut(int) {
	d.do(d.carries)
	if d.lab == nil {
		return
	}
	err := d.lab.close()
	d.lab = nil
	d.do(func() error { return err })
}

// carries sends a byte.
func (d *idler) carries() error {
	if _, err := io.WriteString(d.near, "x"); err != nil {
		return err
	}
	var b [1]byte
	if _, err := io.ReadFull(d.far, b[:]); err != nil || b[0] != 'x' {
		return errors.Join(err, fmt.Errorf("networks: %q arrives after the day", b))
	}
	return nil
}

// check lets a day pass and counts keep-alives and their answers.
func (d *idler) check() error {
	d.open(0)
	d.do(func() error {
		before, start := len(d.lab.Packets()), d.lab.Now()
		d.run(1)
		if passed := d.lab.Now().Sub(start); passed != day {
			return fmt.Errorf("networks: %v passed, not a day", passed)
		}
		got, want := len(d.lab.Packets())-before, 2*(int(day/d.keepAlive)-1)
		if got < want {
			return fmt.Errorf("networks: %d packets in a day, not %d: no keep-alive each %v", got, want, d.keepAlive)
		}
		return nil
	})
	d.shut(0)
	return d.err
}

// idleBench has no peer: the days of others take a day.
func idleBench(ctx context.Context, keepAlive time.Duration, fewer int) *suite.Bench {
	d := &idler{ctx: ctx, keepAlive: keepAlive}
	return &suite.Bench{
		Check:      d.check,
		Contenders: []measure.Contender{{Name: "hextet", Limit: 1, Before: d.open, Run: d.run, After: d.shut}},
		Rows:       []suite.Row{{Ours: 0, Peer: suite.Nobody}},
		Fewer:      fewer,
		Err:        func() error { return d.err },
	}
}
