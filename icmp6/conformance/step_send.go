package conformance

import (
	"bytes"
	"fmt"
	"net/netip"

	"golang.org/x/net/ipv6"
)

// A sending is a step that sends a message and looks at the wire for it: one packet, the bytes as
// they were written, the checksum as the socket's option demands.
type sending struct {
	msg   []byte
	dst   netip.Addr           // which the checksum is for
	first netip.Addr           // due in the IPv6 header: dst, or a router's on the way
	src   netip.Addr           // due; zero: one of the host's
	cm    *ipv6.ControlMessage // nil: none
	wire  func(packet) error   // more to look at; nil: nothing
	unset bool                 // write to no address, since the socket is connected
}

func sends(msg []byte) sending { return sending{msg: msg, dst: Peer, first: Peer} }

func (s sending) to(dst netip.Addr) sending   { s.dst, s.first = dst, dst; return s }
func (s sending) from(src netip.Addr) sending { s.src = src; return s }
func (s sending) toPeer() sending             { s.unset = true; return s }

func (s sending) with(cm ipv6.ControlMessage) sending  { s.cm = &cm; return s }
func (s sending) showing(look func(packet) error) step { s.wire = look; return s }
func (s sending) routed(via netip.Addr) sending        { s.first = via; return s }
func (s sending) refused() step                        { return stepFunc(s.doRefused) }

func (s sending) write(r *rig, msg []byte) (int, error) {
	r.did("send %d bytes to %v", len(msg), s.dst)
	to := s.dst
	if s.unset {
		to = netip.Addr{}
	}
	return r.current.WriteTo(msg, s.cm, address(to))
}

func (s sending) do(r *rig) error {
	const due = "the packet, with a right checksum where there is one"
	msg := bytes.Clone(s.msg)
	n, err := s.write(r, msg)
	switch {
	case err != nil:
		return deviates(due, "sending fails: %s", because(err))
	case n != len(msg):
		return deviates(fmt.Sprintf("%d bytes are sent", len(msg)), "%d bytes are sent", n)
	case !bytes.Equal(msg, s.msg):
		return deviates("the caller's bytes stay as they are", "the caller's bytes are changed")
	}
	ps, err := r.sent(false)
	switch {
	case err != nil:
		return err
	case len(ps) != 1:
		return deviates(due, "%d packets on the wire", len(ps))
	}
	return s.judge(r, ps[0])
}

// judge compares a packet with what was to be sent.
func (s sending) judge(r *rig, p packet) error {
	c := r.current
	want := s.msg
	if c.offset >= 0 {
		want = sealed(p.src, s.dst, c.proto, c.offset, s.msg)
	}
	switch {
	case p.next != c.proto:
		return deviates(fmt.Sprintf("protocol %d", c.proto), "protocol %d", p.next)
	case p.dst != s.first:
		return deviates(fmt.Sprintf("a packet to %v", s.first), "a packet to %v", p.dst)
	case s.src.IsValid() && p.src != s.src:
		return deviates(fmt.Sprintf("a packet from %v", s.src), "a packet from %v", p.src)
	case p.largest > MTU:
		return deviates(fmt.Sprintf("packets of at most %d bytes", MTU), "a packet of %d bytes", p.largest)
	}
	if err := s.compare(c, p.payload, want); err != nil {
		return err
	}
	if s.wire != nil {
		return s.wire(p)
	}
	return nil
}

// compare tells the checksum from the rest.
func (s sending) compare(c *sock, got, want []byte) error {
	if bytes.Equal(got, want) {
		return nil
	}
	if len(got) != len(want) {
		return deviates(fmt.Sprintf("%d bytes", len(want)), "%d bytes", len(got))
	}
	at := c.offset
	if at < 0 { // none is due: is there one all the same?
		for at = 0; got[at] == want[at]; at++ {
		}
		return deviates("the bytes as they were written", "the two bytes at %d are changed", at&^1)
	}
	masked := bytes.Clone(got)
	copy(masked[at:at+2], want[at:])
	if !bytes.Equal(masked, want) {
		return deviates("the bytes as they were written", "more than the checksum is changed")
	}
	how := "wrong"
	switch {
	case bytes.Equal(got[at:at+2], s.msg[at:at+2]):
		how = "as it was written"
	case got[at] == 0 && got[at+1] == 0:
		how = "0"
	case got[at] == 0xff && got[at+1] == 0xff:
		how = "0xffff"
	}
	return deviates(fmt.Sprintf("checksum %04x", want[at:at+2]), "the checksum is %s", how)
}

// doRefused sends in vain: an error, and nothing on the wire.
func (s sending) doRefused(r *rig) error {
	const due = "an error, and nothing is sent"
	_, err := s.write(r, bytes.Clone(s.msg))
	ps, werr := r.sent(false)
	switch {
	case werr != nil:
		return werr
	case len(ps) > 0 && err == nil:
		return deviates(due, "it is sent")
	case len(ps) > 0:
		return deviates(due, "an error, yet it is sent")
	case err == nil:
		return deviates(due, "no error, and nothing is sent")
	}
	return nil
}

// toggled sends while another goroutine switches the option between offset and off: each packet is
// either as it was written or has a right checksum.
func toggled(msg []byte, offset int) step {
	return stepFunc(func(r *rig) error {
		const due = "each packet as written, or with a right checksum"
		c, n := r.current, 64
		r.did("send %d packets while IPV6_CHECKSUM changes between %d and -1", n, offset)
		done := make(chan error, 1)
		go func() {
			var err error
			for i := 0; i < 2*n && err == nil; i++ {
				err = setOffset(c, []int{offset, -1}[i%2])
			}
			done <- err
		}()
		var err error
		for i := 0; i < n && err == nil; i++ {
			_, err = c.WriteTo(msg, nil, address(Peer))
		}
		if terr := <-done; terr != nil {
			return deviates(due, "the option is refused: %s", because(terr))
		}
		if err != nil {
			return deviates(due, "sending fails: %s", because(err))
		}
		ps, err := r.sent(false)
		if err != nil {
			return err
		}
		if len(ps) != n {
			return deviates(fmt.Sprintf("%d packets", n), "%d packets", len(ps))
		}
		for _, p := range ps {
			if !bytes.Equal(p.payload, msg) && !bytes.Equal(p.payload, sealed(p.src, p.dst, c.proto, offset, msg)) {
				return deviates(due, "a packet with something else")
			}
		}
		return nil
	})
}
