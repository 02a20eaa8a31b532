package gss

import (
	"context"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

const (
	password   = "correct horse battery staple"
	user       = "host/h1.example.test"
	serverName = "ns1.example.test"
	serverAddr = "192.0.2.53:53"
)

// world has KDCs and a name server in memory, joined by dial.
type world struct {
	t        testing.TB
	clock    func() time.Time
	acceptor *acceptor
	keys     *keytab.Keytab

	mu    sync.Mutex
	etype int32
	life  time.Duration
	fail  int32             // the KDCs answer with this error
	refer map[string]string // a realm's KDC refers services to another's
	dials map[string]int    // by address
	away  map[string]bool   // addresses that don't answer
	mute  map[string]bool   // KDCs that do as they are asked, and say nothing
	lax   bool              // wants no preauthentication
	bad   []byte            // the KDCs answer with this
	as    int               // AS exchanges that succeeded
	seen  map[string]bool   // authenticators
}

const worldConf = `[libdefaults]
 default_realm = EXAMPLE.TEST
[realms]
 EXAMPLE.TEST = {
  kdc = kdc1.example.test
  kdc = tcp/kdc2.example.test:88
 }
 OTHER.TEST = {
  kdc = [2001:db8::88]
 }
`

// worldKeys are everybody's, in both realms.
var worldKeys = sync.OnceValue(func() *keytab.Keytab {
	keys := keytab.New()
	for _, e := range strong {
		for _, p := range [][2]string{
			{"krbtgt/EXAMPLE.TEST", "EXAMPLE.TEST"}, {"krbtgt/OTHER.TEST", "EXAMPLE.TEST"}, {"krbtgt/EXAMPLE.TEST", "OTHER.TEST"},
			{"DNS/" + serverName, "EXAMPLE.TEST"}, {"DNS/" + serverName, "OTHER.TEST"}, {user, "EXAMPLE.TEST"},
		} {
			if err := keys.AddEntry(p[0], p[1], password, time.Unix(1, 0), 1, e); err != nil {
				panic(err)
			}
		}
	}
	return keys
})

func newWorld(t testing.TB) *world {
	w := &world{
		t: t, clock: time.Now, keys: worldKeys(), etype: etypeID.AES256_CTS_HMAC_SHA1_96, life: 10 * time.Hour,
		dials: map[string]int{}, away: map[string]bool{}, mute: map[string]bool{}, refer: map[string]string{}, seen: map[string]bool{},
	}
	w.acceptor = &acceptor{keytab: w.keys, clock: func() time.Time { return w.clock() }, seen: map[string]bool{}, life: time.Hour}
	return w
}

// config is that of a client with the right password.
func (w *world) config() Config {
	return Config{
		Principal: user, Password: func(context.Context) (string, error) { return password, nil }, Krb5Conf: worldConf, Dial: w.dial,
		Target: func(string) string { return serverName }, LookupSRV: lookupSRV,
	}
}

// lookupSRV knows EXAMPLE.TEST's KDCs, the better one second.
func lookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	if service != "kerberos" || proto != "tcp" || name != "EXAMPLE.TEST" {
		return "", nil, errors.New("no such host")
	}
	return "", []*net.SRV{{Target: "kdc1.example.test.", Port: 88, Priority: 20}, {Target: "kdc2.example.test.", Port: 88, Priority: 10}}, nil
}

