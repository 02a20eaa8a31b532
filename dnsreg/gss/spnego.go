package gss

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"time"
)

// negotiator leads an initiator to an established context, token by token.
type negotiator interface {
	first() ([]byte, error)
	// next takes the acceptor's token. It returns what to answer, if anything, and whether all is done.
	next(token []byte, now time.Time) (answer []byte, done bool, err error)
}

// rawKerberos exchanges the mechanism's tokens as they are.
type rawKerberos struct{ *initiator }

func (r rawKerberos) first() ([]byte, error) { return r.token() }

func (r rawKerberos) next(token []byte, now time.Time) ([]byte, bool, error) {
	err := r.establish(token, now)
	return nil, err == nil, err
}

// spnego wraps them in SPNEGO (RFC 4178), with Kerberos as the only choice.
type spnego struct {
	*initiator
	signed bool // our mechListMIC was sent
}

// negTokenInit and negTokenResp are the messages of RFC 4178 section 4.2. Unused fields are left out.
type negTokenInit struct {
	MechTypes []asn1.ObjectIdentifier `asn1:"explicit,tag:0"`
	MechToken []byte                  `asn1:"explicit,tag:2"`
}

type negTokenResp struct {
	NegState      asn1.Enumerated       `asn1:"explicit,optional,tag:0,default:-1"`
	SupportedMech asn1.ObjectIdentifier `asn1:"explicit,optional,tag:1"`
	ResponseToken []byte                `asn1:"explicit,optional,tag:2"`
	MechListMIC   []byte                `asn1:"explicit,optional,tag:3"`
}

// Values of negState.
const (
	acceptCompleted = iota
	acceptIncomplete
	reject
	requestMIC
	unsaid = -1
)

var mechTypes = []asn1.ObjectIdentifier{oidKerberos}

func (s *spnego) first() ([]byte, error) {
	inner, err := s.token()
	if err != nil {
		return nil, err
	}
	body, err := asn1.Marshal(negTokenInit{mechTypes, inner})
	if err != nil {
		return nil, err
	}
	choice, err := asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: body})
	if err != nil {
		return nil, err
	}
	return seal(oidSPNEGO, choice)
}

func (s *spnego) next(token []byte, now time.Time) (answer []byte, done bool, err error) {
	resp, err := parseNegTokenResp(token)
	if err != nil {
		return nil, false, err
	}
	if m := resp.SupportedMech; m != nil && !m.Equal(oidKerberos) && !m.Equal(oidMicrosoftKerberos) {
		return nil, false, permanent("SPNEGO: the server chose mechanism %v, which was not offered", m)
	}
	if len(resp.ResponseToken) > 0 && s.mic == nil {
		if err := s.establish(resp.ResponseToken, now); err != nil {
			return nil, false, err
		}
	}
	switch {
	case resp.NegState == reject:
		return nil, false, permanent("SPNEGO: the server rejects Kerberos")
	case s.mic == nil:
		return nil, false, errors.New("SPNEGO: the server wants another token, and Kerberos has none")
	}
	list, err := asn1.Marshal(mechTypes)
	if err != nil {
		return nil, false, err
	}
	// RFC 4178 section 5: with the preferred mechanism chosen, the exchange of mechListMICs may be left out. What
	// comes is checked, and what is asked for is given, once.
	if len(resp.MechListMIC) > 0 {
		if err := s.mic.Verify(list, resp.MechListMIC); err != nil {
			return nil, false, fmt.Errorf("SPNEGO: mechListMIC: %w", err)
		}
	}
	if resp.NegState == acceptCompleted || resp.NegState == unsaid {
		return nil, true, nil
	}
	if s.signed {
		return nil, false, errors.New("SPNEGO: the server does not come to an end")
	}
	s.signed = true
	sum, err := s.mic.Sign(list)
	if err != nil {
		return nil, false, err
	}
	answer, err = marshalNegTokenResp(negTokenResp{NegState: unsaid, MechListMIC: sum})
	return answer, false, err
}

func parseNegTokenResp(token []byte) (resp negTokenResp, err error) {
	var choice asn1.RawValue
	rest, err := asn1.Unmarshal(token, &choice)
	if err != nil || len(rest) > 0 || choice.Class != asn1.ClassContextSpecific || choice.Tag != 1 || !choice.IsCompound {
		return resp, fmt.Errorf("SPNEGO: %w", errToken)
	}
	if rest, err = asn1.Unmarshal(choice.Bytes, &resp); err != nil || len(rest) > 0 {
		return resp, fmt.Errorf("SPNEGO: %w", errToken)
	}
	return resp, nil
}

func marshalNegTokenResp(resp negTokenResp) ([]byte, error) {
	body, err := asn1.Marshal(resp)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 1, IsCompound: true, Bytes: body})
}
