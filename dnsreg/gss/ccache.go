package gss

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/types"
)

// ccachePath returns the path of the credentials cache file, and whether nobody has named it: anybody may put a file
// there then.
func (cfg *Config) ccachePath() (path string, unnamed bool, err error) {
	name, from := cfg.CCache, "Config.CCache"
	if name == "" {
		name, from = os.Getenv("KRB5CCNAME"), "KRB5CCNAME"
	}
	if name == "" {
		return fmt.Sprintf("/tmp/krb5cc_%d", os.Getuid()), true, nil
	}
	// A colon after a single letter is a Windows drive's.
	if kind, path, found := strings.Cut(name, ":"); found && len(kind) > 1 {
		if kind != "FILE" {
			return "", false, fmt.Errorf("gss: %s: %q: only caches that are files are supported, FILE:path", from, name)
		}
		name = path
	}
	return name, false, nil
}

// ccacheSource takes the ticket that somebody else got.
type ccacheSource struct {
	path    string
	unnamed bool      // see ccachePath
	who     principal // zero: anybody
}

func (s ccacheSource) String() string {
	if s.who.realm == "" {
		return "ccache " + s.path
	}
	return fmt.Sprintf("%s by ccache %s", s.who, s.path)
}

func (s ccacheSource) tgt(_ context.Context, k *kdcs) (*ticket, error) {
	t, err := s.read(k.clock.Now())
	if err != nil {
		return nil, &stepError{Credentials, permanent("ccache %s: %w", s.path, err)}
	}
	return t, nil
}

// maxCCache bounds what is read of a file; tickets with many groups have some ten thousand octets each.
const maxCCache = 16 << 20

func (s ccacheSource) read(now time.Time) (*ticket, error) {
	open := os.Open
	if s.unnamed {
		open = openOwn
	}
	f, err := open(s.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxCCache))
	if err != nil {
		return nil, err
	}
	t, err := grantingTicket(b)
	switch {
	case err != nil:
		return nil, err
	case s.who.realm != "" && !s.who.equal(t.client):
		return nil, fmt.Errorf("it belongs to %s, not to %s", t.client, s.who)
	case !now.Before(t.end):
		return nil, fmt.Errorf("the ticket of %s expired at %s", t.client, t.end.UTC().Format("2006-01-02 15:04:05Z"))
	}
	return t, nil
}

var errCCache = errors.New("it is no credentials cache of version 3 or 4")

// grantingTicket finds the ticket-granting ticket for the owner's realm. The format is MIT's: a version, a header
// from version 4 on, the owner, and credentials to the end.
func grantingTicket(b []byte) (*ticket, error) {
	if len(b) < 2 || b[0] != 5 || b[1] != 3 && b[1] != 4 {
		return nil, errCCache
	}
	c := &cursor{b: b[2:], twice: b[1] == 3}
	if b[1] == 4 {
		c.take(int(c.u16()))
	}
	owner := c.principal()
	want := principal{granting(owner.realm), owner.realm}
	for len(c.b) > 0 && !c.short {
		client, server, t := c.credential()
		if c.short || !client.equal(owner) || !server.equal(want) {
			continue
		}
		if err := safely(func() error { return t.Unmarshal(t.raw) }); err != nil {
			return nil, fmt.Errorf("its ticket: %w", err)
		}
		if !t.SName.Equal(want.name) {
			return nil, errors.New("its ticket is for another service than it says")
		}
		t.client = owner
		return &t.ticket, nil
	}
	if c.short {
		return nil, errors.New("it ends too early")
	}
	return nil, fmt.Errorf("it has no ticket-granting ticket for %s", owner.realm)
}

// cursor reads big-endian fields, and zeros once there are no more.
type cursor struct {
	b     []byte
	twice bool // version 3 has a key's type twice
	short bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.b, c.short = nil, true
		return nil
	}
	out := c.b[:n]
	c.b = c.b[n:]
	return out
}

func (c *cursor) u16() uint16 {
	if b := c.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if b := c.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) data() []byte    { return c.take(int(int32(c.u32()))) }
func (c *cursor) time() time.Time { return time.Unix(int64(c.u32()), 0) }

func (c *cursor) principal() principal {
	p := principal{name: types.PrincipalName{NameType: int32(c.u32())}}
	n := c.u32()
	p.realm = string(c.data())
	for ; n > 0 && !c.short; n-- {
		p.name.NameString = append(p.name.NameString, string(c.data()))
	}
	return p
}

// rawTicket is a ticket that is not parsed yet.
type rawTicket struct {
	ticket
	raw []byte
}

func (c *cursor) credential() (client, server principal, t rawTicket) {
	client, server = c.principal(), c.principal()
	t.key.KeyType = int32(c.u16())
	if c.twice {
		c.u16()
	}
	t.key.KeyValue = append([]byte(nil), c.data()...)
	c.take(8) // times of the authentication and of the ticket's start
	t.end = c.time()
	c.take(4 + 1 + 4) // the time it can be renewed until, is_skey, flags
	for range 2 {     // addresses and authorization data: a type and data each
		for n := c.u32(); n > 0 && !c.short; n-- {
			c.u16()
			c.data()
		}
	}
	t.raw = c.data()
	c.data() // the second ticket
	return client, server, t
}
