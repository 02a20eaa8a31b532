package networks

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// A plan is a network to be: hosts of one global and one link-local IPv6 address, all on
// one Ethernet segment, or half of them on each side of a router.
type plan struct {
	hosts  int
	dad    bool // duplicate address detection
	routed bool
	still  bool // nobody speaks: a wire needs no room, and no goroutine any more
}

// A network is hosts whose addresses may be used.
type network interface {
	// listen opens a UDP socket on the i-th host.
	listen(i int, port uint16) (net.PacketConn, error)

	// start runs f beside the caller, until it returns or the network is closed.
	start(f func() error)

	// in returns a deadline for sockets.
	in(d time.Duration) time.Time

	// usable counts the hosts with two addresses that are assigned.
	usable() (int, error)

	// close closes hosts and sockets, waits for what start ran and leaves nothing behind.
	close() error
}

// patience is how long a network in real time may take for what it does later.
const patience = time.Minute

// A maker makes a network, and returns when it is usable.
type maker func(context.Context, plan) (network, error)

// segments returns how many there are.
func (p plan) segments() int {
	if p.routed {
		return 2
	}
	return 1
}

// segment returns where the i-th host is.
func (p plan) segment(i int) int { return i % p.segments() }

// prefix returns the i-th host's global address.
func (p plan) prefix(i int) netip.Prefix { return numbered(p.segment(i), i+1) }

// router returns the router's address on a segment.
func router(segment int) netip.Prefix { return numbered(segment, 0xffff) }

// prefixes returns the global addresses of the i-th host; those of the router if it is none.
func (p plan) prefixes(i int) []netip.Prefix {
	if i < p.hosts {
		return []netip.Prefix{p.prefix(i)}
	}
	return []netip.Prefix{router(0), router(1)}
}

func numbered(segment, n int) netip.Prefix {
	addr := [16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 7: byte(segment), 14: byte(n >> 8), 15: byte(n)}
	return netip.PrefixFrom(netip.AddrFrom16(addr), 64)
}

// segmentOf returns where a global address is.
func segmentOf(p netip.Prefix) int { return int(p.Addr().As16()[7]) }

// hardware returns the station that the i-th host is, or the router.
func hardware(prefix netip.Prefix) net.HardwareAddr {
	a := prefix.Addr().As16()
	return net.HardwareAddr{2, 0, 0, a[7], a[14], a[15]}
}

// linkLocal returns the address that a station makes for itself (RFC 4291 appendix A).
func linkLocal(hw net.HardwareAddr) netip.Prefix {
	addr := [16]byte{0: 0xfe, 1: 0x80, 8: hw[0] ^ 2, 9: hw[1], 10: hw[2], 11: 0xff, 12: 0xfe, 13: hw[3], 14: hw[4], 15: hw[5]}
	return netip.PrefixFrom(netip.AddrFrom16(addr), 64)
}

// real is what networks share that run in real time.
type real struct {
	sockets []net.PacketConn
	running sync.WaitGroup
}

func (r *real) keep(c net.PacketConn, err error) (net.PacketConn, error) {
	if err == nil {
		r.sockets = append(r.sockets, c)
	}
	return c, err
}

// start leaves errors to whoever waits for what f was to do.
func (r *real) start(f func() error) { r.running.Go(func() { _ = f() }) }

func (*real) in(d time.Duration) time.Time { return time.Now().Add(d) }

// closeSockets ends what waits for them, too.
func (r *real) closeSockets() (err error) {
	for _, c := range r.sockets {
		err = errors.Join(err, c.Close())
	}
	r.running.Wait()
	return err
}
