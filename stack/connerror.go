package stack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/hextet/hextet/stack/internal/convert"
	"github.com/hextet/hextet/stack/internal/engine"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gvisor "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// icmpError is the engine's hook: an ICMP error about a packet of this host.
//
// What a path carries is believed only of packets that a socket can have sent, as RFC 8201 section 4 wants:
// a forged message costs an attacker nothing.
func (s *Stack) icmpError(m engine.ErrorMessage) {
	id, ok := tupleOf(m)
	conn := ok && s.exists(id, m.Interface)
	// Whoever is told of a path finds it known.
	lower := isTooBig(m) && (conn || s.raw.knows(m)) && s.learnPathMTU(m)
	if conn {
		switch tcpip.TransportProtocolNumber(id.proto) {
		case header.TCPProtocolNumber:
			s.errors.note(s.clock.Now(), id, newICMPError(m))
		case header.UDPProtocolNumber:
			s.udp.tell(m, id)
		}
	}
	s.raw.tell(m, lower)
}

// connErrors keeps the latest ICMP errors about TCP. gVisor tells its endpoints of an error, but not
// whose and what it was: a conn whose call fails looks here.
type connErrors struct {
	mu   sync.Mutex
	list []connError // up to connErrorsMax, then a ring
	next int         // the oldest
}

const (
	connErrorsMax = 64 // a flood of errors costs the details of some, no more

	// connErrorTime: what is older belongs to an earlier conn of the same addresses and ports. TCP
	// may try for half an hour before it gives up.
	connErrorTime = time.Hour
)

type connError struct {
	id    tuple
	since time.Time
	err   *ICMPError
}

// tuple names a conn.
type tuple struct {
	proto         uint8
	local, remote netip.AddrPort // without zones
}

// tupleOf returns the conn that sent the packet.
func tupleOf(m engine.ErrorMessage) (tuple, bool) {
	if m.Protocol != uint8(header.TCPProtocolNumber) && m.Protocol != uint8(header.UDPProtocolNumber) || len(m.Payload) < 4 {
		return tuple{}, false
	}
	return tuple{
		proto:  m.Protocol,
		local:  netip.AddrPortFrom(m.Src, binary.BigEndian.Uint16(m.Payload)),
		remote: netip.AddrPortFrom(m.Dst, binary.BigEndian.Uint16(m.Payload[2:])),
	}, true
}

// note keeps an error, instead of the oldest.
func (c *connErrors) note(now time.Time, id tuple, err *ICMPError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.list) < connErrorsMax {
		c.list = append(c.list, connError{id, now, err})
		return
	}
	c.list[c.next] = connError{id, now, err}
	c.next = (c.next + 1) % len(c.list)
}

// take returns the latest error about a conn and forgets all about it, or returns nil.
func (c *connErrors) take(now time.Time, id tuple) (err *ICMPError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := range c.list {
		e := &c.list[(c.next+n)%len(c.list)] // oldest first
		if e.err == nil || e.id != id {
			continue
		}
		if now.Sub(e.since) < connErrorTime {
			err = e.err
		}
		*e = connError{}
	}
	return err
}

// explain returns err, or an error that says more about it: the ICMP error that it comes from, or, of
// a connection that timed out, the last one that there was.
//
// RFC 1122 section 4.2.3.9: "Since these Unreachable messages indicate soft error conditions, TCP MUST NOT
// abort the connection, and it SHOULD make the information available to the application."
func (k *socket) explain(err error) error {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err
	}
	switch errno {
	case syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN,
		syscall.ENOPROTOOPT, syscall.EOPNOTSUPP, syscall.ETIMEDOUT:
	default:
		return err
	}
	id, ok := k.tuple()
	if !ok {
		return err
	}
	cause := k.s.errors.take(k.s.clock.Now(), id)
	switch {
	case cause == nil:
		return err
	case errno == syscall.ETIMEDOUT:
		return fmt.Errorf("%w; before, %w", err, cause)
	case errno == syscall.ECONNREFUSED && !errors.Is(cause, errno):
		return err // a reset
	}
	return cause
}

// tuple names a connected socket, also one whose connecting failed.
func (k *socket) tuple() (tuple, bool) {
	info, ok := k.ep.Info().(*gvisor.TransportEndpointInfo)
	if !ok || info.ID.RemotePort == 0 {
		return tuple{}, false
	}
	return tuple{
		proto:  uint8(info.TransProto),
		local:  netip.AddrPortFrom(convert.NetAddr(info.ID.LocalAddress).Unmap(), info.ID.LocalPort),
		remote: netip.AddrPortFrom(convert.NetAddr(info.ID.RemoteAddress).Unmap(), info.ID.RemotePort),
	}, true
}

// exists reports whether there is a socket that can have sent the packet that m is about.
func (s *Stack) exists(id tuple, nic int) bool {
	return s.gv.FindTransportEndpoint(convert.Protocol(id.remote.Addr()), tcpip.TransportProtocolNumber(id.proto), gvisor.TransportEndpointID{
		LocalPort: id.local.Port(), LocalAddress: convert.Addr(id.local.Addr()),
		RemotePort: id.remote.Port(), RemoteAddress: convert.Addr(id.remote.Addr()),
	}, tcpip.NICID(nic)) != nil
}
