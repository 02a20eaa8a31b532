package gss

import (
	"context"
	"fmt"

	"github.com/jcmturner/gokrb5/v8/iana"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// maxReferrals bounds the way from realm to realm.
const maxReferrals = 8

// servicePrincipal is the name server's name at the KDC. RFC 3645 section 3.1.1 calls it "DNS@<target_server_name>",
// which is how GSS-API writes it.
func servicePrincipal(host string) types.PrincipalName {
	return types.PrincipalName{NameType: nametype.KRB_NT_SRV_HST, NameString: []string{"DNS", host}}
}

// service gets a ticket for a service by way of a ticket-granting ticket (RFC 4120 section 3.3). The realm is the
// one that domain_realm has for the host, else the client's; KDCs that know better refer to another
// (RFC 6806 section 8).
func (k *kdcs) service(ctx context.Context, tgt *ticket, host string) (*ticket, error) {
	service, realm := servicePrincipal(host), k.krb.ResolveRealm(host)
	for range maxReferrals {
		at := tgt.SName.NameString[len(tgt.SName.NameString)-1] // the realm that the ticket opens
		if at == realm {
			realm = "" // from here on, KDCs know better
		}
		want := service
		if realm != "" {
			want = granting(realm)
		}
		got, err := k.tgs(ctx, tgt, at, want)
		if err != nil {
			return nil, &stepError{Ticket, err}
		}
		if got.SName.Equal(service) {
			return got, nil
		}
		tgt = got
	}
	return nil, &stepError{Ticket, permanent("more than %d referrals from realm to realm", maxReferrals)}
}

// tgs makes one TGS exchange. What comes back is for the service asked for, or opens another realm.
func (k *kdcs) tgs(ctx context.Context, tgt *ticket, realm string, service types.PrincipalName) (*ticket, error) {
	req := messages.TGSReq{KDCReqFields: messages.KDCReqFields{
		PVNO: iana.PVNO, MsgType: msgtype.KRB_TGS_REQ,
		ReqBody: k.body(tgt.client, realm, service, k.ticketTypes),
	}}
	types.SetFlag(&req.ReqBody.KDCOptions, flags.Canonicalize) // without it there are no referrals
	reply, err := k.ask(ctx, realm, func() ([]byte, error) {
		if err := k.authenticate(&req, tgt); err != nil {
			return nil, err
		}
		return req.Marshal()
	})
	if err != nil {
		return nil, err
	}
	var rep messages.TGSRep
	err = safely(func() error {
		if err := rep.Unmarshal(reply); err != nil {
			return err
		}
		return decryptKDCRep(&rep.KDCRepFields, tgt.key, keyusage.TGS_REP_ENCPART_SESSION_KEY)
	})
	if err != nil {
		return nil, fmt.Errorf("TGS-REP: %w", err)
	}
	if s := rep.DecryptedEncPart.SName; len(s.NameString) == 2 && s.NameString[0] == "krbtgt" && s.NameString[1] != realm {
		service = s
	}
	return k.openTicket(&rep.KDCRepFields, &req.ReqBody, tgt.client, service)
}

// authenticate sets the PA-TGS-REQ: an AP-REQ by the ticket-granting ticket, with a checksum of the request's body
// (RFC 4120 section 5.2.7.1).
func (k *kdcs) authenticate(req *messages.TGSReq, tgt *ticket) error {
	et, err := contextEtype(tgt.key)
	if err != nil {
		return permanent("the ticket-granting ticket: %w", err)
	}
	body, err := req.ReqBody.Marshal()
	if err != nil {
		return err
	}
	sum, err := et.GetChecksumHash(tgt.key.KeyValue, body, keyusage.TGS_REQ_PA_TGS_REQ_AP_REQ_AUTHENTICATOR_CHKSUM)
	if err != nil {
		return err
	}
	auth := newAuthenticator(tgt.client, k.stamp())
	auth.Cksum = types.Checksum{CksumType: et.GetHashID(), Checksum: sum}
	ap, err := messages.NewAPReq(tgt.Ticket, tgt.key, auth)
	if err != nil {
		return err
	}
	b, err := ap.Marshal()
	if err != nil {
		return err
	}
	req.PAData = types.PADataSequence{{PADataType: patype.PA_TGS_REQ, PADataValue: b}}
	return nil
}
