package gss

import (
	"context"
	"crypto/rand"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// login gets a ticket-granting ticket: the AS exchange of RFC 4120 section 3.1, with an encrypted timestamp
// (section 5.2.7.2) if the KDC wants one first.
func (k *kdcs) login(ctx context.Context, who principal, s secret) (*ticket, error) {
	req := messages.ASReq{KDCReqFields: messages.KDCReqFields{
		PVNO: iana.PVNO, MsgType: msgtype.KRB_AS_REQ,
		ReqBody: k.body(who, who.realm, granting(who.realm), k.loginTypes),
	}}
	reply, err := k.ask(ctx, who.realm, req.Marshal)
	var infos types.ETypeInfo2
	if e, ok := errors.AsType[*kerberosError](err); ok && e.code == errorcode.KDC_ERR_PREAUTH_REQUIRED {
		var key types.EncryptionKey
		if infos, err = etypeInfo(e.data); err == nil {
			key, err = k.firstKey(infos, s)
		}
		if err == nil {
			reply, err = k.ask(ctx, who.realm, func() ([]byte, error) {
				if err := k.preauthenticate(&req, key); err != nil {
					return nil, err
				}
				return req.Marshal()
			})
		}
	}
	var t *ticket
	if err == nil {
		t, err = k.openAS(reply, &req, who, infos, s)
	}
	if err != nil {
		return nil, &stepError{Login, err}
	}
	return t, nil
}

// body is what AS and TGS requests share.
func (k *kdcs) body(who principal, realm string, service types.PrincipalName, etypes []int32) messages.KDCReqBody {
	var nonce [4]byte
	rand.Read(nonce[:]) // never fails
	return messages.KDCReqBody{
		KDCOptions: types.NewKrbFlags(), CName: who.name, Realm: realm, SName: service,
		Till:  k.clock.Now().UTC().Add(k.krb.LibDefaults.TicketLifetime).Truncate(time.Second),
		Nonce: int(binary.BigEndian.Uint32(nonce[:]) >> 1), // 31 bits: some take it for a signed number
		EType: etypes,
	}
}

// etypeInfo finds the PA-ETYPE-INFO2 of a KDC's error.
func etypeInfo(data []byte) (types.ETypeInfo2, error) {
	var infos types.ETypeInfo2
	err := safely(func() error {
		var pas types.PADataSequence
		if err := pas.Unmarshal(data); err != nil {
			return err
		}
		for _, pa := range pas {
			if pa.PADataType == patype.PA_ETYPE_INFO2 {
				return infos.Unmarshal(pa.PADataValue)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("what the KDC wants before it answers: %w", err)
	}
	return infos, nil
}

// preauthenticate sets the encrypted timestamp.
func (k *kdcs) preauthenticate(req *messages.ASReq, key types.EncryptionKey) error {
	now := k.stamp().UTC()
	plain, err := asn1.Marshal(types.PAEncTSEnc{PATimestamp: now.Truncate(time.Second), PAUSec: now.Nanosecond() / 1000})
	if err != nil {
		return err
	}
	sealed, err := crypto.GetEncryptedData(plain, key, keyusage.AS_REQ_PA_ENC_TIMESTAMP, 0)
	if err != nil {
		return err
	}
	value, err := sealed.Marshal()
	if err != nil {
		return err
	}
	req.PAData = types.PADataSequence{{PADataType: patype.PA_ENC_TIMESTAMP, PADataValue: value}}
	return nil
}

// firstKey returns the first key that the KDC and we have.
func (k *kdcs) firstKey(infos types.ETypeInfo2, s secret) (types.EncryptionKey, error) {
	if len(infos) == 0 {
		return s.key(k.loginTypes[0], 0, nil)
	}
	err := permanent("the KDC wants encryption types that are not AES, or not permitted here")
	for i := range infos {
		if slices.Contains(k.loginTypes, infos[i].EType) {
			var key types.EncryptionKey
			if key, err = s.key(infos[i].EType, 0, &infos[i]); err == nil {
				return key, nil
			}
		}
	}
	return types.EncryptionKey{}, err
}

// openAS decrypts and checks an AS-REP (RFC 4120 section 3.1.5).
func (k *kdcs) openAS(reply []byte, req *messages.ASReq, who principal, infos types.ETypeInfo2, s secret) (*ticket, error) {
	var rep messages.ASRep
	if err := safely(func() error { return rep.Unmarshal(reply) }); err != nil {
		return nil, fmt.Errorf("AS-REP: %w", err)
	}
	if !slices.Contains(k.loginTypes, rep.EncPart.EType) {
		return nil, permanent("AS-REP: it is encrypted by encryption type %d, which was not offered", rep.EncPart.EType)
	}
	for _, pa := range rep.PAData { // newer than what preceded
		if pa.PADataType == patype.PA_ETYPE_INFO2 {
			safely(func() error { return infos.Unmarshal(pa.PADataValue) })
		}
	}
	var info *types.ETypeInfo2Entry
	for i := range infos {
		if infos[i].EType == rep.EncPart.EType {
			info = &infos[i]
			break
		}
	}
	key, err := s.key(rep.EncPart.EType, rep.EncPart.KVNO, info)
	if err != nil {
		return nil, err
	}
	if err := safely(func() error { return decryptKDCRep(&rep.KDCRepFields, key, keyusage.AS_REP_ENCPART) }); err != nil {
		return nil, permanent("AS-REP: it does not decrypt, so the password or the keytab is wrong: %w", err)
	}
	if by := rep.DecryptedEncPart.AuthTime.Sub(k.clock.Now()); by.Abs() > k.krb.LibDefaults.Clockskew {
		return nil, &skewed{by}
	}
	return k.openTicket(&rep.KDCRepFields, &req.ReqBody, who, req.ReqBody.SName)
}

func decryptKDCRep(rep *messages.KDCRepFields, key types.EncryptionKey, usage uint32) error {
	plain, err := crypto.DecryptEncPart(rep.EncPart, key, usage)
	if err != nil {
		return err
	}
	return rep.DecryptedEncPart.Unmarshal(plain)
}

// openTicket takes the ticket out of a decrypted answer that fits the request.
func (k *kdcs) openTicket(rep *messages.KDCRepFields, req *messages.KDCReqBody, who principal, service types.PrincipalName) (*ticket, error) {
	part := &rep.DecryptedEncPart
	switch {
	case part.Nonce != req.Nonce:
		return nil, errors.New("the KDC answers another request")
	case !rep.CName.Equal(who.name) || rep.CRealm != who.realm:
		return nil, fmt.Errorf("the KDC gives a ticket to %s", principal{rep.CName, rep.CRealm})
	case !part.SName.Equal(service) || !rep.Ticket.SName.Equal(service) || part.SRealm != req.Realm || rep.Ticket.Realm != req.Realm:
		return nil, fmt.Errorf("the KDC gives a ticket for %s", principal{part.SName, part.SRealm})
	case !k.clock.Now().Before(part.EndTime):
		return nil, fmt.Errorf("the KDC gives a ticket that ends at %s", part.EndTime)
	}
	return &ticket{Ticket: rep.Ticket, key: part.Key, client: who, end: part.EndTime}, nil
}
