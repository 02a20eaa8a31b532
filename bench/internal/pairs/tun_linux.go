package pairs

import (
	"context"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip/link/fdbased"
	gvisortun "gvisor.dev/gvisor/pkg/tcpip/link/tun"

	"github.com/hextet/hextet/bench/internal/namespace"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/stack/tun"
)

// tunName is the device's in its namespace.
const tunName = "tun0"

// HextetTUN returns the kernel and, on a TUN device in a namespace of their own, a stack
// of ours.
func HextetTUN(ctx context.Context, plan Plan) (*Pair, error) {
	return onTUN(ctx, "hextet", plan, func(p *Pair) error {
		d, err := tun.Open(tun.Config{Name: tunName})
		if err != nil {
			return suite.Unavailable("needs a TUN device (root): %v", err)
		}
		if err := configure(ctx, tunName, plan); err != nil {
			d.Close()
			return err
		}
		return p.serve(ctx, d, plan)
	})
}

// GVisorTUN returns the kernel and a stack of gVisor with its fdbased link.
func GVisorTUN(ctx context.Context, plan Plan) (*Pair, error) {
	return onTUN(ctx, "gvisor fdbased", plan, func(p *Pair) error {
		fd, err := gvisortun.Open(tunName)
		if err != nil {
			return suite.Unavailable("needs a TUN device (root): %v", err)
		}
		p.keep(func() error { return unix.Close(fd) })
		if err := configure(ctx, tunName, plan); err != nil {
			return err
		}
		l, err := fdbased.New(&fdbased.Options{FDs: []int{fd}, MTU: mtu})
		if err != nil {
			return err
		}
		return p.gvisorServe(ctx, l, plan)
	})
}

// onTUN makes a namespace, has open put a listening stack in it, and lets the kernel
// dial.
func onTUN(ctx context.Context, name string, plan Plan, open func(*Pair) error) (*Pair, error) {
	ns, err := namespace.New()
	if err != nil {
		return nil, err
	}
	p := &Pair{Name: name}
	p.keep(ns.Close)
	if err := ns.Do(func() error { return open(p) }); err != nil {
		p.Close()
		return nil, err
	}
	var d net.Dialer
	p.dial = func(ctx context.Context) (c net.Conn, err error) {
		err = ns.Do(func() error { c, err = d.DialContext(ctx, "tcp", plan.listenAt().String()); return err })
		return c, err
	}
	return p, nil
}

// configure gives the kernel's end of a device its address, from within the namespace,
// and waits until it may be used.
func configure(ctx context.Context, device string, plan Plan) error {
	err := namespace.IP(ctx, fmt.Sprintf("link set %[1]s addrgenmode none\nlink set %[1]s mtu %[2]d up\naddr add %[3]v dev %[1]s nodad\n",
		device, mtu, plan.Near[0]))
	if err != nil {
		return err
	}
	return namespace.Settle(ctx, device)
}
