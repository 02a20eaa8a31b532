package gss

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/types"
)

// principal is who.
type principal struct {
	name  types.PrincipalName
	realm string
}

func (p principal) String() string { return p.name.PrincipalNameString() + "@" + p.realm }

func (p principal) equal(q principal) bool { return p.realm == q.realm && p.name.Equal(q.name) }

// parsePrincipal takes the default realm if the name has none.
func parsePrincipal(s, defaultRealm string) (principal, error) {
	name, realm, found := strings.Cut(s, "@")
	if !found {
		realm = defaultRealm
	}
	switch {
	case slices.Contains(strings.Split(name, "/"), ""):
		return principal{}, fmt.Errorf("gss: Config.Principal: %q has an empty component", s)
	case realm == "":
		return principal{}, fmt.Errorf("gss: Config.Principal: %q has no realm, and krb5.conf no default_realm", s)
	case strings.Contains(realm, "@") || strings.Contains(name, `\`):
		return principal{}, fmt.Errorf("gss: Config.Principal: %q: quoted names are not supported", s)
	}
	return principal{types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, name), realm}, nil
}

// granting returns the name of a realm's ticket-granting service.
func granting(realm string) types.PrincipalName {
	return types.PrincipalName{NameType: nametype.KRB_NT_SRV_INST, NameString: []string{"krbtgt", realm}}
}

// source is where a ticket-granting ticket comes from.
type source interface {
	tgt(ctx context.Context, k *kdcs) (*ticket, error)
	String() string // for people: who, and by what
}

// source picks and checks the credentials.
func (cfg *Config) source(krb *config.Config) (source, error) {
	given := 0
	for _, is := range []bool{cfg.Keytab != "", cfg.Password != nil, cfg.CCache != ""} {
		if is {
			given++
		}
	}
	if given > 1 {
		return nil, errors.New("gss: Config.Keytab, Config.Password and Config.CCache exclude each other")
	}
	var who principal
	var err error
	if cfg.Principal != "" {
		if who, err = parsePrincipal(cfg.Principal, krb.LibDefaults.DefaultRealm); err != nil {
			return nil, err
		}
	}
	switch {
	case cfg.Keytab != "":
		return newKeytabSource(cfg.Keytab, who)
	case cfg.Password != nil:
		if cfg.Principal == "" {
			return nil, errors.New("gss: Config.Principal is empty: a password needs one")
		}
		return passwordSource{who, cfg.Password}, nil
	}
	path, unnamed, err := cfg.ccachePath()
	return ccacheSource{path, unnamed, who}, err
}

// secret knows the long-term keys of a principal.
type secret interface {
	// key returns the one of an encryption type. kvno is the version that the KDC has used, 0: not known. info is
	// what the KDC says about the key (RFC 4120 section 5.2.7.5), nil if it said nothing.
	key(id int32, kvno int, info *types.ETypeInfo2Entry) (types.EncryptionKey, error)
}

// passwordSource logs in with a password.
type passwordSource struct {
	who principal
	ask func(context.Context) (string, error)
}

func (s passwordSource) String() string   { return fmt.Sprintf("%s by password", s.who) }
func (s passwordSource) GoString() string { return s.String() }

func (s passwordSource) tgt(ctx context.Context, k *kdcs) (*ticket, error) {
	password, err := s.ask(ctx)
	if err != nil {
		return nil, &stepError{Credentials, permanent("password of %s: %w", s.who, err)}
	}
	return k.login(ctx, s.who, passwordSecret{password, s.who})
}

type passwordSecret struct {
	password string
	who      principal
}

// maxIterations bounds the work that an answer from the network, unauthenticated as yet, may ask for. The least is
// what RFC 3962 (4096) and RFC 8009 (32768) have by default, which KDCs mostly leave unsaid. With fewer,
// whoever forged the answer could cheaply guess the password by the timestamp that is sealed for it.
const maxIterations = 1 << 20

func (s passwordSecret) key(id int32, _ int, info *types.ETypeInfo2Entry) (types.EncryptionKey, error) {
	et, err := crypto.GetEtype(id)
	if err != nil {
		return types.EncryptionKey{}, err
	}
	salt, params := s.who.name.GetSalt(s.who.realm), et.GetDefaultStringToKeyParams()
	if info != nil {
		if info.Salt != "" {
			salt = info.Salt
		}
		if n := info.S2KParams; len(n) > 0 {
			least, err := strconv.ParseUint(params, 16, 32)
			if err != nil {
				return types.EncryptionKey{}, err
			}
			params = fmt.Sprintf("%x", n)
			if count, err := strconv.ParseUint(params, 16, 32); err != nil || count < least || count > maxIterations {
				return types.EncryptionKey{}, fmt.Errorf("the KDC asks for %#x iterations to make a key of the password, which are less than %d or more than %d", n, least, maxIterations)
			}
		}
	}
	value, err := et.StringToKey(s.password, salt, params)
	return types.EncryptionKey{KeyType: id, KeyValue: value}, err
}
