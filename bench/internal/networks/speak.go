package networks

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

const (
	echoPort = 7
	askPort  = 8

	// answer is how long an answer may take, in the network's time.
	answer = 5 * time.Second

	// sample is the most hosts of which each speaks to each: more are spread over the
	// network.
	sample = 10
)

// echo sends back what it reads, until its socket is closed.
func echo(c net.PacketConn) error {
	for b := make([]byte, mtu); ; {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return err
		}
		if _, err := c.WriteTo(b[:n], from); err != nil {
			return err
		}
	}
}

// serve has a host echo.
func serve(n network, i int) error {
	c, err := n.listen(i, echoPort)
	if err == nil {
		n.start(func() error { return echo(c) })
	}
	return err
}

// speak has each of some hosts send a datagram to all others of them, and says which got
// no answer.
func speak(n network, p plan) error {
	var some []int
	for i := range min(p.hosts, sample) {
		some = append(some, i*p.hosts/min(p.hosts, sample))
	}
	var errs []error
	for _, i := range some {
		errs = append(errs, serve(n, i))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, i := range some {
		c, err := n.listen(i, askPort)
		if err != nil {
			return err
		}
		for _, j := range some {
			if i == j {
				continue
			}
			if err := ask(n, c, at(p, j), uint64(i)<<32|uint64(j)); err != nil {
				return fmt.Errorf("%v to %v: %w", p.prefix(i), p.prefix(j), err)
			}
		}
	}
	return nil
}

// at returns where a host echoes.
func at(p plan, i int) *net.UDPAddr {
	return net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.prefix(i).Addr(), echoPort))
}

// ask sends a datagram and reads the answer.
func ask(n network, c net.PacketConn, to *net.UDPAddr, word uint64) error {
	if err := c.SetReadDeadline(n.in(answer)); err != nil {
		return err
	}
	question := binary.BigEndian.AppendUint64(nil, word)
	if _, err := c.WriteTo(question, to); err != nil {
		return err
	}
	var b [16]byte
	size, from, err := c.ReadFrom(b[:])
	if err != nil {
		return err
	}
	if string(b[:size]) != string(question) || from.String() != to.String() {
		return fmt.Errorf("%x from %v, not %x from %v", b[:size], from, question, to)
	}
	return nil
}
