package connects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/pairs"
)

// connectsPerRound bounds the connections that are open at a time.
const connectsPerRound = 64

// A dialer opens connections between two hosts.
type dialer struct {
	ctx  context.Context
	pair *pairs.Pair
	may  []netip.Prefix // the addresses that may speak
	open []connection
	err  error // the first
}

type connection struct{ near, far net.Conn }

func newDialer(ctx context.Context, pair *pairs.Pair, plan pairs.Plan) *dialer {
	may := plan.Near
	if plan.Quiet {
		may = may[:1]
	}
	return &dialer{ctx: ctx, pair: pair, may: may, open: make([]connection, 0, connectsPerRound)}
}

// contender opens connections, and ends them out of the time that is measured.
func (d *dialer) contender(name string) measure.Contender {
	return measure.Contender{Name: name, Run: d.run, After: d.after, Limit: connectsPerRound}
}

func (d *dialer) run(n int) {
	for range n {
		if d.err != nil {
			return
		}
		var near, far net.Conn
		if near, far, d.err = d.pair.Connect(d.ctx); d.err != nil {
			return
		}
		d.open = append(d.open, connection{near, far})
	}
}

func (d *dialer) after(int) {
	for _, c := range d.open {
		if err := pairs.Disconnect(c.near, c.far); d.err == nil {
			d.err = err
		}
	}
	d.open = d.open[:0]
}

// check opens a connection: both ends must name the same addresses, of those that may
// speak, and it carries a message each way.
func (d *dialer) check() error {
	d.run(1)
	if d.err != nil {
		return d.err
	}
	c := d.open[0]
	defer d.after(1)
	if c.near.LocalAddr().String() != c.far.RemoteAddr().String() {
		return fmt.Errorf("connects: near is %v and far sees %v", c.near.LocalAddr(), c.far.RemoteAddr())
	}
	if !d.speaks(c.far.RemoteAddr()) {
		return fmt.Errorf("connects: %v speaks", c.far.RemoteAddr())
	}
	return errors.Join(message(c.near, c.far), message(c.far, c.near))
}

func (d *dialer) speaks(a net.Addr) bool {
	ap, err := netip.ParseAddrPort(a.String())
	return err == nil && slices.ContainsFunc(d.may, func(p netip.Prefix) bool { return p.Addr() == ap.Addr() })
}

func message(from, to net.Conn) error {
	if _, err := io.WriteString(from, "hello"); err != nil {
		return err
	}
	var got [5]byte
	if _, err := io.ReadFull(to, got[:]); err != nil || string(got[:]) != "hello" {
		return fmt.Errorf("connects: got %q: %w", got, err)
	}
	return nil
}
