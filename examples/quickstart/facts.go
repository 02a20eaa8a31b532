package main

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"time"
)

// facts is what the story did, to be held against the packets.
type facts struct {
	allBytes uint64       // of updates, to register every address
	flagged  time.Time    // when the flags were set
	explicit []netip.Addr // skipped addresses that the server bound after that
	echoes   []uint16     // what was written into icmp6_cksum
}

// check makes the claims that only the packets can prove.
func (f *facts) check(a *account, ps []packet) {
	for seq, written := range f.echoes {
		request, reply := find(ps, echoRequest, uint16(seq)), find(ps, echoReply, uint16(seq))
		ok := request != nil && reply != nil && request.checksumValid() && reply.checksumValid()
		sum := uint16(0)
		if request != nil {
			sum = binary.BigEndian.Uint16(request.payload[2:])
		}
		a.claim(ok && sum != written, "written", "icmp6_cksum %04x; on the wire %04x, valid, answered", written, sum)
	}

	a.title("ON THE WIRE")
	var icmp, bad int
	for _, p := range ps {
		if p.proto == protoICMPv6 && p.src.Is6() {
			icmp++
			if !p.checksumValid() {
				bad++
			}
		}
	}
	a.claim(icmp > 0 && bad == 0, "ICMPv6 messages", "%d, %d with a wrong checksum", icmp, bad)
	tried, answered := f.clientDials(ps)
	a.claim(tried == 2*many && answered == 2, "before the flag", "the client tried %d addresses of the server, %d answered", tried, answered)
	sources := f.serverSources(ps)
	a.claim(len(sources) == 2 && !slices.ContainsFunc(sources, blocked), "after the flag", "the server opened connections from %v, beside its explicit binds", sources)
}

// find returns the echo message of a type and sequence number, as the sender's link saw it.
func find(ps []packet, kind byte, seq uint16) *packet {
	want := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, echoID), seq)
	for i, p := range ps {
		if p.sent && p.proto == protoICMPv6 && len(p.payload) >= 8 && p.payload[0] == kind && bytes.Equal(p.payload[4:8], want) {
			return &ps[i]
		}
	}
	return nil
}

// clientDials counts the server's addresses that the client sent a SYN to before the flags were set,
// and those that answered.
func (f *facts) clientDials(ps []packet) (tried, answered int) {
	syn, synack := map[netip.Addr]bool{}, map[netip.Addr]bool{}
	for _, p := range ps {
		if p.host != "client" || !p.time.Before(f.flagged) {
			continue
		}
		switch {
		case p.sent && p.tcpFlags() == flagSYN && p.dst != dns4 && p.dst != dns6:
			syn[p.dst] = true
		case !p.sent && p.tcpFlags() == flagSYN|flagACK && p.src != dns4 && p.src != dns6:
			synack[p.src] = true
		}
	}
	return len(syn), len(synack)
}

// serverSources returns the addresses from which the server opened TCP connections after the flags
// were set, without those it was told to use.
func (f *facts) serverSources(ps []packet) (sources []netip.Addr) {
	for _, p := range ps {
		if p.host == "server" && p.sent && !p.time.Before(f.flagged) && p.tcpFlags()&^0xc0 == flagSYN &&
			!slices.Contains(f.explicit, p.src) && !slices.Contains(sources, p.src) {
			sources = append(sources, p.src)
		}
	}
	return sources
}
