package dnsregtest

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"

	"github.com/miekg/dns"
)

// signature is what a request's TSIG record says and how the reply has to answer it.
type signature struct {
	request *dns.TSIG // nil: the request is unsigned, and so is the reply
	rcode   int       // rcode of the reply that the signature alone decides
	err     uint16    // TSIG error field of the reply
}

func encodeKeys(keys map[string][]byte) map[string]string {
	encoded := make(map[string]string, len(keys))
	for name, secret := range keys {
		encoded[dns.CanonicalName(name)] = base64.StdEncoding.EncodeToString(secret)
	}
	return encoded
}

// verify checks the request's TSIG in the order of RFC 8945 section 5.2: key, MAC, time.
func (s *Server) verify(req *dns.Msg, raw []byte) signature {
	signatures := 0
	for _, rr := range req.Extra {
		if rr.Header().Rrtype == dns.TypeTSIG {
			signatures++
		}
	}
	t := req.IsTsig()
	switch {
	case signatures == 0:
		return signature{}
	case signatures > 1 || t == nil:
		return signature{rcode: dns.RcodeFormatError} // not the last record, or not the only one
	}
	secret, ok := s.keys[dns.CanonicalName(t.Hdr.Name)]
	if !ok {
		return signature{t, dns.RcodeNotAuth, dns.RcodeBadKey}
	}
	// The codec compares times with the host's clock, after the MAC: ErrTime means that the MAC is good.
	err := dns.TsigVerify(append([]byte(nil), raw...), secret, "", false)
	if err != nil && !errors.Is(err, dns.ErrTime) {
		return signature{t, dns.RcodeNotAuth, dns.RcodeBadSig}
	}
	now := s.cfg.Now().Unix()
	if skew := now - int64(t.TimeSigned); skew > int64(t.Fudge) || -skew > int64(t.Fudge) {
		return signature{t, dns.RcodeNotAuth, dns.RcodeBadTime}
	}
	return signature{request: t}
}

// sign packs the reply, with the TSIG record that RFC 8945 section 5.3 asks for.
func (s *Server) sign(reply *dns.Msg, sig signature) []byte {
	if sig.request == nil {
		packed, err := reply.Pack()
		if err != nil {
			return nil
		}
		return packed
	}
	t := &dns.TSIG{
		Hdr:        dns.RR_Header{Name: sig.request.Hdr.Name, Rrtype: dns.TypeTSIG, Class: dns.ClassANY},
		Algorithm:  sig.request.Algorithm,
		TimeSigned: uint64(s.cfg.Now().Unix()),
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
	signed := *reply
	signed.Extra = append(append([]dns.RR(nil), reply.Extra...), t)
	packed, _, err := dns.TsigGenerate(&signed, s.keys[dns.CanonicalName(t.Hdr.Name)], sig.request.MAC, false)
	if err != nil {
		return nil
	}
	return packed
}
