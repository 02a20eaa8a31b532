package gss

import (
	"context"
	"testing"

	"github.com/jcmturner/gokrb5/v8/keytab"
)

// A MIC each way, for a message of 200 octets.
func BenchmarkSignVerify(b *testing.B) {
	m := loadRecording(b).established(b)
	data := make([]byte, 200)
	for b.Loop() {
		if _, err := m.Sign(data); err != nil {
			b.Fatal(err)
		}
		token := acceptorToken(b, m, sentByAcceptor|acceptorSubkey, m.seen.next, data)
		if err := m.Verify(data, token); err != nil {
			b.Fatal(err)
		}
	}
}

// A login, a ticket and a context, with KDC and server in memory; both sides' work.
func BenchmarkNegotiate(b *testing.B) {
	w := newWorld(b)
	p := w.provider(nil)
	p.from = benchSource{keytabSource{who: p.from.(passwordSource).who}, w.keys}
	for b.Loop() {
		k, err := p.Key(b.Context(), serverAddr)
		if err != nil {
			b.Fatal(err)
		}
		p.Reject(serverAddr, k)
	}
}

// benchSource is a keytab that is in memory.
type benchSource struct {
	keytabSource
	keys *keytab.Keytab
}

func (s benchSource) tgt(ctx context.Context, k *kdcs) (*ticket, error) {
	return k.login(ctx, s.who, keytabSecret{s.keys, s.who})
}
