package stack

import (
	"bytes"
	"io"
	"net/netip"

	"github.com/hextet/hextet/stack/internal/engine"
	"github.com/hextet/hextet/stack/internal/ndp"
)

// Optimistic duplicate address detection (RFC 4429): addresses that very probably are unique work while
// that is being found out. gVisor's detection would keep them tentative, so theirs is here. What RFC 4429
// has to say of packets on the link is in the engine.

// optimistic reports whether addresses formed from p may be Optimistic. RFC 4429 section 3.2: an address must
// stay Tentative if no Router Advertisement told the router's link-layer address, which can't be asked for
// from it; section 3.3: a router should have no such address, nor a host that does not know its router.
// So the link-local address, which needs none, is not Optimistic; and those that the program adds are not
// since section 3.1 is for identifiers that are very probably unique, not for what somebody typed.
func (a *autoconf) optimistic(p *learntPrefix) bool {
	return a.cfg.OptimisticDAD && a.i.hw != nil && p.routerKnown && !a.i.forward.Load()
}

// probing is the detection of an optimistic address. The book's lock is held for all it does.
type probing struct {
	left   int // probes to send
	nonces [][]byte

	lost             bool // another station has the address
	looped, extended bool // the link brought a probe back; and that was allowed for
}

// DupAddrDetectTransmits of RFC 4862 section 5.1, and MAX_MULTICAST_SOLICIT of RFC 4861 section 10.
const (
	dupAddrDetectTransmits = 1
	maxMulticastSolicit    = 3
)

func newProbing() *probing { return &probing{left: dupAddrDetectTransmits} }

// next reports whether another probe, with that nonce, is to be sent. RFC 7527 section 4: "If any probe is
// looped back within RetransTimer milliseconds after having sent DupAddrDetectTransmits NS(DAD) messages,
// the interface continues with another MAX_MULTICAST_SOLICIT number of NS(DAD) messages transmitted
// RetransTimer milliseconds apart."
func (p *probing) next(nonce []byte) bool {
	if p.left == 0 && p.looped && !p.extended {
		p.left, p.extended = maxMulticastSolicit, true
	}
	if p.left == 0 {
		return false
	}
	p.left--
	p.nonces = append(p.nonces, nonce)
	return true
}

// claimed takes another station's claim, and reports whether it is the one that decides.
func (p *probing) claimed(c ndp.Claim) bool {
	for _, n := range p.nonces {
		if bytes.Equal(n, c.Nonce) {
			p.looped = true
			return false
		}
	}
	first := !p.lost
	p.lost = true
	return first
}

// startProbing begins the detection of an optimistic address, without the delay that a tentative one may
// have (RFC 4429 section 3.3).
func (i *Interface) startProbing(e *addressEntry) {
	i.s.book.after(i.s.clock, e, 0, func() { i.probe(e) })
}

// probe sends a probe, or makes the address Assigned after the last one came to nothing.
func (i *Interface) probe(e *addressEntry) {
	var nonce [6]byte
	io.ReadFull(i.s.secure, nonce[:])
	send, unique := false, false
	i.s.book.update(e, func(e *addressEntry) {
		if e.State != Optimistic || e.probing.lost {
			return
		}
		if send = e.probing.next(nonce[:]); !send {
			e.State, unique = Assigned, true
		}
	})
	switch {
	case send:
		engine.Solicit(i.s.gv, i.index, ndp.Probe(e.Prefix.Addr(), nonce))
		i.s.book.after(i.s.clock, e, engine.DetectionTimer(i.s.gv, i.index), func() { i.probe(e) })
	case unique:
		engine.Resume(i.s.gv, i.index, e.Prefix.Addr())
	}
}

// unique is the engine's hook. gVisor's locks may be held.
func (s *Stack) unique(nic int, addr netip.Addr) bool { return s.book.state(nic, addr) == Assigned }

// claim is the engine's hook. gVisor's locks may be held: what comes of it is only arranged for. An optimistic
// address that another station has, or probes for too, is a duplicate as a tentative one would be (RFC
// 4429 section 3.3, RFC 4862 sections 5.4.3 and 5.4.4).
func (s *Stack) claim(nic int, src, dst netip.Addr, hopLimit int, msg []byte) {
	c, err := ndp.ParseClaim(src, dst, hopLimit, msg)
	if err != nil {
		return // most ask for a neighbour; gVisor counts what is malformed
	}
	if e := s.book.lookup(nic, c.Target); e != nil && s.book.claimed(e, c) {
		s.book.after(s.clock, e, 0, func() { e.i.lose(e) })
	}
}

// claimed reports whether a claim takes e away from the interface.
func (b *addressBook) claimed(e *addressEntry, c ndp.Claim) (lost bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return e.State == Optimistic && e.probing.claimed(c)
}

// lose takes away an optimistic address that another station has.
func (i *Interface) lose(e *addressEntry) {
	if i.deconfigure(e) {
		i.duplicate(e)
	}
}

func (i *Interface) deconfigure(e *addressEntry) bool {
	i.admin.Lock()
	defer i.admin.Unlock()
	if !i.s.book.update(e, func(e *addressEntry) { e.State = Duplicate }) {
		return false
	}
	i.s.dropFlows()
	engine.RemoveAddress(i.s.gv, i.index, e.Prefix.Addr())
	return true
}
