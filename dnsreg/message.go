package dnsreg

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// request is a packed, signed message and what is needed to recognise its reply.
type request struct {
	server, op, name string // for errors
	msg              *dns.Msg
	wire             []byte
	key              Key    // nil: unsigned
	mac              []byte // of the request
}

// reply is what came back and passed every check.
type reply struct {
	*dns.Msg
	tsig      *dns.TSIG // nil: not signed
	authentic bool      // false only for hints: see accept
}

// newRequest packs and signs msg.
func newRequest(server string, msg *dns.Msg, key Key, now time.Time) (*request, error) {
	r := &request{server: server, op: "query", name: msg.Question[0].Name, msg: msg, key: key}
	if msg.Opcode == dns.OpcodeUpdate {
		r.op = "update"
	}
	msg.Compress = true
	var err error
	if r.wire, err = msg.Pack(); err != nil {
		return nil, fmt.Errorf("dnsreg: %s of %s: %w", r.op, r.name, err)
	}
	if key != nil {
		if r.wire, r.mac, err = signTSIG(key, r.wire, now); err != nil {
			return nil, err
		}
	}
	if len(r.wire) > dns.MaxMsgSize {
		return nil, fmt.Errorf("dnsreg: %s of %s: a message of %d octets exceeds the %d of RFC 1035 section 4.2.2", r.op, r.name, len(r.wire), dns.MaxMsgSize)
	}
	return r, nil
}

// accept judges a message that came in answer to r. It returns the reply if it is one, and a nil reply
// for what is none: garbage, another exchange's, an echo. A reply that lacks only a valid signature is
// returned together with the reason: it proves nothing, yet it may be all that a server says to a bad key.
func (r *request) accept(wire []byte, now time.Time) (*reply, error) {
	const qr, opcode = 0x80, 0x78 // in the third octet of the header
	if len(wire) < headerLen || binary.BigEndian.Uint16(wire) != r.msg.Id ||
		wire[2]&qr == 0 || int(wire[2]&opcode)>>3 != r.msg.Opcode {
		return nil, nil
	}
	m := new(dns.Msg)
	if m.Unpack(wire) != nil || !r.answers(m) {
		return nil, nil
	}
	if r.key == nil {
		return &reply{Msg: m, authentic: true}, nil
	}
	t, err := verifyTSIG(r.key, wire, r.mac, now)
	return &reply{Msg: m, tsig: t, authentic: err == nil}, err
}

// answers compares the question, which an update calls its zone section. RFC 2136 section 3.8 lets the
// reply to an update go without it.
func (r *request) answers(m *dns.Msg) bool {
	if len(m.Question) == 0 {
		return r.msg.Opcode == dns.OpcodeUpdate
	}
	want, got := r.msg.Question[0], m.Question[0]
	return len(m.Question) == 1 && got.Qtype == want.Qtype && got.Qclass == want.Qclass &&
		strings.EqualFold(got.Name, want.Name)
}

// refusal returns the error that a reply's rcode is, nil for NOERROR.
func (r *request) refusal(got *reply) error {
	if got.Rcode == dns.RcodeSuccess {
		return nil
	}
	e := &ServerError{Server: r.server, Op: r.op, Name: r.name, Rcode: got.Rcode, Authentic: got.authentic}
	if got.tsig == nil {
		return e
	}
	e.TSIG = int(got.tsig.Error)
	if e.TSIG == dns.RcodeBadTime && e.Authentic {
		e.Skew = skew(got.tsig)
	}
	return e
}

// skew returns how far the server's clock is ahead: RFC 8945 section 5.2.3 puts the server's time into
// Other Data and the request's time into Time Signed.
func skew(t *dns.TSIG) time.Duration {
	var server uint64
	if _, err := fmt.Sscanf(t.OtherData, "%12x", &server); err != nil || t.OtherLen != 6 {
		return 0
	}
	const most = int64(math.MaxInt64 / time.Second) // 292 years; both fields have 48 bits
	return time.Duration(max(-most, min(most, int64(server)-int64(t.TimeSigned)))) * time.Second
}
