package gss

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/miekg/dns"
)

// recording is testdata/nsupdate-g.txt: what nsupdate -g and named said to each other.
type recording map[string][]byte

func loadRecording(t testing.TB) recording {
	t.Helper()
	text, err := os.ReadFile("testdata/nsupdate-g.txt")
	if err != nil {
		t.Fatal(err)
	}
	r := make(recording)
	name := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if b, err := hex.DecodeString(line); err == nil {
			r[name] = append(r[name], b...)
		} else if !strings.HasPrefix(line, "#") {
			name = line
		}
	}
	return r
}

var recorded = time.Unix(0x6b02c897, 0)

func (r recording) message(t testing.TB, name string) *dns.Msg {
	t.Helper()
	m := new(dns.Msg)
	if err := m.Unpack(r[name]); err != nil {
		t.Fatal(err)
	}
	return m
}

// opened is nsupdate's AP-REQ, as named can read it.
func (r recording) opened(t testing.TB) *messages.APReq {
	t.Helper()
	query := r.message(t, "tkey-query")
	token, err := hex.DecodeString(query.Extra[0].(*dns.TKEY).Key)
	if err != nil {
		t.Fatal(err)
	}
	kt := new(keytab.Keytab)
	if err := kt.Unmarshal(r["keytab"]); err != nil {
		t.Fatal(err)
	}
	ap, err := openAPReq(token, true, kt)
	if err != nil {
		t.Fatal(err)
	}
	return ap
}

// initiator is nsupdate's side of the context, before named's answer.
func (r recording) initiator(t testing.TB) *initiator {
	t.Helper()
	ap := r.opened(t)
	return &initiator{ticket: &ticket{Ticket: ap.Ticket, key: ap.Ticket.DecryptedEncPart.Key}, auth: ap.Authenticator}
}

// established is the same behind it.
func (r recording) established(t testing.TB) *mic {
	t.Helper()
	s := &spnego{initiator: r.initiator(t)}
	reply := r.message(t, "tkey-reply")
	p := &Provider{cfg: Config{Clock: stoppedClock(recorded)}}
	g, err := p.open(reply, dns.CanonicalName(reply.Question[0].Name), s)
	if err != nil {
		t.Fatal(err)
	}
	if !g.expires.Equal(recorded.Add(time.Hour)) {
		t.Errorf("the key ends at %v", g.expires)
	}
	if _, done, err := s.next(g.token, recorded); err != nil || !done {
		t.Fatalf("done: %v, %v", done, err)
	}
	return s.mic
}

// signedPart is what the TSIG of a message is a signature of, made by the codec.
func signedPart(t testing.TB, wire []byte, requestMAC string) (data, mac []byte) {
	t.Helper()
	c := new(capture)
	dns.TsigVerifyWithProvider(bytes.Clone(wire), c, requestMAC, false)
	if c.tsig == nil {
		t.Fatal("no TSIG")
	}
	mac, err := hex.DecodeString(c.tsig.MAC)
	if err != nil {
		t.Fatal(err)
	}
	return c.data, mac
}

type capture struct {
	data []byte
	tsig *dns.TSIG
}

func (*capture) Generate([]byte, *dns.TSIG) ([]byte, error) { return nil, dns.ErrKeyAlg }

func (c *capture) Verify(msg []byte, t *dns.TSIG) error {
	c.data, c.tsig = bytes.Clone(msg), t
	return nil
}

// What named signed verifies, and what nsupdate signed comes out the same here, to the last octet.
func TestGoldenAgainstNsupdate(t *testing.T) {
	r := loadRecording(t)
	m := r.established(t)
	if m.flags != acceptorSubkey {
		t.Errorf("flags %#x: MIT's acceptors choose the key", m.flags)
	}
	p := &Provider{cfg: Config{Clock: stoppedClock(recorded)}}
	name := dns.CanonicalName(r.message(t, "tkey-reply").Question[0].Name)
	if err := p.verifyFinal(r["tkey-reply"], name, m); err != nil {
		t.Errorf("named's TKEY reply: %v", err)
	}
	data, want := signedPart(t, r["update-query"], "")
	got, err := m.Sign(data)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("nsupdate's update: %v\ngot  %x\nwant %x", err, got, want)
	}
	data, mac := signedPart(t, r["update-reply"], hex.EncodeToString(want))
	if err := m.Verify(data, mac); err != nil {
		t.Errorf("named's reply: %v", err)
	}
	if err := m.Verify(data, mac); err != errReplay {
		t.Errorf("the same again: %v", err)
	}
}

