package dnsregtest

import (
	"encoding/binary"
	"errors"

	"github.com/miekg/dns"
)

const headerLen = 12

var errLayout = errors.New("dnsregtest: the sections end elsewhere than the message")

// layout is what the octets of a message say about its signature.
type layout struct {
	signatures int // TSIG records, wherever they are
	tsig       int // where the last record starts
	last       uint16
}

// scan walks over the records without looking into them. The codec takes a message for good that ends
// before its counts are reached or goes on behind them; here neither passes.
func scan(msg []byte) (l layout, err error) {
	if len(msg) < headerLen {
		return l, errLayout
	}
	count := func(at int) int { return int(binary.BigEndian.Uint16(msg[at:])) }
	off := headerLen
	for range count(4) { // questions: name, type, class
		if _, off, err = dns.UnpackDomainName(msg, off); err != nil || off+4 > len(msg) {
			return l, errLayout
		}
		off += 4
	}
	const fixed = 10 // type, class, TTL, length of the data
	for range count(6) + count(8) + count(10) {
		l.tsig = off
		if _, off, err = dns.UnpackDomainName(msg, off); err != nil || off+fixed > len(msg) {
			return l, errLayout
		}
		l.last = binary.BigEndian.Uint16(msg[off:])
		if l.last == dns.TypeTSIG {
			l.signatures++
		}
		off += fixed + int(binary.BigEndian.Uint16(msg[off+8:]))
		if off > len(msg) {
			return l, errLayout
		}
	}
	if off != len(msg) {
		return l, errLayout
	}
	return l, nil
}

// parse reads a request. ok is false if there is none to answer, and msg is nil if all that can be said is
// FORMERR.
func parse(raw []byte) (msg *dns.Msg, l layout, ok bool) {
	const qr = 0x80
	if len(raw) < headerLen || raw[2]&qr != 0 {
		return nil, l, false
	}
	l, err := scan(raw)
	if err != nil {
		return nil, l, true
	}
	msg = new(dns.Msg)
	if err := msg.Unpack(raw); err != nil || len(msg.Question) > 1 || msg.Opcode == dns.OpcodeUpdate && !readable(msg) {
		return nil, l, true
	}
	return msg, l, true
}

// readable reports whether the records of an update have data just where RFC 2136 sections 3.2.4 and 3.4.1.2
// want some, "else signal FORMERR". To BIND another message can't be read at all, so that its FORMERR is not
// signed.
func readable(m *dns.Msg) bool {
	for i, rr := range append(m.Answer[:len(m.Answer):len(m.Answer)], m.Ns...) {
		h, prerequisite := rr.Header(), i < len(m.Answer)
		bare := h.Class == dns.ClassANY || h.Class == dns.ClassNONE && prerequisite
		if bare && h.Rdlength != 0 || !bare && lacksData(rr) {
			return false
		}
	}
	return true
}

// lacksData reports RDLENGTH 0 where the type's RDATA can't be empty.
func lacksData(rr dns.RR) bool {
	switch rr.(type) {
	case *dns.ANY, *dns.RFC3597, *dns.NULL, *dns.APL:
		return false
	}
	return rr.Header().Rdlength == 0
}

// formatError is the answer to what can't be read: a header, and the first question if that can be.
func formatError(raw []byte) []byte {
	const qr, opcodeAndRD = 0x80, 0x79
	reply := make([]byte, headerLen)
	copy(reply, raw[:2])
	reply[2] = qr | raw[2]&opcodeAndRD
	reply[3] = dns.RcodeFormatError
	if binary.BigEndian.Uint16(raw[4:]) > 0 {
		if name, off, err := dns.UnpackDomainName(raw, headerLen); err == nil && off+4 <= len(raw) {
			reply[5] = 1
			reply = append(appendName(reply, name), raw[off:off+4]...) // it may have pointed into the header
		}
	}
	return reply
}
