package pairs

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"reflect"
	"sync"

	"golang.zx2c4.com/wireguard/tun"
	"golang.zx2c4.com/wireguard/tun/netstack"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// WireguardGo returns two of wireguard-go's network stacks, which are gVisor's behind a
// tun.Device each, and goroutines that carry packets from device to device.
func WireguardGo(ctx context.Context, plan Plan) (*Pair, error) {
	p := &Pair{Name: "wireguard-go"}
	var near []netip.Addr
	for _, prefix := range plan.Near {
		near = append(near, prefix.Addr())
	}
	nearDevice, client, err := netstack.CreateNetTUN(near, nil, mtu)
	if err != nil {
		return nil, err
	}
	farDevice, server, err := netstack.CreateNetTUN([]netip.Addr{plan.Far.Addr()}, nil, mtu)
	if err != nil {
		return nil, errors.Join(err, nearDevice.Close())
	}
	nearStack, nearErr := stackOf(client)
	farStack, farErr := stackOf(server)
	if err := errors.Join(nearErr, farErr); err != nil {
		return nil, errors.Join(err, nearDevice.Close(), farDevice.Close())
	}
	w := &tunWire{ends: [2]tunEnd{{device: nearDevice, stack: nearStack}, {device: farDevice, stack: farStack}}}
	w.join(&w.ends[0], &w.ends[1])
	w.join(&w.ends[1], &w.ends[0])
	p.keep(w.close)
	l, err := server.ListenTCPAddrPort(plan.listenAt())
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.listener = l
	p.closeWith(ctx)
	p.dial = func(ctx context.Context) (net.Conn, error) {
		return client.DialContextTCPAddrPort(ctx, plan.listenAt())
	}
	return p, nil
}

// stackOf returns the stack within n, which has no method for that: without it, nobody knows
// when it sends nothing more.
func stackOf(n *netstack.Net) (*stack.Stack, error) {
	f := reflect.ValueOf(n).Elem().FieldByName("stack")
	if !f.IsValid() || f.Type() != reflect.TypeFor[*stack.Stack]() {
		return nil, errors.New("pairs: wireguard-go's Net has no stack any more")
	}
	return (*stack.Stack)(f.UnsafePointer()), nil
}

// A tunWire joins two devices.
type tunWire struct {
	ends  [2]tunEnd
	pumps sync.WaitGroup
}

// A tunEnd is a device and the stack behind it.
type tunEnd struct {
	device tun.Device
	stack  *stack.Stack
	mu     sync.Mutex // held while a packet is written to the device
	cut    bool       // packets are dropped
}

// deliver writes a packet to the device, unless the wire is cut.
func (e *tunEnd) deliver(packet []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.cut {
		_, _ = e.device.Write([][]byte{packet}, 0) // what a wire loses is TCP's to repeat
	}
}

// unplug returns when nothing is delivered any more: what is may have the stack answer.
func (e *tunEnd) unplug() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cut = true
}

// join has two goroutines carry packets from one device to the other, until the first is
// closed: a device that nobody reads stops its stack, and what is read may take its time
// to be written.
func (w *tunWire) join(from, to *tunEnd) {
	free, full := make(chan []byte, queue), make(chan []byte, queue)
	for range queue {
		free <- make([]byte, mtu)
	}
	w.pumps.Go(func() {
		defer close(full)
		readAll(from.device, free, full)
	})
	w.pumps.Go(func() {
		for packet := range full {
			to.deliver(packet)
			free <- packet[:mtu]
		}
	})
}

// readAll puts what d sends into buffers from free and hands them to full.
func readAll(d tun.Device, free <-chan []byte, full chan<- []byte) {
	bufs, sizes := make([][]byte, d.BatchSize()), make([]int, d.BatchSize())
	for i := range bufs {
		bufs[i] = <-free
	}
	for {
		n, err := d.Read(bufs, sizes, 0)
		if err != nil {
			return
		}
		for i := range n {
			full <- bufs[i][:sizes[i]]
			bufs[i] = <-free
		}
	}
}

// close stops the stacks before it closes the devices: wireguard-go's Close closes a channel
// on which a stack that sends just then would panic. The devices are read all the while, so
// that no stack waits for the wire.
func (w *tunWire) close() error {
	a, b := &w.ends[0], &w.ends[1]
	a.unplug()
	b.unplug()
	a.stack.Destroy()
	b.stack.Destroy()
	err := errors.Join(a.device.Close(), b.device.Close())
	w.pumps.Wait()
	return err
}