// Every bit of a token matters, and so does every bit of what it signs.
func TestEveryBitOfATokenCounts(t *testing.T) {
	r := loadRecording(t)
	_, request := signedPart(t, r["update-query"], "")
	data, mac := signedPart(t, r["update-reply"], hex.EncodeToString(request))
	m := r.established(t)
	for i := range 8 * len(mac) {
		bad := bytes.Clone(mac)
		bad[i/8] ^= 1 << (i % 8)
		if m.Verify(data, bad) == nil {
			t.Errorf("bit %d of the token is not looked at", i)
		}
	}
	for i := range 8 * len(data) {
		bad := bytes.Clone(data)
		bad[i/8] ^= 1 << (i % 8)
		if m.Verify(bad, mac) == nil {
			t.Errorf("bit %d of the data is not looked at", i)
		}
	}
	for n := range len(mac) {
		if m.Verify(data, mac[:n]) == nil {
			t.Errorf("%d octets of the token suffice", n)
		}
	}
	if m.Verify(data, append(bytes.Clone(mac), 0)) == nil {
		t.Error("an octet more is taken")
	}
	if err := m.Verify(data, mac); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

// A token of our own, or of another context, is no answer.
func TestTokensOfOthers(t *testing.T) {
	m := loadRecording(t).established(t)
	own, err := m.Sign([]byte("data"))
	if err != nil {
		t.Fatal(err)
	}
	if m.Verify([]byte("data"), own) == nil {
		t.Error("our own token is taken for the acceptor's")
	}
	// The acceptor's tokens under the right key, with flags of a context that has no acceptor's subkey, or sealed.
	for _, flags := range []byte{sentByAcceptor, sentByAcceptor | acceptorSubkey | 2} {
		token := acceptorToken(t, m, flags, m.seen.next, []byte("data"))
		if err := m.Verify([]byte("data"), token); err != errMICFlags {
			t.Errorf("flags %#x: %v", flags, err)
		}
	}
	if err := m.Verify([]byte("data"), acceptorToken(t, m, sentByAcceptor|acceptorSubkey, m.seen.next, []byte("data"))); err != nil {
		t.Error(err)
	}
}

// acceptorToken is made by gokrb5's own code for MIC tokens.
func acceptorToken(t testing.TB, m *mic, flags byte, seq uint64, data []byte) []byte {
	t.Helper()
	token := gssapi.MICToken{Flags: flags, SndSeqNum: seq, Payload: data}
	if err := token.SetChecksum(types.EncryptionKey{KeyType: m.etype.GetETypeID(), KeyValue: m.secret}, keyusage.GSSAPI_ACCEPTOR_SIGN); err != nil {
		t.Fatal(err)
	}
	b, err := token.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The window against a slow twin that remembers everything.
func TestWindow(t *testing.T) {
	for _, start := range []uint64{0, 5, 1<<32 - 3, 1<<64 - 3} {
		w := window{next: start, bits: ^uint64(0)}
		taken, highest := map[uint64]bool{}, uint64(0) // by distance from the start
		rnd := uint64(1)
		for range 20000 {
			rnd = rnd*6364136223846793005 + 1442695040888963407
			d := highest + rnd>>33%140 - 70
			want := d < 1<<63 && !taken[d] && (len(taken) == 0 || d+64 > highest)
			if got := w.take(start + d); got != want {
				t.Fatalf("start %d, distance %d, highest %d: %v, want %v", start, int64(d), highest, got, want)
			}
			if want {
				taken[d] = true
				highest = max(highest, d)
			}
		}
	}
}
