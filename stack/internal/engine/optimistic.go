package engine

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"time"

	"github.com/hextet/hextet/icmp6/checksum"
	"github.com/hextet/hextet/stack/internal/convert"
	"github.com/hextet/hextet/stack/internal/ndp"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// Optimistic addresses (RFC 4429): to gVisor, which knows nothing between tentative and assigned, they are
// assigned. Their detection is the embedding stack's. What gVisor says on the link about an address that
// is not known to be unique is changed here.

// detection is how an interface's addresses pass gVisor's duplicate address detection.
type detection struct {
	mu      sync.Mutex
	configs stack.DADConfigurations // zero: they don't
}

// enable switches detection on, with one probe.
func (d *detection) enable(e stack.DuplicateAddressDetector) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.configs = stack.DefaultDADConfigurations()
	e.SetDADConfigurations(d.configs)
}

// setTimer sets how long detection waits for an answer, if it is on.
func (d *detection) setTimer(e stack.DuplicateAddressDetector, retrans time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.configs.DupAddrDetectTransmits > 0 {
		d.configs.RetransmitTimer = retrans
		e.SetDADConfigurations(d.configs)
	}
}

// without calls f while it is off. What has begun is not affected.
func (d *detection) without(e stack.DuplicateAddressDetector, f func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	off := d.configs
	off.DupAddrDetectTransmits = 0
	e.SetDADConfigurations(off)
	defer e.SetDADConfigurations(d.configs)
	return f()
}

// AddOptimistic is AddAddress for an IPv6 address whose detection is the caller's. No other address may be
// added to the interface at the same time.
func AddOptimistic(s *stack.Stack, index int, p netip.Prefix, events AddressEvents) error {
	e := endpoint6Of(s, index)
	if e == nil {
		return convert.Error(&tcpip.ErrUnknownNICID{})
	}
	e.optimistic.Store(true)
	return e.detection.without(e, func() error { return AddAddress(s, index, p, events) })
}

// DetectionTimer returns how long detection is to wait for an answer on an interface, which is RetransTimer
// (RFC 4862 section 5.1).
func DetectionTimer(s *stack.Stack, index int) time.Duration {
	if e := endpoint6Of(s, index); e != nil {
		e.detection.mu.Lock()
		defer e.detection.mu.Unlock()
		if e.detection.configs.RetransmitTimer > 0 {
			return e.detection.configs.RetransmitTimer
		}
	}
	return stack.DefaultDADConfigurations().RetransmitTimer
}

// unique reports whether an address may be claimed on the link.
func (e *endpoint6) unique(a tcpip.Address) bool {
	return e.hooks.Unique(int(e.nic.ID()), convert.NetAddr(a))
}

// showClaim shows the hook a packet that may say who has an address, before gVisor sees it: that drops what
// comes from one of the interface's own addresses, as the advertisement of who has the same does.
func (e *endpoint6) showClaim(pkt *stack.PacketBuffer) {
	b, ok := pkt.Data().PullUp(header.IPv6MinimumSize + 1)
	if !ok || b[6] != uint8(header.ICMPv6ProtocolNumber) || b[40] != ndp.TypeNeighborSolicitation && b[40] != ndp.TypeNeighborAdvertisement {
		return
	}
	b, _ = pkt.Data().PullUp(pkt.Data().Size())
	if p, ok := parse6(b); ok && isFor(e, p.src, p.dst) {
		e.hooks.Claim(int(e.nic.ID()), p.src, p.dst, int(p.b[7]), p.b[p.header:])
	}
}

// modest makes what gVisor advertises about an address in doubt fit for the link, or reports that it is
// not to be sent.
//
// RFC 4429 section 3.3: a solicitation for an Optimistic Address from the unspecified address must not be
// answered, and the answer to one from a unicast address must have the Override flag cleared. What answers
// the first would go to all nodes.
func (e *endpoint6) modest(r *stack.Route, params stack.NetworkHeaderParams, pkt *stack.PacketBuffer) bool {
	na := advertisementIn(params, pkt)
	if na == nil || e.unique(header.NDPNeighborAdvert(na.MessageBody()).TargetAddress()) {
		return true
	}
	if header.IsV6MulticastAddress(r.RemoteAddress()) {
		return false
	}
	clearOverride(na)
	return true
}

// advertisementIn returns the Neighbor Advertisement that a packet of gVisor's is, or nil.
func advertisementIn(params stack.NetworkHeaderParams, pkt *stack.PacketBuffer) header.ICMPv6 {
	if params.Protocol != header.ICMPv6ProtocolNumber {
		return nil
	}
	h := header.ICMPv6(pkt.TransportHeader().Slice())
	if len(h) < header.ICMPv6NeighborAdvertMinimumSize || h.Type() != header.ICMPv6NeighborAdvert {
		return nil
	}
	return h
}

func clearOverride(na header.ICMPv6) {
	before := binary.BigEndian.Uint16(na[4:])
	header.NDPNeighborAdvert(na.MessageBody()).SetOverrideFlag(false)
	na.SetChecksum(checksum.Update(na.Checksum(), before, binary.BigEndian.Uint16(na[4:])))
}

// postpone reports whether a neighbour must not be asked for its link-layer address now. RFC 4429 section
// 3.2: an Optimistic Address must not be the source of a Neighbor Solicitation, and for a packet from one to a
// neighbour whose link-layer address is not known there must be no address resolution. It should go by a
// default router, which may redirect it, or else be kept until detection has ended. gVisor keeps it, and
// asks again after RetransTimer if nobody does before.
func (e *endpoint6) postpone(target, local tcpip.Address, remote tcpip.LinkAddress) bool {
	if !e.inDoubt(local) {
		return false
	}
	if remote != "" { // it is known, and asked only whether it is still there
		return true
	}
	e.postponed.add(target, local)
	if e.inDoubt(local) {
		return true // and whoever ends that will find it
	}
	e.postponed.remove(target)
	return false
}

// inDoubt reports whether an address is the interface's and not known to be unique.
func (e *endpoint6) inDoubt(a tcpip.Address) bool {
	return !e.unique(a) && isOwn(e, convert.NetAddr(a))
}

// Resume asks for the neighbours that packets from an address wait for, now that it is unique.
func Resume(s *stack.Stack, index int, addr netip.Addr) {
	if e := endpoint6Of(s, index); e != nil {
		local := convert.Addr(addr)
		for _, target := range e.postponed.take(local) {
			e.LinkAddressRequest(target, local, "")
		}
	}
}

// RemovePermanentAddress implements stack.AddressableEndpoint.
func (e *endpoint6) RemovePermanentAddress(addr tcpip.Address) tcpip.Error {
	err := e.endpoint6Methods.RemovePermanentAddress(addr)
	e.postponed.take(addr)
	return err
}

// postponed are the neighbours that packets from an address in doubt wait for.
type postponed struct {
	mu      sync.Mutex
	sources map[tcpip.Address]tcpip.Address // by neighbour
}

// maxPostponed bounds them. gVisor keeps packets for no more; what is too much waits for it to ask again.
const maxPostponed = 64

func (p *postponed) add(target, local tcpip.Address) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sources == nil {
		p.sources = make(map[tcpip.Address]tcpip.Address)
	}
	if len(p.sources) < maxPostponed {
		p.sources[target] = local
	}
}

func (p *postponed) remove(target tcpip.Address) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sources, target)
}

// take returns the neighbours that packets from local wait for, and forgets them.
func (p *postponed) take(local tcpip.Address) (targets []tcpip.Address) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for target, source := range p.sources {
		if source == local {
			targets = append(targets, target)
			delete(p.sources, target)
		}
	}
	return targets
}
