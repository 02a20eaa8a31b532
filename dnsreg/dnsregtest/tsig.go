package dnsregtest

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// algorithms are those of RFC 8945 section 6 that are keyed hashes, MD5 aside.
var algorithms = map[string]func() hash.Hash{
	dns.HmacSHA1:   sha1.New,
	dns.HmacSHA224: sha256.New224,
	dns.HmacSHA256: sha256.New,
	dns.HmacSHA384: sha512.New384,
	dns.HmacSHA512: sha512.New,
}

// key is a TSIG key that the server knows.
type key struct {
	secret    []byte
	algorithm string // canonical; empty: any
}

func newKeys(secrets map[string][]byte, tied map[string]string) (map[string]key, error) {
	keys := make(map[string]key, len(secrets))
	for name, secret := range secrets {
		if _, ok := dns.IsDomainName(name); !ok {
			return nil, fmt.Errorf("dnsregtest: key name %q is no domain name", name)
		}
		keys[dns.CanonicalName(name)] = key{secret: secret}
	}
	for name, algorithm := range tied {
		canonical, algorithm := dns.CanonicalName(name), dns.CanonicalName(algorithm)
		k, ok := keys[canonical]
		if !ok || algorithms[algorithm] == nil {
			return nil, fmt.Errorf("dnsregtest: key %q tied to %q: no such key, or no such algorithm", name, algorithm)
		}
		k.algorithm = algorithm
		keys[canonical] = k
	}
	return keys, nil
}

// signature is what a request's TSIG record says and how the reply has to answer it.
type signature struct {
	request *dns.TSIG // nil: the request is unsigned, and so is the reply
	rcode   int       // rcode of the reply that the signature alone decides
	err     uint16    // TSIG error field of the reply
	key     key
	mac     []byte    // of the request, then of the message signed last
	now     time.Time // by the server's clock
	later   bool      // the reply goes on: not its first message
}

// verify checks the request's TSIG in the order of RFC 8945 section 5.2: key, MAC, time, truncation.
func (s *Server) verify(req *dns.Msg, raw []byte, l layout, now time.Time) signature {
	if l.signatures == 0 {
		return signature{}
	}
	// RFC 8945 section 5.1: "If multiple TSIG records are detected or a TSIG record is present in any
	// other position, the DNS message is dropped and a response with RCODE 1 (FORMERR) MUST be returned."
	// Section 4.2: CLASS "MUST be ANY".
	t := req.IsTsig()
	if l.signatures > 1 || l.last != dns.TypeTSIG || t == nil || t.Hdr.Class != dns.ClassANY {
		return signature{rcode: dns.RcodeFormatError}
	}
	sig := signature{request: t, now: now}
	fail := func(rcode int, err uint16) signature {
		sig.rcode, sig.err = rcode, err
		return sig
	}
	algorithm := dns.CanonicalName(t.Algorithm)
	k, ok := s.keys[dns.CanonicalName(t.Hdr.Name)]
	newHash := algorithms[algorithm]
	if !ok || newHash == nil || k.algorithm != "" && k.algorithm != algorithm {
		return fail(dns.RcodeNotAuth, dns.RcodeBadKey)
	}
	sig.key = k
	mac, err := hex.DecodeString(t.MAC)
	size := newHash().Size()
	// RFC 8945 section 5.2.2.1: a MAC longer than the hash, or shorter than 10 octets or half of the
	// hash, is a FORMERR.
	if err != nil || len(mac) > size || len(mac) > 0 && len(mac) < max(10, size/2) {
		return fail(dns.RcodeFormatError, dns.RcodeBadSig)
	}
	sig.mac = mac
	unsigned := slices.Clone(raw[:l.tsig])
	binary.BigEndian.PutUint16(unsigned[10:], binary.BigEndian.Uint16(raw[10:])-1) // ARCOUNT
	want, err := k.mac(t, nil, unsigned, false)
	if err != nil || len(mac) == 0 || t.Hdr.Ttl != 0 || !hmac.Equal(mac, want[:len(mac)]) {
		return fail(dns.RcodeNotAuth, dns.RcodeBadSig)
	}
	if skew := now.Unix() - int64(t.TimeSigned); skew > int64(t.Fudge) || -skew > int64(t.Fudge) {
		return fail(dns.RcodeNotAuth, dns.RcodeBadTime)
	}
	if len(mac) < size { // section 5.2.4: what is shorter than the local policy allows
		return fail(dns.RcodeNotAuth, dns.RcodeBadTrunc)
	}
	return sig
}

