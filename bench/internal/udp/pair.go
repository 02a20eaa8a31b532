package udp

import (
	"fmt"
	"net"
	"net/netip"
)

const (
	mtu  = 1500
	port = 9 // where datagrams go

	// receiveBuffer is that of sockets, in bytes: the default of ours. gVisor's own would
	// be too small for a window of large datagrams.
	receiveBuffer = 1 << 20
)

// The hosts on a wire.
var (
	left  = netip.MustParseAddr("2001:db8::1")
	right = netip.MustParseAddr("2001:db8::2")
)

// A host is a stack with one interface and one address on it.
type host interface {
	dial(to netip.AddrPort) (net.Conn, error)
	listen(at netip.AddrPort) (net.PacketConn, error)
	close()
}

// A pair is a socket on one host that is connected to one on another.
type pair struct {
	from  net.Conn       // left's
	to    net.PacketConn // right's; it takes datagrams from anybody
	close func()
}

// newPair opens the sockets. shut ends the hosts and what is between them; newPair calls
// it if it fails.
func newPair(l, r host, shut func()) (*pair, error) {
	p := &pair{}
	p.close = func() {
		if p.from != nil {
			p.from.Close()
		}
		if p.to != nil {
			p.to.Close()
		}
		shut()
	}
	var err error
	if p.to, err = r.listen(netip.AddrPortFrom(right, port)); err == nil {
		p.from, err = l.dial(netip.AddrPortFrom(right, port))
	}
	if err != nil {
		p.close()
		return nil, fmt.Errorf("udp: %w", err)
	}
	return p, nil
}
