//go:build unix

package dnsreg

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"
)

// beside are records that are not ours: at our names, at the reverse names of our addresses, and elsewhere.
var beside = map[string][]string{
	"example.test": {
		"ns1 IN A 127.0.0.1", "other IN A 192.0.2.200", "other IN AAAA 2001:db8::200",
		`host IN TXT "by hand"`, "host IN MX 10 other", "host 900 IN A 203.0.113.5",
		`mine IN TXT "by hand"`, "mine IN MX 10 other",
	},
	reverseZones[0]: {"1 IN PTR other.example.test.", "200 IN PTR other.example.test.", "201 IN PTR host.example.test."},
	reverseZones[1]: {"0.0.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 IN PTR other.example.test."},
}

// A fuse ends the process, or what stands for it, at a point of its way.
type fuse struct {
	left int    // points to go; 0: not lit
	burn func() // what happens then
	kill bool   // which is the end
	last string // the point that was reached last
	// lose, if it is set, is told each update that is about to be sent, and says whether it gets lost, for now.
	lose func(network string, update []byte) bool
}

// at is called at each point.
func (f *fuse) at(point string) {
	if f.left == 0 {
		return
	}
	f.last = point
	if f.left--; f.left == 0 {
		f.burn()
	}
}

// hooks are the points at which the Registrar calls out.
func (f *fuse) hooks() Hooks {
	return Hooks{
		Decided: func([]Verdict) { f.at("decided") },
		Sending: func(ZonePlan) { f.at("sending") },
		Sent:    func(ZonePlan, error) { f.at("sent") },
	}
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// dial has the points before and after each write, and after what was read.
func (f *fuse) dial(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &fusedConn{conn, f, network}, nil
	}
}

type fusedConn struct {
	net.Conn
	f       *fuse
	network string
}

func (c *fusedConn) Write(b []byte) (int, error) {
	c.f.at("before a write")
	if c.f.lose != nil && isUpdate(c.network, b) && c.f.lose(c.network, b) {
		return len(b), nil
	}
	n, err := c.Conn.Write(b)
	if c.f.left == 1 && c.f.kill {
		c.Conn.Read(make([]byte, 1<<16)) // it is carried out, and nobody hears of it
	}
	c.f.at("after a write")
	return n, err
}

func (c *fusedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil {
		c.f.at("after a read")
	}
	return n, err
}

func isUpdate(network string, b []byte) bool {
	if network == "tcp" {
		b = b[2:]
	}
	return b[2]&0x78 == 5<<3 // the opcode
}

// killSite is where lives take place.
type killSite struct {
	server string
	dial   dialFunc
	state  State // nil: none
	fuse   *fuse // nil: nothing burns
}

func (s killSite) registrar(l hostLife, table *AddressTable) (*Registrar, error) {
	cfg := Config{
		Source: table, Servers: []string{s.server}, Auth: TSIG(keyName, "", secret), Dial: s.dial, State: s.state,
		TTL: time.Duration(l.TTL) * time.Second,
	}
	for _, label := range l.Names {
		cfg.Names = append(cfg.Names, HostName{Name: label + ".example.test"})
	}
	if l.Owner != "" {
		cfg.Owner = OwnerTXT(l.Owner)
	}
	if s.fuse != nil {
		cfg.Dial, cfg.Hooks = s.fuse.dial(s.dial), s.fuse.hooks()
	}
	return New(cfg)
}

// live goes through lives. The fuse, if there is one, is lit for the last of them, for so many points.
func (s killSite) live(ctx context.Context, points int, lives ...hostLife) error {
	table := new(AddressTable)
	var r *Registrar
	for i, l := range lives {
		if r == nil || !l.continues(lives[i-1]) {
			var err error
			if r, err = s.registrar(l, table); err != nil {
				return err
			}
		}
		table.Set(host(l.table()...)...)
		if s.fuse != nil && i == len(lives)-1 {
			s.fuse.left = points
		}
		var err error
		if l.Remove {
			err = r.Deregister(ctx)
		} else {
			err = r.Sync(ctx)
		}
		if err != nil {
			return fmt.Errorf("%v: %w", l, err)
		}
	}
	return nil
}

// A scene is what a host does until it is killed, in the last of the lives.
type scene struct {
	name  string
	lives []hostLife
}

var (
	ours  = []string{"host", "www"}
	owned = []string{"mine", "www"}
)

const (
	someAddrs = "192.0.2.1 192.0.2.2 192.0.2.3/skip 2001:db8::1"
	moreAddrs = "192.0.2.1 192.0.2.2 192.0.2.3/skip 192.0.2.4 2001:db8::1 2001:db8::2"
	flipped   = "192.0.2.1/skip 192.0.2.2 192.0.2.3 2001:db8::1/skip"
	newAddrs  = "192.0.2.3 192.0.2.5 2001:db8::3"
)

