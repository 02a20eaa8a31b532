package dnsreg

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// fudge is the difference of clocks that is tolerated, in seconds: what RFC 8945 section 10 recommends.
const fudge = 300

// brief is a key whose signatures count for a shorter time than fudge.
type brief struct {
	Key
	seconds uint16
}

// once reports whether what is signed with the key may be sent only once.
func once(key Key) bool {
	if b, ok := key.(brief); ok {
		key = b.Key
	}
	k, ok := key.(OnceKey)
	return ok && k.Once()
}

const headerLen = 12

var (
	errUnsigned   = errors.New("the reply is not signed")
	errOtherKey   = errors.New("the reply is signed with another key")
	errMisplaced  = errors.New("the TSIG record is not the last one of the message")
	errBadMessage = errors.New("the message is malformed")
)

// signTSIG appends a TSIG record to a packed request and returns the signed message and its MAC.
func signTSIG(key Key, msg []byte, now time.Time) (signed, mac []byte, err error) {
	validity := uint16(fudge)
	if b, ok := key.(brief); ok {
		validity = b.seconds
	}
	t := &dns.TSIG{
		Hdr:        dns.RR_Header{Name: key.Name(), Rrtype: dns.TypeTSIG, Class: dns.ClassANY},
		Algorithm:  key.Algorithm(),
		TimeSigned: uint64(now.Unix()),
		Fudge:      validity,
		OrigId:     binary.BigEndian.Uint16(msg),
	}
	data, err := tsigVariables(append([]byte(nil), msg...), t)
	if err != nil {
		return nil, nil, err
	}
	if mac, err = key.Sign(data); err != nil {
		return nil, nil, fmt.Errorf("dnsreg: sign with key %s: %w", key.Name(), err)
	}
	t.MACSize, t.MAC = uint16(len(mac)), hex.EncodeToString(mac)
	rr := make([]byte, dns.Len(t))
	n, err := dns.PackRR(t, rr, 0, nil, false)
	if err != nil {
		return nil, nil, fmt.Errorf("dnsreg: sign with key %s: %w", key.Name(), err)
	}
	signed = append(append([]byte(nil), msg...), rr[:n]...)
	binary.BigEndian.PutUint16(signed[10:], binary.BigEndian.Uint16(signed[10:])+1)
	return signed, mac, nil
}

// verifyTSIG checks a reply's signature against the MAC of the request: RFC 8945 section 5.3 has the digest
// cover the request's MAC, the reply, and the variables of its TSIG record. The TSIG record is
// returned also with errors, when there is one. A BADTIME reply carries the request's time (section
// 5.2.3), so it passes if it is authentic.
func verifyTSIG(key Key, reply, requestMAC []byte, now time.Time) (*dns.TSIG, error) {
	t, start, err := findTSIG(reply)
	if err != nil {
		return nil, err
	}
	if dns.CanonicalName(t.Hdr.Name) != dns.CanonicalName(key.Name()) || dns.CanonicalName(t.Algorithm) != dns.CanonicalName(key.Algorithm()) {
		return t, errOtherKey
	}
	mac, err := hex.DecodeString(t.MAC)
	if err != nil || len(mac) == 0 {
		return t, errUnsigned // BADKEY and BADSIG come with an empty MAC (section 5.3.2)
	}
	data := binary.BigEndian.AppendUint16(nil, uint16(len(requestMAC)))
	data = append(data, requestMAC...)
	message := len(data)
	data = append(data, reply[:start]...)
	binary.BigEndian.PutUint16(data[message:], t.OrigId)
	arcount := binary.BigEndian.Uint16(reply[10:])
	binary.BigEndian.PutUint16(data[message+10:], arcount-1)
	if data, err = tsigVariables(data, t); err != nil {
		return t, err
	}
	if err := key.Verify(data, mac); err != nil {
		return t, err
	}
	skew := time.Unix(int64(t.TimeSigned), 0).Sub(now)
	if skew.Abs() > time.Duration(t.Fudge)*time.Second {
		return t, &ClockError{Skew: skew}
	}
	return t, nil
}

// tsigVariables appends what RFC 8945 section 4.3.3 adds to the message for the digest.
func tsigVariables(data []byte, t *dns.TSIG) ([]byte, error) {
	names := make([]byte, 0, 64)
	for i, name := range []string{t.Hdr.Name, t.Algorithm} {
		var wire [256]byte
		n, err := dns.PackDomainName(dns.CanonicalName(name), wire[:], 0, nil, false)
		if err != nil {
			return nil, fmt.Errorf("dnsreg: TSIG name %q: %w", name, err)
		}
		names = append(names, wire[:n]...)
		if i == 0 { // the key's name is followed by class and TTL, then the algorithm
			names = binary.BigEndian.AppendUint16(names, dns.ClassANY)
			names = binary.BigEndian.AppendUint32(names, 0)
		}
	}
	other, err := hex.DecodeString(t.OtherData)
	if err != nil || len(other) != int(t.OtherLen) {
		return nil, errBadMessage
	}
	data = append(data, names...)
	data = append(data, binary.BigEndian.AppendUint64(nil, t.TimeSigned)[2:]...) // 48 bits
	data = binary.BigEndian.AppendUint16(data, t.Fudge)
	data = binary.BigEndian.AppendUint16(data, t.Error)
	data = binary.BigEndian.AppendUint16(data, uint16(len(other)))
	return append(data, other...), nil
}

// findTSIG returns the TSIG record at the end of a message, and where it starts.
// RFC 8945 section 5.2 allows one only, as the last record of the additional section.
func findTSIG(msg []byte) (t *dns.TSIG, start int, err error) {
	if len(msg) < headerLen {
		return nil, 0, errBadMessage
	}
	count := func(at int) int { return int(binary.BigEndian.Uint16(msg[at:])) }
	off := headerLen
	for range count(4) { // questions: name, type, class
		if _, off, err = dns.UnpackDomainName(msg, off); err != nil || off+4 > len(msg) {
			return nil, 0, errBadMessage
		}
		off += 4
	}
	for range count(6) + count(8) + count(10) {
		start = off
		var rtype uint16
		if rtype, off, err = skipRecord(msg, off); err != nil {
			return nil, 0, err
		}
		if rtype != dns.TypeTSIG {
			continue
		}
		if off != len(msg) || count(10) == 0 {
			return nil, 0, errMisplaced
		}
		rr, _, err := dns.UnpackRR(msg, start)
		t, ok := rr.(*dns.TSIG)
		// RFC 8945 section 4.2: class "MUST be ANY", TTL "MUST be 0". The digest has these values, so
		// others would go unnoticed.
		if err != nil || !ok || t.Hdr.Class != dns.ClassANY || t.Hdr.Ttl != 0 {
			return nil, 0, errBadMessage
		}
		return t, start, nil
	}
	return nil, 0, errUnsigned
}

// skipRecord returns a record's type and the offset behind it.
func skipRecord(msg []byte, off int) (rtype uint16, next int, err error) {
	const fixed = 10 // type, class, TTL, length of the data
	if _, off, err = dns.UnpackDomainName(msg, off); err != nil || off+fixed > len(msg) {
		return 0, 0, errBadMessage
	}
	rtype = binary.BigEndian.Uint16(msg[off:])
	next = off + fixed + int(binary.BigEndian.Uint16(msg[off+8:]))
	if next > len(msg) {
		return 0, 0, errBadMessage
	}
	return rtype, next, nil
}
