package gss

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg"
)

const (
	modeGSS   = 3     // RFC 2930 section 2.5: "GSS-API negotiation"
	maxRounds = 4     // Kerberos needs one, SPNEGO two at most
	maxToken  = 65000 // octets; the rest of the message takes less than the 535 that are left
	fudge     = 300   // seconds; RFC 8945 section 10
)

// negotiate sets a context up with a server over one TCP connection (RFC 3645 section 3.1).
func (p *Provider) negotiate(ctx context.Context, server string, t *ticket) (*key, error) {
	i, err := newInitiator(t, p.stamp())
	if err != nil {
		return nil, err
	}
	var n negotiator = &spnego{initiator: i}
	if p.cfg.Raw {
		n = rawKerberos{i}
	}
	token, err := n.first()
	if err != nil {
		return nil, err
	}
	ctx, cancel := withTimeout(ctx, p.cfg.Clock, p.cfg.Timeout)
	defer cancel()
	name := randomName()
	conn, err := p.cfg.Dial(ctx, "tcp", server)
	if err != nil {
		return nil, noReply(ctx, server, name, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })() // frees who reads or writes
	for range maxRounds {
		wire, reply, err := p.askTKEY(ctx, conn, server, name, token)
		if err != nil {
			return nil, err
		}
		granted, err := p.open(reply, name, n)
		if err != nil {
			return nil, err
		}
		var done bool
		if token, done, err = n.next(granted.token, p.cfg.Clock.Now()); err != nil {
			return nil, err
		}
		if done {
			if err := p.verifyFinal(wire, name, i.mic); err != nil {
				return nil, err
			}
			return &key{name: name, expires: p.renewal(t.end, granted.expires), mic: i.mic}, nil
		}
	}
	return nil, fmt.Errorf("the server does not come to an end in %d rounds", maxRounds)
}

// noReply is a server that can't be reached, or ends the connection: a Registrar goes on to another one then.
func noReply(ctx context.Context, server, name string, err error) error {
	return &dnsreg.NoReplyError{Server: server, Op: "query", Name: name, Err: because(ctx, err)}
}

// randomName returns a name that no other client has at the server (RFC 3645 section 3.1.2), and no attacker
// guesses.
func randomName() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:]) + "."
}

// askTKEY sends one TKEY query and returns the reply, also as it came.
func (p *Provider) askTKEY(ctx context.Context, conn net.Conn, server, name string, token []byte) ([]byte, *dns.Msg, error) {
	if len(token) > maxToken {
		return nil, nil, permanent("a token of %d octets does not fit into a DNS message: the ticket is too large", len(token))
	}
	q := tkeyQuery(name, token, p.cfg.Clock.Now())
	wire, err := q.Pack()
	if err != nil {
		return nil, nil, err
	}
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)); err != nil {
		return nil, nil, noReply(ctx, server, name, err)
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, nil, noReply(ctx, server, name, err)
	}
	wire = make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, wire); err != nil {
		return nil, nil, noReply(ctx, server, name, err)
	}
	reply := new(dns.Msg)
	if err := reply.Unpack(wire); err != nil {
		return nil, nil, fmt.Errorf("the reply: %w", err)
	}
	if reply.Id != q.Id || !reply.Response || reply.Opcode != dns.OpcodeQuery ||
		len(reply.Question) > 1 || len(reply.Question) == 1 && reply.Question[0] != q.Question[0] {
		return nil, nil, errors.New("the reply is to another query")
	}
	return wire, reply, nil
}

// tkeyQuery is the message of RFC 3645 section 3.1.2: the TKEY record in the additional section.
func tkeyQuery(name string, token []byte, now time.Time) *dns.Msg {
	var id [2]byte
	rand.Read(id[:])
	q := &dns.Msg{MsgHdr: dns.MsgHdr{Id: binary.BigEndian.Uint16(id[:])}}
	q.Question = []dns.Question{{Name: name, Qtype: dns.TypeTKEY, Qclass: dns.ClassANY}}
	q.Extra = []dns.RR{&dns.TKEY{
		Hdr:        dns.RR_Header{Name: name, Rrtype: dns.TypeTKEY, Class: dns.ClassANY},
		Algorithm:  algorithm,
		Inception:  uint32(now.Unix()),
		Expiration: uint32(now.Add(24 * time.Hour).Unix()),
		Mode:       modeGSS,
		KeySize:    uint16(len(token)),
		Key:        hex.EncodeToString(token),
	}}
	return q
}

