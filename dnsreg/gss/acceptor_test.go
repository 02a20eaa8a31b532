package gss

import (
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana"
	"github.com/jcmturner/gokrb5/v8/iana/asnAppTag"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/miekg/dns"
)

// openAPReq reads a first token as the owner of a keytab can.
func openAPReq(token []byte, wrapped bool, kt *keytab.Keytab) (*messages.APReq, error) {
	if wrapped {
		var choice asn1.RawValue
		var init negTokenInit
		mech, inner, err := unseal(token)
		if err != nil || !mech.Equal(oidSPNEGO) {
			return nil, fmt.Errorf("%v, %v", mech, err)
		}
		if _, err := asn1.Unmarshal(inner, &choice); err != nil {
			return nil, err
		}
		// MIT's offers more mechanisms, and a field of hints that gokrb5 and we leave out.
		if _, err := asn1.Unmarshal(choice.Bytes, &init); err != nil {
			return nil, err
		}
		token = init.MechToken
	}
	id, body, err := unframe(token)
	if err != nil || id != tokAPReq {
		return nil, fmt.Errorf("token %#04x, %v", id, err)
	}
	ap := new(messages.APReq)
	if err := ap.Unmarshal(body); err != nil {
		return nil, err
	}
	if err := ap.Ticket.DecryptEncPart(kt, nil); err != nil {
		return nil, err
	}
	return ap, ap.DecryptAuthenticator(ap.Ticket.DecryptedEncPart.Key)
}

// acceptor is a name server that negotiates, written apart from the initiator: the service's side of gokrb5.
type acceptor struct {
	keytab *keytab.Keytab
	clock  func() time.Time

	mu   sync.Mutex
	seen map[string]bool  // authenticators
	keys int              // contexts made
	ctx  *acceptorContext // the last one

	// What it does otherwise than it should.
	noSubkey  bool            // leaves the key to the initiator
	mics      bool            // asks for mechListMICs
	endless   bool            // and never has enough
	unsigned  bool            // leaves the last reply unsigned
	stranger  bool            // signs it with another key
	wrongTime bool            // answers another AP-REQ
	code      uint16          // refuses with this TKEY error
	rcode     int             // or this rcode
	krb       int32           // and this Kerberos error in a token
	life      time.Duration   // of keys
	silent    <-chan struct{} // says nothing until it is closed
	weak      bool            // chooses an RC4 key
}

type acceptorContext struct {
	subkey types.EncryptionKey
	flags  byte
	seq    uint64
}

// serve answers TKEY queries on one connection.
func (a *acceptor) serve(conn net.Conn) {
	defer conn.Close()
	c := &dns.Conn{Conn: conn}
	for {
		q, err := c.ReadMsg()
		if err != nil {
			return
		}
		if a.silent != nil {
			<-a.silent
		}
		wire, err := a.answer(q)
		if err != nil {
			return
		}
		if _, err := c.Write(wire); err != nil {
			return
		}
	}
}

func (a *acceptor) answer(q *dns.Msg) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	m := new(dns.Msg)
	m.SetReply(q)
	m.Rcode = a.rcode
	asked, ok := q.Extra[0].(*dns.TKEY)
	if !ok || q.Question[0].Qtype != dns.TypeTKEY || asked.Mode != 3 || asked.Hdr.Name != q.Question[0].Name {
		m.Rcode = dns.RcodeFormatError
		return m.Pack()
	}
	now := a.clock()
	reply := *asked
	reply.Error, reply.Key, reply.KeySize = a.code, "", 0
	reply.Inception, reply.Expiration = uint32(now.Unix()), uint32(now.Add(a.life).Unix())
	m.Answer = []dns.RR{&reply}
	token, done, err := a.accept(asked.Key)
	if err != nil {
		reply.Error = dns.RcodeBadKey
	}
	if a.code != 0 || a.rcode != 0 {
		token, done = nil, false
	}
	if a.krb != 0 {
		refused := messages.NewKRBError(types.PrincipalName{NameString: []string{"DNS", "ns1.example.test"}}, "EXAMPLE.TEST", a.krb, "no\n")
		refused.STime = now
		b, _ := refused.Marshal()
		inner, _ := frame(tokError, b)
		token, _ = marshalNegTokenResp(negTokenResp{NegState: reject, ResponseToken: inner})
	}
	reply.Key, reply.KeySize = hex.EncodeToString(token), uint16(len(token))
	if !done || a.unsigned {
		return m.Pack()
	}
	name := asked.Hdr.Name
	if a.stranger {
		name = "stranger."
	}
	m.SetTsig(name, algorithm, 300, now.Unix())
	wire, _, err := dns.TsigGenerateWithProvider(m, a.ctx, "", false)
	return wire, err
}