// mac is that of a packed message without its TSIG record, with the variables of t (RFC 8945 sections
// 4.3 and 5.3.1). timers leaves all of these out but the time (section 5.3.1, multiple messages).
func (k key) mac(t *dns.TSIG, before, msg []byte, timers bool) ([]byte, error) {
	newHash := algorithms[dns.CanonicalName(t.Algorithm)]
	if newHash == nil {
		return nil, dns.ErrKeyAlg
	}
	other, err := hex.DecodeString(t.OtherData)
	if err != nil {
		return nil, err
	}
	var data []byte
	if before != nil {
		data = binary.BigEndian.AppendUint16(data, uint16(len(before)))
		data = append(data, before...)
	}
	start := len(data)
	data = append(data, msg...)
	binary.BigEndian.PutUint16(data[start:], t.OrigId)
	if !timers {
		data = appendName(data, dns.CanonicalName(t.Hdr.Name))
		data = binary.BigEndian.AppendUint16(data, dns.ClassANY)
		data = binary.BigEndian.AppendUint32(data, 0)
		data = appendName(data, dns.CanonicalName(t.Algorithm))
	}
	data = append(data, binary.BigEndian.AppendUint64(nil, t.TimeSigned)[2:]...) // 48 bits
	data = binary.BigEndian.AppendUint16(data, t.Fudge)
	if !timers {
		data = binary.BigEndian.AppendUint16(data, t.Error)
		data = binary.BigEndian.AppendUint16(data, uint16(len(other)))
		data = append(data, other...)
	}
	h := hmac.New(newHash, k.secret)
	h.Write(data)
	return h.Sum(nil), nil
}

// appendName appends a name that came in a message, uncompressed.
func appendName(data []byte, name string) []byte {
	var wire [256]byte
	n, err := dns.PackDomainName(name, wire[:], 0, nil, false)
	if err != nil {
		n = 0 // the codec read it, so it can write it
	}
	return append(data, wire[:n]...)
}

// sign packs the reply, with the TSIG record that RFC 8945 section 5.3 asks for. It keeps the MAC for the
// next message of a reply that has several.
func (sig *signature) sign(reply *dns.Msg) []byte {
	packed, err := reply.Pack()
	if err != nil || sig.request == nil {
		return packed
	}
	t := &dns.TSIG{
		Hdr:        dns.RR_Header{Name: dns.CanonicalName(sig.request.Hdr.Name), Rrtype: dns.TypeTSIG, Class: dns.ClassANY},
		Algorithm:  dns.CanonicalName(sig.request.Algorithm),
		TimeSigned: uint64(sig.now.Unix()),
		Fudge:      sig.request.Fudge,
		OrigId:     reply.Id,
		Error:      sig.err,
	}
	if sig.err == dns.RcodeBadTime {
		// RFC 8945 section 5.2.3: "the Time Signed field is set to the value from the query and the
		// Other Data field is set to the server's current time".
		now := binary.BigEndian.AppendUint64(nil, t.TimeSigned)[2:]
		t.TimeSigned = sig.request.TimeSigned
		t.OtherLen, t.OtherData = uint16(len(now)), hex.EncodeToString(now)
	}
	// Section 5.3.2: with BADKEY and BADSIG "the MAC Size is set to 0 and the MAC is empty".
	if sig.err != dns.RcodeBadKey && sig.err != dns.RcodeBadSig {
		mac, err := sig.key.mac(t, sig.mac, packed, sig.later)
		if err != nil {
			return nil
		}
		sig.mac, sig.later = mac, true
		t.MACSize, t.MAC = uint16(len(mac)), hex.EncodeToString(mac)
	}
	rr := make([]byte, dns.Len(t))
	n, err := dns.PackRR(t, rr, 0, nil, false)
	if err != nil {
		return nil
	}
	binary.BigEndian.PutUint16(packed[10:], binary.BigEndian.Uint16(packed[10:])+1)
	return append(packed, rr[:n]...)
}