// scenes have a bit of everything; moreScenes only vary them.
var scenes = []scene{
	{"first registration", []hostLife{{Names: ours, Table: someAddrs}}},
	{"a flag is set and another taken away", []hostLife{{Names: ours, Table: someAddrs}, {Names: ours, Table: flipped}}},
	{"another TTL", []hostLife{{Names: ours, Table: someAddrs}, {Names: ours, Table: moreAddrs, TTL: 600}}},
	{"other names", []hostLife{{Names: ours, Table: someAddrs}, {Names: []string{"new", "www"}, Table: flipped}}},
	{"deregistration", []hostLife{{Names: ours, Table: someAddrs}, {Names: ours, Table: someAddrs, Remove: true}}},
	{"a mark is put", []hostLife{{Names: owned, Table: someAddrs}, {Names: owned, Table: moreAddrs, Owner: "this"}}},
	{"marked, all addresses go", []hostLife{{Names: owned, Table: someAddrs, Owner: "this"}, {Names: owned, Table: "192.0.2.1/skip", Owner: "this"}}},
	{"another mark", []hostLife{{Names: owned, Table: someAddrs, Owner: "this"}, {Names: owned, Table: newAddrs, Owner: "that"}}},
}

var moreScenes = []scene{
	{"addresses are added", []hostLife{{Names: ours, Table: someAddrs}, {Names: ours, Table: moreAddrs}}},
	{"all IPv4 addresses go", []hostLife{{Names: ours, Table: someAddrs}, {Names: ours, Table: "2001:db8::1"}}},
	{"other addresses, then others again", []hostLife{{Names: ours, Table: someAddrs}, {Names: ours, Table: newAddrs}, {Names: ours, Table: flipped}}},
	{"one more name", []hostLife{{Names: ours[:1], Table: someAddrs}, {Names: ours, Table: someAddrs}}},
	{"one name less", []hostLife{{Names: ours, Table: someAddrs}, {Names: ours[1:], Table: someAddrs}}},
	{"all names change", []hostLife{{Names: ours, Table: someAddrs}, {Names: []string{"new", "newer"}, Table: flipped}}},
	{"first registration with a mark", []hostLife{{Names: owned, Table: someAddrs, Owner: "this"}}},
	{"marked, a flag is set", []hostLife{{Names: owned, Table: someAddrs, Owner: "this"}, {Names: owned, Table: flipped, Owner: "this"}}},
	{"no mark any more", []hostLife{{Names: owned, Table: someAddrs, Owner: "this"}, {Names: owned, Table: newAddrs}}},
}

// last is the life in which a scene ends.
func (s scene) last() hostLife { return s.lives[len(s.lives)-1] }

// sequels are the lives with which the host may go on after a life in which it was killed.
func (l hostLife) sequels() []hostLife {
	again, moved, nothing, away := l, l, l, l
	again.Remove = false
	moved.Remove, moved.Table = false, "192.0.2.7 192.0.2.2/skip 2001:db8::7"
	nothing.Remove, nothing.Table = false, "192.0.2.9/skip"
	renamed := moved
	renamed.Names = []string{"third"}
	away.Remove, away.Table = true, "192.0.2.9"
	return []hostLife{moved, again, renamed, nothing, away}
}

func TestKillModel(t *testing.T) {
	z := zones{"example.test": {"mine.example.test. 300 IN TXT \"by hand\""}, reverseZones[0]: {"1.2.0.192.in-addr.arpa. 300 IN PTR other.example.test."}}
	got := z.with(hostLife{Names: owned, Table: "192.0.2.1 192.0.2.2/skip", Owner: "this"})
	want := zones{
		"example.test": {
			"mine.example.test. 1200 IN A 192.0.2.1", `mine.example.test. 300 IN TXT "by hand"`, `mine.example.test. 300 IN TXT "heritage=hextet,owner=this"`,
			"www.example.test. 1200 IN A 192.0.2.1", `www.example.test. 1200 IN TXT "heritage=hextet,owner=this"`,
		},
		reverseZones[0]: {"1.2.0.192.in-addr.arpa. 300 IN PTR mine.example.test.", "1.2.0.192.in-addr.arpa. 300 IN PTR other.example.test."},
	}
	if diff := got.differ(want); diff != "" {
		t.Error(diff)
	}
	if got.differ(z) == "" || z.differ(got) == "" {
		t.Error("a difference is not seen")
	}
}