// accept takes a token and returns the next.
func (a *acceptor) accept(key string) (token []byte, done bool, err error) {
	b, err := hex.DecodeString(key)
	if err != nil {
		return nil, false, err
	}
	wrapped := len(b) > 0 && b[0] == 0xa1 || a.isSPNEGO(b)
	if b[0] == 0xa1 { // the initiator's mechListMIC
		resp, err := parseNegTokenResp(b)
		if err != nil || a.ctx == nil || a.ctx.verify(resp.MechListMIC) != nil {
			return nil, false, errors.New("mechListMIC")
		}
		if a.endless {
			token, err = marshalNegTokenResp(negTokenResp{NegState: requestMIC})
			return token, false, err
		}
		token, err = marshalNegTokenResp(negTokenResp{NegState: acceptCompleted, MechListMIC: a.ctx.token(mechList())})
		return token, true, err
	}
	ap, err := openAPReq(b, wrapped, a.keytab)
	if err != nil {
		return nil, false, err
	}
	if stamp := fmt.Sprint(ap.Authenticator.CTime, ap.Authenticator.Cusec); a.seen[stamp] {
		return nil, false, errors.New("replay")
	} else {
		a.seen[stamp] = true
	}
	inner, err := a.apRep(ap)
	if err != nil || !wrapped {
		return inner, err == nil, err
	}
	resp := negTokenResp{NegState: acceptCompleted, SupportedMech: oidKerberos, ResponseToken: inner}
	if a.mics {
		resp.NegState = requestMIC
	}
	token, err = marshalNegTokenResp(resp)
	return token, !a.mics, err
}

func (a *acceptor) isSPNEGO(token []byte) bool {
	mech, _, err := unseal(token)
	return err == nil && mech.Equal(oidSPNEGO)
}

// apRep sets the context up.
func (a *acceptor) apRep(ap *messages.APReq) ([]byte, error) {
	session := ap.Ticket.DecryptedEncPart.Key
	part := messages.EncAPRepPart{CTime: ap.Authenticator.CTime, Cusec: ap.Authenticator.Cusec, SequenceNumber: 1 << 31}
	a.ctx = &acceptorContext{ap.Authenticator.SubKey, sentByAcceptor, 1 << 31}
	if !a.noSubkey {
		part.Subkey = randomKey(session)
		a.ctx.subkey, a.ctx.flags = part.Subkey, sentByAcceptor|acceptorSubkey
	}
	if a.weak {
		part.Subkey = types.EncryptionKey{KeyType: 23, KeyValue: make([]byte, 16)}
	}
	if a.wrongTime {
		part.Cusec++
	}
	a.keys++
	plain, err := asn1.Marshal(part)
	if err != nil {
		return nil, err
	}
	sealed, err := crypto.GetEncryptedData(asn1tools.AddASNAppTag(plain, asnAppTag.EncAPRepPart), session, keyusage.AP_REP_ENCPART, 0)
	if err != nil {
		return nil, err
	}
	rep, err := asn1.Marshal(messages.APRep{PVNO: iana.PVNO, MsgType: msgtype.KRB_AP_REP, EncPart: sealed})
	if err != nil {
		return nil, err
	}
	return frame(tokAPRep, asn1tools.AddASNAppTag(rep, asnAppTag.APREP))
}

// token signs as the acceptor, by gokrb5's code for MIC tokens.
func (c *acceptorContext) token(data []byte) []byte {
	t := gssapi.MICToken{Flags: c.flags, SndSeqNum: c.seq, Payload: data}
	c.seq++
	if err := t.SetChecksum(c.subkey, keyusage.GSSAPI_ACCEPTOR_SIGN); err != nil {
		panic(err)
	}
	b, err := t.Marshal()
	if err != nil {
		panic(err)
	}
	return b
}

// verify checks the initiator's mechListMIC.
func (c *acceptorContext) verify(mic []byte) error { return c.check(mechList(), mic) }

func (c *acceptorContext) check(data, mic []byte) error {
	t := gssapi.MICToken{Payload: data}
	if err := t.Unmarshal(mic, false); err != nil {
		return err
	}
	if t.Flags != c.flags&^sentByAcceptor {
		return errMICFlags
	}
	_, err := t.Verify(c.subkey, keyusage.GSSAPI_INITIATOR_SIGN)
	return err
}

// mechList is what the mechListMICs sign.
func mechList() []byte {
	b, err := asn1.Marshal([]asn1.ObjectIdentifier{oidKerberos})
	if err != nil {
		panic(err)
	}
	return b
}

func (c *acceptorContext) Generate(msg []byte, _ *dns.TSIG) ([]byte, error) { return c.token(msg), nil }

func (c *acceptorContext) Verify(msg []byte, t *dns.TSIG) error {
	mac, err := hex.DecodeString(t.MAC)
	if err != nil {
		return err
	}
	return c.check(msg, mac)
}
