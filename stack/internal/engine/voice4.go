package engine

import (
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// standIn is the address that gVisor's IPv4 endpoint has for those purposes for which it takes any: the
// source of IGMP messages, which interface4 replaces; the subnet from which IGMP reports may come, which is
// that of all; and what it enters into the options of packets to groups. Addresses on loan are never
// taken for these. Packets to it are dropped before: RFC 1122 section 3.2.1.3 (a) lets it be a source only.
var standIn = tcpip.AddressWithPrefix{Address: tcpip.AddrFrom4([4]byte{}), PrefixLen: 0}

// giveVoice gives the endpoint its stand-in, upon which it sends the reports that waited for a source.
// e.mu is held.
func (e *addresses4) giveVoice() {
	ep, err := e.endpoint4Methods.AddAndAcquirePermanentAddress(standIn, stack.AddressProperties{})
	if err != nil {
		return // can't be: the endpoint has it from here only
	}
	e.voice = ep
	e.voice.SetKind(e.voiceKind())
}

// takeVoice undoes giveVoice. e.mu is held.
func (e *addresses4) takeVoice() {
	if e.voice == nil {
		return
	}
	e.voice.SetKind(stack.Permanent)
	e.endpoint4Methods.RemovePermanentAddress(standIn.Address)
	e.voice.DecRef()
	e.voice = nil
}

// voiceKind: of permanent addresses gVisor takes one for the main address, and enters that into options.
// It is to be the one that a packet came to, as it is without any, unless that is a group's: then gVisor
// takes a packet with options, as all of IGMP are, for malformed if there is no main address.
func (e *addresses4) voiceKind() stack.AddressKind {
	if e.toAll > 0 {
		return stack.Permanent
	}
	return stack.Temporary
}

// handleToAll calls handle with the stand-in as the main address.
func (e *addresses4) handleToAll(handle func()) {
	e.countToAll(1)
	defer e.countToAll(-1)
	handle()
}

func (e *addresses4) countToAll(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.toAll += n
	if e.voice != nil {
		e.voice.SetKind(e.voiceKind())
	}
}

// optionsToAll reports whether a packet has options and goes to a group or is broadcast.
func (e *addresses4) optionsToAll(pkt *stack.PacketBuffer) bool {
	b, ok := pkt.Data().PullUp(header.IPv4MinimumSize)
	return ok && header.IPv4(b).HeaderLength() > header.IPv4MinimumSize &&
		e.own.AcquireAssignedAddress(header.IPv4(b).DestinationAddress(), false, stack.NeverPrimaryEndpoint, true) == nil
}
