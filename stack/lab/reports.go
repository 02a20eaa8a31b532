package lab

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/icmp6/checksum"
)

// What a host reports of its groups (MLDv2, RFC 3810; IGMPv3, RFC 3376) comes in the order of a map: which
// group is in which record, and which record in which packet. So the lab holds reports back until the host
// sends something else, or does something else, and puts the records in order.

// report is where a frame has its records.
type report struct {
	frame   []byte
	message int // where the ICMPv6 or IGMP message starts
	size    int // of a record
	group   int // where a record has its group
}

// parseReport returns false for what is no report, or one with sources, whose records differ in size.
func parseReport(frame []byte) (report, bool) {
	r := report{frame: frame}
	switch packet := frame[linkHeader:]; binary.BigEndian.Uint16(frame[12:]) {
	case 0x86dd:
		const hopByHop, icmp = 40, 48 // one extension header of 8 bytes, with the router alert
		if len(packet) < icmp+8 || packet[6] != 0 || packet[hopByHop] != 58 || packet[hopByHop+1] != 0 || packet[icmp] != 143 {
			return r, false
		}
		r.message, r.size, r.group = linkHeader+icmp, 20, 4
	case 0x0800:
		if len(packet) < 20 || packet[9] != 2 {
			return r, false
		}
		at := int(packet[0]&15) * 4
		if at < 20 || len(packet) < at+8 || packet[at] != 0x22 {
			return r, false
		}
		r.message, r.size, r.group = linkHeader+at, 8, 4
	default:
		return r, false
	}
	records := frame[r.message+8:]
	if len(records) != r.size*int(binary.BigEndian.Uint16(frame[r.message+6:])) || !r.valid() {
		return r, false
	}
	for rec := range slices.Chunk(records, r.size) {
		if binary.BigEndian.Uint32(rec)&0xffffff != 0 { // length of auxiliary data, number of sources
			return r, false
		}
	}
	return r, true
}

func (r report) records() []byte { return r.frame[r.message+8:] }

func (r report) addresses() (src, dst netip.Addr) {
	return netip.AddrFrom16([16]byte(r.frame[linkHeader+8:])), netip.AddrFrom16([16]byte(r.frame[linkHeader+24:]))
}

// valid reports whether the checksum is right. One that is not is for somebody else to notice.
func (r report) valid() bool {
	if r.size == 20 {
		src, dst := r.addresses()
		return icmp6.Valid(src, dst, r.frame[r.message:])
	}
	return checksum.Sum(r.frame[r.message:], 0) == 0xffff
}

// seal computes the checksum.
func (r report) seal() {
	m := r.frame[r.message:]
	if r.size == 20 {
		src, dst := r.addresses()
		icmp6.SetChecksum(src, dst, m) // fails for no message of that length
		return
	}
	m[2], m[3] = 0, 0
	binary.BigEndian.PutUint16(m[2:], ^checksum.Sum(m, 0))
}

// alike reports whether records may be exchanged: everything in front of the checksum is the same but lengths
// and identification.
func (r report) alike(q report) bool {
	same := func(from, to int) bool { return bytes.Equal(r.frame[from:to], q.frame[from:to]) }
	if r.size != q.size || r.message != q.message || !same(0, 14) {
		return false
	}
	if r.size == 20 {
		return same(linkHeader+8, linkHeader+40)
	}
	return same(linkHeader+12, linkHeader+20)
}

// arrange gives the packets the records in the order of their groups. Records of one group stay in the order
// in which they came.
func arrange(reports []report) {
	var all [][]byte
	for _, r := range reports {
		for rec := range slices.Chunk(bytes.Clone(r.records()), r.size) {
			all = append(all, rec)
		}
	}
	size := func(r report) int { return -len(r.records()) }
	slices.SortStableFunc(reports, func(a, b report) int { return cmp.Compare(size(a), size(b)) })
	if len(reports) > 0 {
		at := reports[0].group
		slices.SortStableFunc(all, func(a, b []byte) int { return bytes.Compare(a[at:], b[at:]) })
	}
	for _, r := range reports {
		for rec := range slices.Chunk(r.records(), r.size) {
			copy(rec, all[0])
			all = all[1:]
		}
		r.seal()
	}
}

// hold keeps a report back, and reports whether frame is one. The lab's wires are locked.
func (p *port) hold(frame []byte) bool {
	r, ok := parseReport(frame)
	if !ok {
		return false
	}
	if len(p.reports) > 0 && !p.reports[0].alike(r) {
		p.flush()
	}
	if p.reports = append(p.reports, r); len(p.reports) == 1 {
		p.h.l.sched.arrange(&event{kind: ofWire, f: func() {
			p.h.l.wires.Lock()
			defer p.h.l.wires.Unlock()
			p.flush()
		}}, 0)
	}
	return true
}

// flush sends what was held back. The lab's wires are locked.
func (p *port) flush() {
	arrange(p.reports)
	for _, r := range p.reports {
		if p.segment != nil && p.gate.passes(p, p.segment, Out, r.frame) {
			p.segment.forward(p, r.frame)
		}
	}
	p.reports = nil
}
