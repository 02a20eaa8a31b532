package gss

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana"
	"github.com/jcmturner/gokrb5/v8/iana/chksumtype"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// ticket is a Kerberos ticket with what its owner knows about it.
type ticket struct {
	messages.Ticket
	key    types.EncryptionKey // the session key
	client principal
	end    time.Time
}

// Flags of the context, RFC 4121 section 4.1.1.1. GSS_C_SEQUENCE_FLAG stays out, as BIND leaves it out: replies
// may get lost, and Windows servers don't like it. So does GSS_C_DELEG_FLAG: no server gets the host's tickets.
const contextFlags = 0x02 | // GSS_C_MUTUAL_FLAG
	0x04 | // GSS_C_REPLAY_FLAG
	0x20 // GSS_C_INTEG_FLAG

// initiator is the client's side of a Kerberos context (RFC 4121 section 4.1).
type initiator struct {
	ticket *ticket
	auth   types.Authenticator
	mic    *mic // once established
}

// newInitiator takes the time for the authenticator: no two may have the same one.
func newInitiator(t *ticket, now time.Time) (*initiator, error) {
	if _, err := contextEtype(t.key); err != nil {
		return nil, err
	}
	auth := newAuthenticator(t.client, now)
	// RFC 4121 section 4.1.1: the checksum field has type 0x8003, the length of the channel bindings (16, all
	// zero: there are none) and the flags, all in little-endian order.
	sum := make([]byte, 24)
	binary.LittleEndian.PutUint32(sum, 16)
	binary.LittleEndian.PutUint32(sum[20:], contextFlags)
	auth.Cksum = types.Checksum{CksumType: chksumtype.GSSAPI, Checksum: sum}
	auth.SubKey = randomKey(t.key) // so that contexts by one ticket have different keys
	return &initiator{ticket: t, auth: auth}, nil
}

// newAuthenticator fills in what all have (RFC 4120 section 5.5.1).
func newAuthenticator(client principal, now time.Time) types.Authenticator {
	now = now.UTC()
	var seq [4]byte
	rand.Read(seq[:]) // never fails
	return types.Authenticator{
		AVNO: iana.PVNO, CRealm: client.realm, CName: client.name,
		CTime: now.Truncate(time.Second), Cusec: now.Nanosecond() / 1000,
		// As other implementations do: 30 bits, for peers that take the number for a signed one.
		SeqNumber: int64(binary.BigEndian.Uint32(seq[:]) & 0x3fffffff),
	}
}

// Token identifiers of RFC 4121 section 4.1.
const (
	tokAPReq = 0x0100
	tokAPRep = 0x0200
	tokError = 0x0300
)

// token returns the first token: an AP-REQ.
func (i *initiator) token() ([]byte, error) {
	req, err := messages.NewAPReq(i.ticket.Ticket, i.ticket.key, i.auth)
	if err != nil {
		return nil, err
	}
	types.SetFlag(&req.APOptions, flags.APOptionMutualRequired)
	b, err := req.Marshal()
	if err != nil {
		return nil, err
	}
	return frame(tokAPReq, b)
}

// establish takes the acceptor's answer, which proves that it could read the ticket, and sets the context up.
func (i *initiator) establish(token []byte, now time.Time) error {
	id, body, err := unframe(token)
	switch {
	case err != nil:
		return err
	case id == tokError:
		return parseKRBError(body, now)
	case id != tokAPRep:
		return fmt.Errorf("a token of type %#04x instead of an AP-REP", id)
	}
	var part messages.EncAPRepPart
	if err := safely(func() error { return decryptAPRep(body, i.ticket.key, &part) }); err != nil {
		return fmt.Errorf("AP-REP: %w", err)
	}
	// RFC 4120 section 3.2.5: "the client verifies that the timestamp and microsecond fields match those in the
	// Authenticator it sent to the server".
	if !part.CTime.Equal(i.auth.CTime) || part.Cusec != i.auth.Cusec {
		return errors.New("AP-REP: it answers another request")
	}
	chosen, byAcceptor := i.auth.SubKey, false
	if len(part.Subkey.KeyValue) > 0 {
		chosen, byAcceptor = part.Subkey, true
	}
	// The number is 32 bits wide (RFC 4120 section 5.5.1), and some write it as a signed one.
	i.mic, err = newMIC(chosen, byAcceptor, uint64(i.auth.SeqNumber), uint64(uint32(part.SequenceNumber)))
	return err
}

func decryptAPRep(b []byte, key types.EncryptionKey, part *messages.EncAPRepPart) error {
	var rep messages.APRep
	if err := rep.Unmarshal(b); err != nil {
		return err
	}
	plain, err := crypto.DecryptEncPart(rep.EncPart, key, keyusage.AP_REP_ENCPART)
	if err != nil {
		return err
	}
	return part.Unmarshal(plain)
}

// parseKRBError returns the error that a KRB_ERROR message is.
func parseKRBError(b []byte, now time.Time) error {
	var k messages.KRBError
	if err := safely(func() error { return k.Unmarshal(b) }); err != nil {
		return fmt.Errorf("KRB_ERROR: %w", err)
	}
	return newKerberosError(k, now)
}
