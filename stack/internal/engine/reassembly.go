package engine

import (
	"slices"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// Bounds of what senders of fragments can make a reassembler hold.
const (
	reassemblyCost    = 512 << 10
	reassemblyPackets = 64
	pieceCost         = 128 // of a fragment, beside its data

	// RFC 8200 section 4.5: "If insufficient fragments are received to complete reassembly of a
	// packet within 60 seconds of the reception of the first-arriving fragment of that packet,
	// reassembly of that packet must be abandoned".
	reassemblyTime = 60 * time.Second

	maxPayload = 65535
)

// reassembler puts together what only raw sockets want: gVisor reassembles too, but keeps most ICMPv6
// messages to itself. What turns out to be of another protocol is not held.
type reassembler struct {
	now func() tcpip.MonotonicTime

	mu      sync.Mutex
	packets map[fragmentID]*partial
	cost    int // of all packets
}

// RFC 8200 section 4.5: "An original packet is reassembled only from fragment packets that have the
// same Source Address, Destination Address, and Fragment Identification."
type fragmentID struct {
	src, dst [16]byte
	id       uint32
}

// partial is a packet in the making.
type partial struct {
	since  tcpip.MonotonicTime
	first  *RawPacket // the header fields that count, with the next header; nil until it arrives
	pieces []piece    // by offset
	bytes  int        // in pieces
	size   int        // of the whole; 0 until the last fragment arrives
	over   bool       // nothing more is kept: unwanted, or given up
}

type piece struct {
	at   int
	data []byte
}

func newReassembler(now func() tcpip.MonotonicTime) *reassembler {
	return &reassembler{now: now, packets: make(map[fragmentID]*partial)}
}

// add takes over data, a fragment that end describes of a packet with rp's header. When it is the last
// that was missing of an early protocol's packet, add returns that packet.
func (r *reassembler) add(rp RawPacket, end headerEnd, data []byte) (RawPacket, bool) {
	if len(data) == 0 || end.more && len(data)%8 != 0 || end.at+len(data) > maxPayload {
		return RawPacket{}, false // RFC 8200 section 4.5: "that fragment must be discarded"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	k := fragmentID{rp.Src.As16(), rp.Dst.As16(), end.id}
	p := r.lookup(k)
	if p.over {
		return RawPacket{}, false
	}
	if end.at == 0 && p.first == nil {
		if u, ok := walkFrom(end.next, data, 0); !ok || !isEarly(tcpip.TransportProtocolNumber(u.next), header.IPv6ProtocolNumber) {
			r.giveUp(p)
			return RawPacket{}, false
		}
		rp.Protocol, rp.head, rp.rest = end.next, nil, nil
		p.first = &rp
		r.cost += len(rp.Extensions)
	}
	before := p.cost()
	ok := p.insert(piece{end.at, data}, !end.more)
	r.cost += p.cost() - before
	if !ok || p.cost() > reassemblyCost {
		r.giveUp(p)
		return RawPacket{}, false
	}
	if p.first == nil || p.size == 0 || p.bytes < p.size {
		return RawPacket{}, false
	}
	r.remove(k)
	return p.whole()
}

// lookup returns the packet of a fragment, and drops others that are too old or too many.
func (r *reassembler) lookup(k fragmentID) *partial {
	now := r.now()
	for old, p := range r.packets {
		if now.Sub(p.since) > reassemblyTime {
			r.remove(old)
		}
	}
	p := r.packets[k]
	for p == nil && len(r.packets) >= reassemblyPackets || r.cost > reassemblyCost {
		victim := r.oldest(k)
		if victim == k {
			break
		}
		r.remove(victim)
	}
	if p == nil {
		p = &partial{since: now}
		r.packets[k] = p
	}
	return p
}

// oldest returns the packet that was begun first, but k only if there is no other.
func (r *reassembler) oldest(k fragmentID) fragmentID {
	var since tcpip.MonotonicTime
	found := k
	for other, p := range r.packets {
		if other != k && (found == k || p.since.Before(since)) {
			found, since = other, p.since
		}
	}
	return found
}

func (r *reassembler) remove(k fragmentID) {
	r.cost -= r.packets[k].cost()
	delete(r.packets, k)
}

// giveUp forgets what there is of p and will be.
func (r *reassembler) giveUp(p *partial) {
	r.cost -= p.cost()
	*p = partial{since: p.since, over: true}
}

func (p *partial) cost() int {
	n := p.bytes + pieceCost*len(p.pieces)
	if p.first != nil {
		n += len(p.first.Extensions)
	}
	return n
}

// insert adds a fragment in its place. It reports false for one that contradicts the others.
//
// RFC 8200 section 4.5: "If any of the fragments being reassembled overlap with any other fragments
// being reassembled for the same packet, reassembly of that packet must be abandoned [...] an
// implementation may choose to detect this case and drop exact duplicate fragments while keeping the
// other fragments belonging to the same packet."
func (p *partial) insert(f piece, last bool) bool {
	end := f.at + len(f.data)
	if p.size != 0 && (end > p.size || last && end != p.size) {
		return false
	}
	i, found := slices.BinarySearchFunc(p.pieces, f.at, func(q piece, at int) int { return q.at - at })
	if found {
		return len(p.pieces[i].data) == len(f.data)
	}
	if i > 0 && p.pieces[i-1].at+len(p.pieces[i-1].data) > f.at || i < len(p.pieces) && (p.pieces[i].at < end || last) {
		return false
	}
	if last {
		p.size = end
	}
	p.pieces = slices.Insert(p.pieces, i, f)
	p.bytes += len(f.data)
	return true
}

// whole returns the packet, whose pieces leave no gap.
func (p *partial) whole() (RawPacket, bool) {
	rp := *p.first
	b := make([]byte, 0, p.size)
	for _, f := range p.pieces {
		b = append(b, f.data...)
	}
	end, ok := walkFrom(rp.Protocol, b, 0)
	if !ok || end.fragment {
		return RawPacket{}, false
	}
	rp.Protocol, rp.head, rp.rest = end.next, b[end.offset:], nil
	rp.Extensions = append(rp.Extensions, b[:end.offset]...)
	return rp, true
}
