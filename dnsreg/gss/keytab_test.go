package gss

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/types"
)

// versions makes a keytab of the user's keys, of passwords that name their version.
func versions(t *testing.T, right int, entries ...[2]int) *keytab.Keytab {
	t.Helper()
	kt := keytab.New()
	for _, e := range entries {
		secret := fmt.Sprint("version ", e[0])
		if e[0] == right {
			secret = password
		}
		if err := kt.AddEntry(user, "EXAMPLE.TEST", secret, time.Unix(int64(e[1]), 0), uint8(e[0]), etypeID.AES256_CTS_HMAC_SHA1_96); err != nil {
			t.Fatal(err)
		}
	}
	return kt
}

// The highest version counts, whenever it was written and wherever it stands, unless the KDC names one that is there.
func TestKeytabVersions(t *testing.T) {
	who := principal{types.NewPrincipalName(1, user), "EXAMPLE.TEST"}
	for name, tt := range map[string]struct {
		entries [][2]int // version, time
		kvno    int
		want    int // version
	}{
		"ktutil: rkt, rkt, wkt": {[][2]int{{1, 7}, {2, 7}}, 0, 2},
		"newest first":          {[][2]int{{2, 7}, {1, 7}}, 0, 2},
		"older one added later": {[][2]int{{2, 7}, {1, 8}}, 0, 2},
		"time of none":          {[][2]int{{1, 0}, {2, 0}}, 0, 2},
		"named":                 {[][2]int{{1, 7}, {3, 7}, {2, 8}}, 1, 1},
		"named, not there":      {[][2]int{{1, 7}, {2, 7}}, 9, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := keytabSecret{versions(t, 0, tt.entries...), who}
			got, err := s.key(etypeID.AES256_CTS_HMAC_SHA1_96, tt.kvno, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range s.keys.Entries {
				if is := bytes.Equal(e.Key.KeyValue, got.KeyValue); is != (int(e.KVNO) == tt.want) {
					t.Errorf("version %d: taken is %v", e.KVNO, is)
				}
			}
			if _, err := s.key(etypeID.AES128_CTS_HMAC_SHA1_96, 0, nil); err == nil {
				t.Error("a key of another encryption type is there")
			}
		})
	}
}

// The keytab is a version ahead of the KDC, whose answer says so.
func TestKeytabAheadOfKDC(t *testing.T) {
	w := newWorld(t)
	w.lax = true // a timestamp would be under the newest key, as no version is known before the answer
	b, err := versions(t, 1, [2]int{1, 7}, [2]int{2, 8}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	path := writeFile(t, "keytab", b)
	signsAndVerifies(t, w.acceptor, key1(t, w.provider(func(c *Config) { c.Password, c.Keytab = nil, path })))
}

// Wherever a keytab is cut off, as one is that somebody is writing, neither error nor log shows a key.
func TestTruncatedKeytab(t *testing.T) {
	w := newWorld(t)
	kt := versions(t, 1, [2]int{1, 7}, [2]int{2, 8})
	whole, err := kt.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	path := writeFile(t, "keytab", whole)
	var log strings.Builder
	change := func(c *Config) {
		c.Password, c.Keytab, c.Logger = nil, path, slog.New(slog.NewTextHandler(&log, nil))
	}
	p := w.provider(change)
	cfg := w.config()
	change(&cfg)
	refused := 0
	for n := range whole {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		log.Reset()
		_, atOnce := New(cfg)
		if atOnce == nil {
			continue // the first entry is there
		}
		refused++
		_, later := p.Key(t.Context(), serverAddr)
		for _, said := range []string{atOnce.Error(), fmt.Sprint(later), log.String()} {
			for _, e := range kt.Entries {
				for _, key := range []string{string(e.Key.KeyValue[:4]), fmt.Sprintf("%x", e.Key.KeyValue[:4]), strings.Trim(fmt.Sprintf("%q", e.Key.KeyValue[:4]), `"`)} {
					if strings.Contains(said, key) {
						t.Fatalf("%d octets of %d: %q shows a key", n, len(whole), said)
					}
				}
			}
		}
		if !strings.Contains(atOnce.Error(), path) || !strings.Contains(fmt.Sprint(later), "malformed") {
			t.Errorf("%d octets: %v; %v", n, atOnce, later)
		}
	}
	if refused < len(whole)/2 {
		t.Errorf("%d of %d were refused", refused, len(whole))
	}
}
