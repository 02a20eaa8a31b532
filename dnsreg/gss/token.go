package gss

import (
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
)

var (
	oidKerberos = asn1.ObjectIdentifier{1, 2, 840, 113554, 1, 2, 2} // RFC 4121 section 4.1
	// Windows 2000 shifted the one above wrongly, and later versions still know it by this name.
	oidMicrosoftKerberos = asn1.ObjectIdentifier{1, 2, 840, 48018, 1, 2, 2}
	oidSPNEGO            = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 2} // RFC 4178 section 4
)

var errToken = errors.New("the token is malformed")

// seal puts a mechanism's token into the form of RFC 2743 section 3.1.
func seal(mech asn1.ObjectIdentifier, inner []byte) ([]byte, error) {
	oid, err := asn1.Marshal(mech)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(asn1.RawValue{Class: asn1.ClassApplication, Tag: 0, IsCompound: true, Bytes: append(oid, inner...)})
}

// unseal takes it out again.
func unseal(token []byte) (mech asn1.ObjectIdentifier, inner []byte, err error) {
	var outer asn1.RawValue
	rest, err := asn1.Unmarshal(token, &outer)
	if err != nil || len(rest) > 0 || outer.Class != asn1.ClassApplication || outer.Tag != 0 || !outer.IsCompound {
		return nil, nil, errToken
	}
	if inner, err = asn1.Unmarshal(outer.Bytes, &mech); err != nil {
		return nil, nil, errToken
	}
	return mech, inner, nil
}

// frame makes a Kerberos token: seal around TOK_ID and the message (RFC 4121 section 4.1).
func frame(id uint16, message []byte) ([]byte, error) {
	return seal(oidKerberos, append(binary.BigEndian.AppendUint16(nil, id), message...))
}

func unframe(token []byte) (id uint16, message []byte, err error) {
	mech, inner, err := unseal(token)
	if err != nil {
		return 0, nil, err
	}
	if !mech.Equal(oidKerberos) && !mech.Equal(oidMicrosoftKerberos) {
		return 0, nil, fmt.Errorf("the token is for mechanism %v, not for Kerberos", mech)
	}
	if len(inner) < 2 {
		return 0, nil, errToken
	}
	return binary.BigEndian.Uint16(inner), inner[2:], nil
}
