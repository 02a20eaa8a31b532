package gss

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/dnsreg"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// ccacheWriter writes the format of MIT's ccache files.
type ccacheWriter struct {
	b       []byte
	version byte
}

func (w *ccacheWriter) u16(v uint16) { w.b = binary.BigEndian.AppendUint16(w.b, v) }
func (w *ccacheWriter) u32(v uint32) { w.b = binary.BigEndian.AppendUint32(w.b, v) }

func (w *ccacheWriter) data(s string) {
	w.u32(uint32(len(s)))
	w.b = append(w.b, s...)
}

func (w *ccacheWriter) principal(name, realm string) {
	parts := strings.Split(name, "/")
	w.u32(1)
	w.u32(uint32(len(parts)))
	w.data(realm)
	for _, p := range parts {
		w.data(p)
	}
}

func newCCache(version byte, owner string) *ccacheWriter {
	w := &ccacheWriter{b: []byte{5, version}, version: version}
	if version == 4 { // a header with the offset of the KDC's clock
		w.u16(12)
		w.u16(1)
		w.u16(8)
		w.u32(0)
		w.u32(0)
	}
	w.principal(owner, "EXAMPLE.TEST")
	return w
}

func (w *ccacheWriter) credential(client, server, realm string, key types.EncryptionKey, end time.Time, ticket []byte) {
	w.principal(client, "EXAMPLE.TEST")
	w.principal(server, realm)
	w.u16(uint16(key.KeyType))
	if w.version == 3 {
		w.u16(uint16(key.KeyType))
	}
	w.data(string(key.KeyValue))
	for _, t := range []time.Time{end, end, end, end} {
		w.u32(uint32(t.Unix()))
	}
	w.b = append(w.b, 0)
	w.u32(0) // flags
	w.u32(1) // one address
	w.u16(2)
	w.data("\x7f\x00\x00\x01")
	w.u32(0) // no authorization data
	w.data(string(ticket))
	w.data("")
}

// grantingCCache has an entry that kinit leaves about itself, and the ticket.
func grantingCCache(t testing.TB, version byte, end time.Time) (cache []byte, key types.EncryptionKey) {
	t.Helper()
	user := types.NewPrincipalName(1, user)
	tgt, key, err := messages.NewTicket(user, "EXAMPLE.TEST", granting("EXAMPLE.TEST"), "EXAMPLE.TEST", types.NewKrbFlags(),
		worldKeys(), strong[0], 1, end.Add(-time.Hour), end.Add(-time.Hour), end, end)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := tgt.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	w := newCCache(version, user.PrincipalNameString())
	w.credential(user.PrincipalNameString(), "krb5_ccache_conf_data/fast_avail", "X-CACHECONF:", types.EncryptionKey{}, time.Unix(0, 0), []byte("yes"))
	w.credential(user.PrincipalNameString(), "krbtgt/EXAMPLE.TEST", "EXAMPLE.TEST", key, end, raw)
	return w.b, key
}

func TestCCache(t *testing.T) {
	for _, version := range []byte{3, 4} {
		w := newWorld(t)
		cache, key := grantingCCache(t, version, time.Now().Add(time.Hour))
		path := writeFile(t, "cc", cache)
		p := w.provider(func(c *Config) { c.Principal, c.Password, c.CCache = "", nil, path })
		signsAndVerifies(t, w.acceptor, key1(t, p))
		if w.as != 0 {
			t.Error("it logged in")
		}
		// gokrb5 reads the same.
		twin, err := credentials.LoadCCache(path)
		if err != nil && version == 4 {
			t.Fatal(err)
		}
		if e, ok := twin.GetEntry(granting("EXAMPLE.TEST")); version == 4 && (!ok || string(e.Key.KeyValue) != string(key.KeyValue)) {
			t.Error("the format is another one for gokrb5")
		}
		for n := range len(cache) {
			if _, err := grantingTicket(cache[:n]); err == nil {
				t.Errorf("version %d: %d octets of %d suffice", version, n, len(cache))
			}
		}
	}
}

func TestCCacheRefused(t *testing.T) {
	now := time.Now()
	good, _ := grantingCCache(t, 4, now.Add(time.Hour))
	old, _ := grantingCCache(t, 4, now.Add(-time.Second))
	empty := newCCache(4, user).b
	other := newCCache(4, user)
	other.credential(user, "krbtgt/EXAMPLE.TEST", "EXAMPLE.TEST", types.EncryptionKey{}, now, []byte("garble"))
	for name, tt := range map[string]struct {
		cache []byte
		who   string
		says  string
	}{
		"somebody else's": {good, "you", "belongs to host/h1.example.test@EXAMPLE.TEST, not to you@EXAMPLE.TEST"},
		"expired":         {old, "", "expired at"},
		"empty":           {empty, "", "no ticket-granting ticket for EXAMPLE.TEST"},
		"garbled ticket":  {other.b, "", "its ticket"},
		"no ccache":       {[]byte("hello"), "", "no credentials cache"},
		"cut off":         {good[:len(good)-5], "", "ends too early"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			path := writeFile(t, "cc", tt.cache)
			_, err := w.provider(func(c *Config) { c.Principal, c.Password, c.CCache = tt.who, nil, path }).Key(t.Context(), serverAddr)
			if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), path) || dnsreg.ClassOf(err) != dnsreg.Permanent {
				t.Errorf("%v, class %v", err, dnsreg.ClassOf(err))
			}
		})
	}
}
