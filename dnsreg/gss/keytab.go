package gss

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/types"
)

// keytabSource logs in with a keytab.
type keytabSource struct {
	path string
	who  principal
}

func newKeytabSource(path string, who principal) (source, error) {
	kt, err := loadKeytab(path)
	if err != nil {
		return nil, fmt.Errorf("gss: %w", err)
	}
	var names []string
	var found principal
	for _, e := range kt.Entries {
		p := principal{types.PrincipalName{NameType: nametype.KRB_NT_PRINCIPAL, NameString: e.Principal.Components}, e.Principal.Realm}
		if isStrong(e.Key.KeyType) && (who.realm == "" || who.equal(p)) && !slices.Contains(names, p.String()) {
			names, found = append(names, p.String()), p
		}
	}
	switch {
	case len(names) == 0 && who.realm == "":
		return nil, fmt.Errorf("gss: keytab %s has no AES key", path)
	case len(names) == 0:
		return nil, fmt.Errorf("gss: keytab %s has no AES key of %s", path, who)
	case len(names) > 1:
		return nil, fmt.Errorf("gss: keytab %s has keys of %s: Config.Principal has to say which", path, strings.Join(names, ", "))
	}
	return keytabSource{path, found}, nil
}

// loadKeytab reads a keytab. What gokrb5 says of a malformed one is left out, for it quotes the file, keys and all.
func loadKeytab(path string) (*keytab.Keytab, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("keytab: %w", err)
	}
	kt := new(keytab.Keytab)
	if safely(func() error { return kt.Unmarshal(b) }) != nil {
		return nil, fmt.Errorf("keytab %s is malformed", path)
	}
	return kt, nil
}

func (s keytabSource) String() string { return fmt.Sprintf("%s by keytab %s", s.who, s.path) }

func (s keytabSource) tgt(ctx context.Context, k *kdcs) (*ticket, error) {
	kt, err := loadKeytab(s.path)
	if err != nil {
		return nil, &stepError{Credentials, permanent("%w", err)}
	}
	return k.login(ctx, s.who, keytabSecret{kt, s.who})
}

type keytabSecret struct {
	keys *keytab.Keytab // by a name: embedded, its String would print the keys
	who  principal
}

// key prefers the version that the KDC has used. Otherwise it is the highest, whenever it was written: ktutil writes
// several within a second. Of one version the last counts.
func (s keytabSecret) key(id int32, kvno int, _ *types.ETypeInfo2Entry) (types.EncryptionKey, error) {
	var key types.EncryptionKey
	best := int64(-1)
	for _, e := range s.keys.Entries {
		p := principal{types.PrincipalName{NameString: e.Principal.Components}, e.Principal.Realm}
		if e.Key.KeyType != id || !s.who.equal(p) {
			continue
		}
		version := int64(e.KVNO)
		if kvno != 0 && e.KVNO == uint32(kvno) { // which some encode as a signed number
			version = math.MaxInt64
		}
		if version >= best {
			key, best = e.Key, version
		}
	}
	if best < 0 {
		return key, permanent("the keytab has no key of %s of encryption type %d", s.who, id)
	}
	return key, nil
}
