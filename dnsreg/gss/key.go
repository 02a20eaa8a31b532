package gss

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/crypto/etype"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/types"
)

// algorithm is the name of RFC 3645 section 2.
const algorithm = "gss-tsig."

// key is an established security context as a dnsreg.Key: its MACs are MIC tokens of RFC 4121 section 4.2.6.1.
type key struct {
	name    string
	expires time.Time // when a new one has to be negotiated
	*mic
}

func (k *key) Name() string      { return k.name }
func (k *key) Algorithm() string { return algorithm }

// Once tells the Registrar that a signature counts once: the server takes a repeated one for a replay.
func (k *key) Once() bool { return true }

// String and GoString keep the secret out of logs.
func (k *key) String() string   { return "GSS-TSIG key " + k.name }
func (k *key) GoString() string { return k.String() }

// Bits of the flags field, RFC 4121 section 4.2.2.
const (
	sentByAcceptor = 1 << 0
	acceptorSubkey = 1 << 2
)

// The fixed part of a MIC token: TOK_ID, flags, five octets of filler, SND_SEQ.
const (
	micHeader = 16
	tokMIC    = 0x0404
)

var (
	errShortMIC = errors.New("the MIC token is too short")
	errNoMIC    = errors.New("the signature is no MIC token")
	errMICFlags = errors.New("the MIC token's flags are not those of this context")
	errMIC      = errors.New("the signature does not verify")
	errReplay   = errors.New("the MIC token's sequence number was seen already or is too old")
)

// mic makes the initiator's tokens and checks the acceptor's.
type mic struct {
	etype  etype.EType
	secret []byte // the context key
	flags  byte   // acceptorSubkey if the acceptor chose the key

	mu   sync.Mutex
	send uint64 // next sequence number of ours
	seen window // of the acceptor's
}

// newMIC starts with the sequence numbers that the two sides announced (RFC 4121 section 2).
func newMIC(secret types.EncryptionKey, byAcceptor bool, ours, theirs uint64) (*mic, error) {
	et, err := contextEtype(secret)
	if err != nil {
		return nil, err
	}
	m := &mic{etype: et, secret: secret.KeyValue, send: ours, seen: window{next: theirs, bits: ^uint64(0)}}
	if byAcceptor {
		m.flags = acceptorSubkey
	}
	return m, nil
}

// strong are the encryption types whose contexts use the tokens of RFC 4121, best first. Those of RFC 1964 and
// RFC 4757, which go with DES and RC4, are not spoken here.
var strong = []int32{
	etypeID.AES256_CTS_HMAC_SHA1_96, etypeID.AES256_CTS_HMAC_SHA384_192,
	etypeID.AES128_CTS_HMAC_SHA1_96, etypeID.AES128_CTS_HMAC_SHA256_128,
}

func isStrong(id int32) bool { return slices.Contains(strong, id) }

// keySize is in octets. gokrb5's GetKeyByteSize has 24 for aes256-cts-hmac-sha384-192, the size of its derived keys.
func keySize(id int32) int {
	if id == etypeID.AES256_CTS_HMAC_SHA1_96 || id == etypeID.AES256_CTS_HMAC_SHA384_192 {
		return 32
	}
	return 16
}

func contextEtype(k types.EncryptionKey) (etype.EType, error) {
	if !isStrong(k.KeyType) {
		return nil, permanent("the key is of encryption type %d: only AES is supported", k.KeyType)
	}
	if want := keySize(k.KeyType); len(k.KeyValue) != want {
		return nil, permanent("a key of encryption type %d has %d octets, not %d", k.KeyType, len(k.KeyValue), want)
	}
	return crypto.GetEtype(k.KeyType)
}

// randomKey makes one of the type of k.
func randomKey(k types.EncryptionKey) types.EncryptionKey {
	value := make([]byte, keySize(k.KeyType))
	rand.Read(value) // never fails
	return types.EncryptionKey{KeyType: k.KeyType, KeyValue: value}
}

// Sign returns a MIC token for data (GSS_GetMIC).
func (m *mic) Sign(data []byte) ([]byte, error) {
	m.mu.Lock()
	seq := m.send
	m.send++
	m.mu.Unlock()
	token := make([]byte, micHeader, 2*micHeader)
	binary.BigEndian.PutUint16(token, tokMIC)
	token[2] = m.flags
	copy(token[3:8], "\xff\xff\xff\xff\xff")
	binary.BigEndian.PutUint64(token[8:], seq)
	sum, err := m.checksum(data, token, keyusage.GSSAPI_INITIATOR_SIGN)
	if err != nil {
		return nil, err
	}
	return append(token, sum...), nil
}

// Verify checks the acceptor's MIC token for data (GSS_VerifyMIC). A token counts once.
func (m *mic) Verify(data, token []byte) error {
	if len(token) <= micHeader {
		return errShortMIC
	}
	header, sum := token[:micHeader], token[micHeader:]
	if binary.BigEndian.Uint16(header) != tokMIC || string(header[3:8]) != "\xff\xff\xff\xff\xff" {
		return errNoMIC
	}
	want, err := m.checksum(data, header, keyusage.GSSAPI_ACCEPTOR_SIGN)
	if err != nil {
		return err
	}
	if !hmac.Equal(sum, want) {
		return errMIC
	}
	if header[2] != sentByAcceptor|m.flags {
		return errMICFlags
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.seen.take(binary.BigEndian.Uint64(header[8:])) {
		return errReplay
	}
	return nil
}

// checksum follows RFC 4121 section 4.2.4: "The checksum is calculated first over the to-be-signed plaintext data,
// and then over the first 16 bytes of the MIC token."
func (m *mic) checksum(data, header []byte, usage uint32) ([]byte, error) {
	return m.etype.GetChecksumHash(m.secret, append(append([]byte(nil), data...), header...), usage)
}

// window remembers which sequence numbers were taken, as far back as one word tells. Replies that were lost, or
// that nobody waited for, leave gaps. What comes before the announced number counts as taken.
type window struct {
	next uint64 // one more than the highest taken; the announced number before any
	bits uint64 // bit i: next-1-i was taken; all ones before any
}

func (w *window) take(seq uint64) bool {
	if ahead := seq - w.next; ahead < 1<<63 { // new; the difference is right also where numbers wrap around
		w.bits = w.bits<<(min(ahead, 63)+1) | 1 // a shift by 64 clears the word
		w.next = seq + 1
		return true
	}
	back := w.next - 1 - seq
	if back >= 64 || w.bits&(1<<back) != 0 {
		return false
	}
	w.bits |= 1 << back
	return true
}
