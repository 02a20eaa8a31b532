package gss

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/miekg/dns"
)

// Whatever a server answers, nothing panics, and the only context that comes of it is the recorded one.
func FuzzAcceptorToken(f *testing.F) {
	r := loadRecording(f)
	good, err := hex.DecodeString(r.message(f, "tkey-reply").Answer[0].(*dns.TKEY).Key)
	if err != nil {
		f.Fatal(err)
	}
	first, want := r.initiator(f), r.established(f)
	f.Add(good)
	f.Add(good[:len(good)/2])
	short, _ := frame(tokAPRep, []byte{0x6f, 0x17, 0x30, 0x15, 0xa0, 3, 2, 1, 5, 0xa1, 3, 2, 1, 15, 0xa2, 9, 0x30, 7, 0xa0, 3, 2, 1, 18, 0xa2, 0})
	f.Add(short)
	bare, _ := marshalNegTokenResp(negTokenResp{NegState: unsaid, ResponseToken: short})
	f.Add(bare)
	f.Fuzz(func(t *testing.T, token []byte) {
		for _, wrapped := range []bool{true, false} {
			i := &initiator{ticket: first.ticket, auth: first.auth}
			var n negotiator = &spnego{initiator: i}
			if !wrapped {
				n = rawKerberos{i}
			}
			_, done, err := n.next(token, recorded)
			if done && (err != nil || i.mic == nil) {
				t.Errorf("done without a context: %v", err)
			}
			if m := i.mic; m != nil && (!bytes.Equal(m.secret, want.secret) || m.flags != want.flags || m.send != want.send) {
				t.Error("a context other than the recorded one")
			}
		}
	})
}

// Whatever a ccache holds, nothing panics.
func FuzzCCache(f *testing.F) {
	f.Add([]byte{5, 4, 0, 12, 0, 1, 0, 8, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 'R', 0, 0, 0, 1, 'u'})
	f.Add([]byte{5, 4, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if tgt, err := grantingTicket(b); err == nil && len(tgt.SName.NameString) != 2 {
			t.Errorf("a ticket for %v", tgt.SName)
		}
	})
}

// Whatever a KDC answers, nothing panics, and no ticket comes of it without the key.
func FuzzKDC(f *testing.F) {
	p := newWorld(f).provider(nil)
	who := principal{types.PrincipalName{NameString: []string{"host", "h1.example.test"}}, "EXAMPLE.TEST"}
	s := keytabSecret{worldKeys(), who}
	w := newWorld(f)
	f.Add([]byte("garble"))
	f.Add(w.methodData("salt"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if infos, err := etypeInfo(b); err == nil {
			p.kdcs.firstKey(infos, s)
		}
		parseKRBError(b, recorded)
		body := p.kdcs.body(who, who.realm, granting(who.realm), strong)
		if tk, err := p.kdcs.openAS(b, asRequest(body), who, nil, s); err == nil {
			t.Errorf("a ticket: %v", tk.end)
		}
	})
}