func (w *world) provider(change func(*Config)) *Provider {
	w.t.Helper()
	cfg := w.config()
	if change != nil {
		change(&cfg)
	}
	p, err := New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

var errAway = errors.New("no route to host")

func (w *world) dial(_ context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dials[address]++
	if network != "tcp" || w.away[address] {
		return nil, errAway
	}
	near, far := net.Pipe()
	switch address {
	case serverAddr:
		go w.acceptor.serve(far)
	case "kdc1.example.test:88", "kdc2.example.test:88":
		go w.serve(far, "EXAMPLE.TEST", w.mute[address])
	case "[2001:db8::88]:88":
		go w.serve(far, "OTHER.TEST", w.mute[address])
	default:
		w.t.Errorf("dials %s", address)
		return nil, errAway
	}
	return near, nil
}

// serve answers one request as the KDC of a realm.
func (w *world) serve(conn net.Conn, realm string, mute bool) {
	defer conn.Close()
	var length [4]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return
	}
	request := make([]byte, binary.BigEndian.Uint32(length[:]))
	if _, err := io.ReadFull(conn, request); err != nil {
		return
	}
	w.mu.Lock()
	reply := w.bad
	if reply == nil {
		var err error
		if reply, err = w.answer(request, realm); err != nil {
			k, ok := errors.AsType[messages.KRBError](err)
			if !ok {
				w.t.Errorf("the KDC of %s: %v", realm, err)
			}
			k.STime = w.clock().UTC()
			reply, _ = k.Marshal()
		}
	}
	w.mu.Unlock()
	if mute {
		return
	}
	conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(reply))), reply...))
}

func refuse(code int32) error {
	return messages.NewKRBError(types.PrincipalName{NameString: []string{"krbtgt"}}, "EXAMPLE.TEST", code, "")
}

func (w *world) answer(request []byte, realm string) ([]byte, error) {
	if w.fail != 0 {
		return nil, refuse(w.fail)
	}
	var as messages.ASReq
	if as.Unmarshal(request) == nil {
		return w.answerAS(&as, realm)
	}
	var tgs messages.TGSReq
	if err := tgs.Unmarshal(request); err != nil {
		return nil, err
	}
	return w.answerTGS(&tgs, realm)
}

func (w *world) answerAS(req *messages.ASReq, realm string) ([]byte, error) {
	body := &req.ReqBody
	key, _, err := w.keys.GetEncryptionKey(body.CName, realm, 0, w.etype)
	if err != nil {
		return nil, refuse(errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN)
	}
	if err := w.preauthenticated(req, realm, key); err != nil && !w.lax {
		return nil, err
	}
	rep := messages.ASRep{}
	if err := w.issue(&rep.KDCRepFields, body, body.CName, realm, realm, key, keyusage.AS_REP_ENCPART); err != nil {
		return nil, err
	}
	rep.MsgType = msgtype.KRB_AS_REP
	w.as++
	return rep.Marshal()
}

// preauthenticated checks the encrypted timestamp, which counts once.
func (w *world) preauthenticated(req *messages.ASReq, realm string, key types.EncryptionKey) error {
	if len(req.PAData) == 0 {
		k := refuse(errorcode.KDC_ERR_PREAUTH_REQUIRED).(messages.KRBError)
		k.EData = w.methodData(req.ReqBody.CName.GetSalt(realm))
		return k
	}
	var sealed types.EncryptedData
	var stamp types.PAEncTSEnc
	if err := sealed.Unmarshal(req.PAData[0].PADataValue); err != nil {
		return err
	}
	plain, err := crypto.DecryptEncPart(sealed, key, keyusage.AS_REQ_PA_ENC_TIMESTAMP)
	if err != nil {
		return refuse(errorcode.KDC_ERR_PREAUTH_FAILED)
	}
	if err := stamp.Unmarshal(plain); err != nil {
		return err
	}
	if w.clock().Sub(stamp.PATimestamp).Abs() > 5*time.Minute {
		return refuse(errorcode.KRB_AP_ERR_SKEW)
	}
	return w.once(stamp.PATimestamp, stamp.PAUSec)
}

// once refuses the time of an authenticator that was there before, at whichever KDC.
func (w *world) once(at time.Time, microseconds int) error {
	stamp := fmt.Sprint(at, microseconds)
	if w.seen[stamp] {
		return refuse(errorcode.KRB_AP_ERR_REPEAT)
	}
	w.seen[stamp] = true
	return nil
}

