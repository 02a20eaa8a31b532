package conformance

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/hextet/hextet/icmp6"
	"golang.org/x/net/ipv6"
)

// A rig is one backend while a case runs on it.
//
// That nothing arrives is not shown by waiting: a sentinel follows, and what comes before it is all
// there is. A helper socket sends the sentinels on the wire; those for a socket are injected.
type rig struct {
	ctx     context.Context
	b       Backend
	helper  *sock // ICMPv6, everything passes
	socks   []*sock
	current *sock
	log     []string
	count   int // of sentinels
}

// A sock is a socket and what the suite did to it.
type sock struct {
	Socket
	proto  uint8
	local  netip.Addr // bound; zero: not
	remote netip.Addr // connected; zero: not
	offset int        // of the checksum; -1: none
	filter icmp6.Filter
}

func (r *rig) open() (err error) {
	if r.helper, err = r.listen(icmpv6, netip.Addr{}); err != nil {
		return deviates("a host with raw ICMPv6 sockets", "no ICMPv6 socket: %s", because(err))
	}
	return nil
}

func (r *rig) close() {
	for _, s := range r.socks {
		s.Close()
	}
}

func (r *rig) did(text string, args ...any) { r.log = append(r.log, fmt.Sprintf(text, args...)) }

// listen opens a socket and makes it the current one.
func (r *rig) listen(proto uint8, local netip.Addr) (*sock, error) {
	c, err := r.b.Open(proto, local)
	if err != nil {
		return nil, err
	}
	s := &sock{Socket: c, proto: proto, local: local, offset: icmp6.Disabled}
	if proto == icmpv6 {
		s.offset = icmp6.ChecksumOffset
	}
	r.socks = append(r.socks, s)
	r.current = s
	if limit, ok := r.ctx.Deadline(); ok {
		return s, s.SetReadDeadline(limit)
	}
	return s, nil
}

// mark returns the next sentinel's mark. Marks are as long as each other, so that none is a part of
// another.
func (r *rig) mark() []byte {
	r.count++
	return fmt.Appendf(nil, "hextet-sentinel-%04d", r.count)
}

var anyMark = []byte("hextet-sentinel-")

// settle returns when the host has handled all that was injected.
func (r *rig) settle() error {
	m := r.mark()
	msg := sealed(Peer, Host, icmpv6, icmp6.ChecksumOffset, icmp(private, 0, m))
	if err := r.b.Inject(ip6(Peer, Host, icmpv6, 64, 0, msg)); err != nil {
		return err
	}
	_, err := r.readTo(r.helper, m)
	return err
}

// fence injects a sentinel that the socket must receive, and returns what it receives before.
func (r *rig) fence(s *sock) ([]received, error) {
	typ, open := passing(s.filter)
	if !open { // let the sentinel pass, once all else has been judged by the filter
		if err := r.settle(); err != nil {
			return nil, err
		}
		if err := setFilter(s, icmp6.Filter{}); err != nil {
			return nil, err
		}
		defer setFilter(s, s.filter)
	}
	src, dst := Peer, Host
	if s.remote.IsValid() {
		src = s.remote
	}
	if s.local.IsValid() {
		dst = s.local
	}
	m := r.mark()
	msg := icmp(typ, 0, m)
	if s.proto != icmpv6 {
		msg = append(make([]byte, s.offset+2+s.offset%2), m...)
	}
	if s.offset >= 0 {
		msg = sealed(src, dst, s.proto, s.offset, msg)
	}
	if err := r.b.Inject(ip6(src, dst, s.proto, 64, 0, msg)); err != nil {
		return nil, err
	}
	return r.readTo(s, m)
}

// passing returns an ICMPv6 type that a filter lets pass and no host answers.
func passing(f icmp6.Filter) (byte, bool) {
	for _, t := range []byte{private, 201, 0, 1, 100, 127, 129, 255} {
		if !f.WillBlock(ipv6.ICMPType(t)) {
			return t, true
		}
	}
	return private, false
}

// received is what a socket read.
type received struct {
	payload []byte
	cm      *ipv6.ControlMessage
	src     netip.Addr
}

// readTo reads until the sentinel comes and returns the packets before.
func (r *rig) readTo(s *sock, mark []byte) ([]received, error) {
	var out []received
	for {
		p, err := r.read(s)
		switch {
		case err != nil:
			return nil, deviates("the packet that follows is received", "not even the packet that follows is received: %s", because(err))
		case bytes.Contains(p.payload, mark):
			return out, nil
		case !bytes.Contains(p.payload, anyMark):
			out = append(out, p)
		}
	}
}

func (r *rig) read(s *sock) (received, error) {
	b := make([]byte, 70000)
	n, cm, from, err := s.ReadFrom(b)
	if err != nil {
		return received{}, err
	}
	p := received{payload: b[:n], cm: cm}
	if a, ok := from.(*net.IPAddr); ok {
		p.src, _ = netip.AddrFromSlice(a.IP)
	}
	return p, nil
}

// sent returns what the host has put on the wire since the last call, housekeeping left out,
// fragments joined. With errors, reports of errors are among it.
func (r *rig) sent(errors bool) ([]packet, error) {
	m := r.mark()
	if _, err := r.helper.WriteTo(icmp(private, 0, m), nil, address(Peer)); err != nil {
		return nil, deviates("an ICMPv6 message is sent", "sending an ICMPv6 message fails: %s", because(err))
	}
	var ps []packet
	for {
		b, err := r.b.Capture(r.ctx)
		if err != nil {
			return nil, deviates("the packet that follows is sent", "not even the packet that follows is sent: %s", because(err))
		}
		p, err := parse(b)
		switch {
		case err != nil:
			return nil, deviates("an IPv6 packet on the wire", "%v", err)
		case bytes.Contains(p.payload, m):
			return reassemble(ps)
		case !p.noise(errors) && !bytes.Contains(p.payload, anyMark):
			ps = append(ps, p)
		}
	}
}

func address(a netip.Addr) net.Addr {
	if !a.IsValid() {
		return nil
	}
	return &net.IPAddr{IP: a.AsSlice()}
}

// because is the text of an error without what differs from run to run or between systems.
func because(err error) string {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return "nothing came in time"
	}
	return cmp.Or(errnoName(err), err.Error())
}

// setOffset sets IPV6_CHECKSUM.
func setOffset(s *sock, offset int) error {
	if o, ok := s.Socket.(OffsetSetter); ok {
		return o.SetChecksumOffset(offset)
	}
	if o, ok := s.Socket.(checksumSetter); ok {
		return o.SetChecksum(offset >= 0, max(offset, 0))
	}
	return missing("SetChecksumOffset")
}

// setFilter sets ICMP6_FILTER.
func setFilter(s *sock, f icmp6.Filter) error {
	if o, ok := s.Socket.(FilterSetter); ok {
		return o.SetFilter(f)
	}
	o, ok := s.Socket.(icmpFilterSetter)
	if !ok {
		return missing("SetFilter")
	}
	xf, err := f.ICMPFilter()
	if err != nil {
		return err
	}
	return o.SetICMPFilter(xf)
}

// missingError is about a method that a socket does not have.
type missingError string

func missing(method string) error { return missingError(method) }

func (e missingError) Error() string { return "the socket has no method " + string(e) }
