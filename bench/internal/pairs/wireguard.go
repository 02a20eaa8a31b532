package pairs

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.zx2c4.com/wireguard/tun"
	"golang.zx2c4.com/wireguard/tun/netstack"
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
	w := &tunWire{}
	w.connect(nearDevice, farDevice)
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

// A tunWire joins two devices.
type tunWire struct {
	devices   [2]tun.Device
	pumps     sync.WaitGroup
	delivered atomic.Int64 // packets
	cut       atomic.Bool  // packets are dropped
}

func (w *tunWire) connect(a, b tun.Device) {
	w.devices = [2]tun.Device{a, b}
	w.join(a, b)
	w.join(b, a)
}

// join has two goroutines carry packets from one device to the other, until the first is
// closed: a device that nobody reads stops its stack, and what is read may take its time
// to be written.
func (w *tunWire) join(from, to tun.Device) {
	free, full := make(chan []byte, queue), make(chan []byte, queue)
	for range queue {
		free <- make([]byte, mtu)
	}
	w.pumps.Go(func() {
		defer close(full)
		readAll(from, free, full)
	})
	w.pumps.Go(func() {
		for packet := range full {
			if !w.cut.Load() {
				_, _ = to.Write([][]byte{packet}, 0) // what a wire loses is TCP's to repeat
			}
			w.delivered.Add(1)
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

// quiet is how long a cut wire has to be silent for its stacks to have nothing more to
// say but repetitions, which begin after 200 ms.
const quiet = 10 * time.Millisecond

// close closes the devices once they are silent: wireguard-go's Close closes a channel
// on which a stack that sends just then would panic.
func (w *tunWire) close() error {
	w.cut.Store(true)
	for before, tries := int64(-1), 0; before != w.delivered.Load() && tries < 100; tries++ {
		before = w.delivered.Load()
		time.Sleep(quiet)
	}
	err := errors.Join(w.devices[0].Close(), w.devices[1].Close())
	w.pumps.Wait()
	return err
}