// methodData offers RC4 first, and then what it has.
func (w *world) methodData(salt string) []byte {
	type entry struct {
		EType int32         `asn1:"explicit,tag:0"`
		Salt  asn1.RawValue `asn1:"explicit,tag:1"`
	}
	const generalString = 27
	s := asn1.RawValue{Tag: generalString, Bytes: []byte(salt)}
	info := marshal(w.t, []entry{{etypeID.RC4_HMAC, s}, {w.etype, s}})
	return marshal(w.t, types.PADataSequence{{PADataType: patype.PA_ENC_TIMESTAMP}, {PADataType: patype.PA_ETYPE_INFO2, PADataValue: info}})
}

func (w *world) answerTGS(req *messages.TGSReq, realm string) ([]byte, error) {
	body := &req.ReqBody
	var ap messages.APReq
	if err := ap.Unmarshal(req.PAData[0].PADataValue); err != nil {
		return nil, err
	}
	if err := ap.Ticket.DecryptEncPart(w.keys, nil); err != nil {
		return nil, err
	}
	part := ap.Ticket.DecryptedEncPart
	if err := ap.DecryptAuthenticator(part.Key); err != nil {
		return nil, err
	}
	et, err := crypto.GetEtype(part.Key.KeyType)
	if err != nil {
		return nil, err
	}
	raw, err := body.Marshal()
	if err != nil {
		return nil, err
	}
	switch {
	case !et.VerifyChecksum(part.Key.KeyValue, raw, ap.Authenticator.Cksum.Checksum, keyusage.TGS_REQ_PA_TGS_REQ_AP_REQ_AUTHENTICATOR_CHKSUM):
		return nil, refuse(errorcode.KRB_AP_ERR_MODIFIED)
	case w.clock().Sub(ap.Authenticator.CTime).Abs() > 5*time.Minute:
		return nil, refuse(errorcode.KRB_AP_ERR_SKEW)
	}
	if err := w.once(ap.Authenticator.CTime, ap.Authenticator.Cusec); err != nil {
		return nil, err
	}
	if to := w.refer[realm]; to != "" && body.SName.NameString[0] == "DNS" {
		body.SName = granting(to)
	}
	rep := messages.TGSRep{}
	if err := w.issue(&rep.KDCRepFields, body, part.CName, part.CRealm, realm, part.Key, keyusage.TGS_REP_ENCPART_SESSION_KEY); err != nil {
		return nil, err
	}
	rep.MsgType = msgtype.KRB_TGS_REP
	return rep.Marshal()
}

// issue makes a ticket and the reply's encrypted part.
func (w *world) issue(rep *messages.KDCRepFields, body *messages.KDCReqBody, cname types.PrincipalName, crealm, realm string, key types.EncryptionKey, usage uint32) error {
	now := w.clock().UTC().Truncate(time.Second)
	end := now.Add(w.life)
	t, session, err := messages.NewTicket(cname, crealm, body.SName, realm, types.NewKrbFlags(), w.keys, w.etype, 1, now, now, end, end)
	if err != nil {
		return refuse(errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN)
	}
	part := messages.EncKDCRepPart{
		Key: session, LastReqs: []messages.LastReq{{LRValue: now}}, Nonce: body.Nonce, Flags: types.NewKrbFlags(),
		AuthTime: now, EndTime: end, SRealm: realm, SName: body.SName,
	}
	plain, err := part.Marshal()
	if err != nil {
		return err
	}
	*rep = messages.KDCRepFields{PVNO: iana.PVNO, CRealm: crealm, CName: cname, Ticket: t}
	rep.EncPart, err = crypto.GetEncryptedData(plain, key, usage, 1)
	return err
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	b, err := asn1.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// asRequest wraps a body.
func asRequest(body messages.KDCReqBody) *messages.ASReq {
	return &messages.ASReq{KDCReqFields: messages.KDCReqFields{ReqBody: body}}
}