// grant is what a TKEY record in a reply says.
type grant struct {
	token   []byte
	expires time.Time
}

// open returns what the reply's TKEY record says. A refusal may come with a token that says why.
func (p *Provider) open(reply *dns.Msg, name string, n negotiator) (grant, error) {
	var t *dns.TKEY
	for _, rr := range reply.Answer {
		if r, ok := rr.(*dns.TKEY); ok && dns.CanonicalName(r.Hdr.Name) == name && dns.CanonicalName(r.Algorithm) == algorithm {
			t = r
		}
	}
	code := reply.Rcode
	if t != nil && t.Error != 0 {
		code = int(t.Error)
	}
	var token []byte
	if t != nil {
		token, _ = hex.DecodeString(t.Key) // the codec made it
	}
	if code != dns.RcodeSuccess {
		err := error(&refusal{code})
		if len(token) > 0 {
			if _, done, why := n.next(token, p.cfg.Clock.Now()); !done && why != nil {
				err = fmt.Errorf("%w: %w", err, why)
			}
		}
		return grant{}, err
	}
	if t == nil || t.Mode != modeGSS {
		return grant{}, permanent("the server's reply has no TKEY record for the key: it knows no GSS-TSIG")
	}
	// RFC 2930 section 2.3: times are modulo 2^32 seconds.
	now := p.cfg.Clock.Now()
	life := int32(t.Expiration - uint32(now.Unix()))
	return grant{token, now.Add(time.Duration(life) * time.Second)}, nil
}

// verifyFinal checks the signature of the last reply: RFC 3645 section 2.2 has it signed with the new context. The
// query was not signed, so the digest has no MAC of a request, not even its length.
func (p *Provider) verifyFinal(wire []byte, name string, m *mic) error {
	check := &tsigCheck{name: name, mic: m}
	if err := dns.TsigVerifyWithProvider(wire, check, "", false); err != nil && (err != dns.ErrTime || check.tsig == nil) {
		return fmt.Errorf("the TSIG of the server's last reply: %w", err)
	}
	// The codec has compared the time with the host's; ours is another one perhaps.
	signed := time.Unix(int64(check.tsig.TimeSigned), 0)
	if by := signed.Sub(p.cfg.Clock.Now()); by.Abs() > fudge*time.Second {
		return &skewed{by}
	}
	return nil
}

// tsigCheck is a dns.TsigProvider for one reply.
type tsigCheck struct {
	name string
	mic  *mic
	tsig *dns.TSIG // the one that verified
}

func (c *tsigCheck) Generate([]byte, *dns.TSIG) ([]byte, error) { return nil, dns.ErrKeyAlg }

func (c *tsigCheck) Verify(msg []byte, t *dns.TSIG) error {
	if dns.CanonicalName(t.Hdr.Name) != c.name || dns.CanonicalName(t.Algorithm) != algorithm {
		return errors.New("it is another key's")
	}
	sum, err := hex.DecodeString(t.MAC)
	if err != nil {
		return err
	}
	if err := c.mic.Verify(msg, sum); err != nil {
		return err
	}
	c.tsig = t
	return nil
}

// slack is how long before its end a context is replaced.
const slack = 5 * time.Minute

// renewal returns when to replace a context: slack before the ticket ends or before the server forgets the key,
// if it says so, but not before half of the time.
func (p *Provider) renewal(ticket, server time.Time) time.Time {
	now, end := p.cfg.Clock.Now(), ticket
	if server.After(now) && server.Before(end) {
		end = server
	}
	return end.Add(-min(slack, end.Sub(now)/2))
}
