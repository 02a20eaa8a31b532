//go:build unix

package dnsreg

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"github.com/hextet/hextet/internal/dnspeer"
)

// peerKey may update every zone of every server.
var peerKey = dnspeer.Key{Name: "upd.example.test", Secret: secret}

// eachPeer runs a test against BIND, Knot DNS and PowerDNS.
func eachPeer(t *testing.T, f func(t *testing.T, kind dnspeer.Kind)) {
	for _, kind := range dnspeer.Kinds {
		t.Run(string(kind), func(t *testing.T) { f(t, kind) })
	}
}

// foreign are records of example.test that are not ours, some at our name. The TTL is ours: an RRset has one.
var foreign = []string{
	"ns1 IN A 127.0.0.1",
	"other IN A 192.0.2.200", "other IN AAAA 2001:db8::200",
	`host IN TXT "by hand"`, "host IN MX 10 other", "host 1200 IN A 203.0.113.5",
}

// foreignZones are example.test with records that are not ours, and reverse zones.
func foreignZones() []dnspeer.Zone {
	zones := bareZones()
	zones[0].Records = foreign
	return zones
}

// bareZones are example.test with the address of its name server, which BIND wants to see, and reverse zones.
func bareZones() []dnspeer.Zone {
	return []dnspeer.Zone{
		{Name: "example.test", Records: foreign[:1]}, {Name: reverseZones[0]}, {Name: reverseZones[1]},
	}
}

// peer is a server with zones, and a host with a table of addresses.
type peer struct {
	*dnspeer.Peer
	t     *testing.T
	zones []string
	table *AddressTable
}

func startPeer(t *testing.T, kind dnspeer.Kind, zones ...dnspeer.Zone) *peer {
	t.Helper()
	s := dnspeer.Start(t, kind, dnspeer.Config{Zones: zones, Keys: []dnspeer.Key{peerKey}})
	p := &peer{Peer: s, t: t, table: new(AddressTable)}
	for _, z := range zones {
		p.zones = append(p.zones, z.Name)
	}
	return p
}

// in returns the peer for use in a subtest.
func (p *peer) in(t *testing.T) *peer { return &peer{p.Peer.In(t), t, p.zones, p.table} }

// registrar makes one for host.example.test that knows the server and has the key.
func (p *peer) registrar(change ...func(*Config)) *Registrar {
	p.t.Helper()
	cfg := Config{Name: "host.example.test", Source: p.table, Servers: []string{p.Address()}, Auth: TSIG(keyName, "", secret)}
	for _, f := range change {
		f(&cfg)
	}
	r, err := New(cfg)
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

func (p *peer) sync(r *Registrar) {
	p.t.Helper()
	if err := r.Sync(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// all returns the records of all zones.
func (p *peer) all() map[string][]string {
	p.t.Helper()
	records := make(map[string][]string)
	for _, z := range p.zones {
		records[z] = p.Records(z)
	}
	return records
}

func (p *peer) serials() map[string]uint32 {
	p.t.Helper()
	serials := make(map[string]uint32)
	for _, z := range p.zones {
		serials[z] = p.Serial(z)
	}
	return serials
}

// plus returns the records of all zones with those of our name for these addresses, with a TTL of 1200 s: what
// has to be there when they are registered.
func plus(before map[string][]string, addrs ...string) map[string][]string {
	after := make(map[string][]string)
	for z, records := range before {
		after[z] = slices.Clone(records)
	}
	for _, s := range addrs {
		zone := reverseZones[1]
		if netip.MustParseAddr(s).Is4() {
			zone = reverseZones[0]
		}
		after["example.test"] = append(after["example.test"], forwardLine(s))
		after[zone] = append(after[zone], reverseLine(s))
	}
	for _, records := range after {
		slices.Sort(records)
	}
	return after
}

// holds checks every record of every zone but SOA.
func (p *peer) holds(want map[string][]string) {
	p.t.Helper()
	got := p.all()
	for _, z := range p.zones {
		if !slices.Equal(got[z], want[z]) {
			p.t.Errorf("%s at %s:\ngot  %q\nwant %q", z, p.Kind(), got[z], want[z])
		}
	}
}

// tapped is a Dial that calls functions before and after each update is written, if there are any.
type tapped struct {
	record        func(update []byte) // set before use
	mu            sync.Mutex
	before, after func()
}

func (d *tapped) set(before, after func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.before, d.after = before, after
}

func (d *tapped) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &tappedConn{conn, d, network}, nil
}

type tappedConn struct {
	net.Conn
	d       *tapped
	network string
}

func (c *tappedConn) Write(b []byte) (int, error) {
	const opcode, update = 0x78, 5 << 3
	message := b
	if c.network == "tcp" {
		message = b[2:]
	}
	if message[2]&opcode != update {
		return c.Conn.Write(b)
	}
	if c.d.record != nil {
		c.d.record(message)
	}
	c.d.mu.Lock()
	before, after := c.d.before, c.d.after
	c.d.mu.Unlock()
	if before != nil {
		before()
	}
	n, err := c.Conn.Write(b)
	if after != nil {
		after()
	}
	return n, err
}

// inMemory is a dnsregtest.Server on loopback in the place of a real server.
func inMemory(t *testing.T, cfg dnsregtest.Config) (s *dnsregtest.Server, address string) {
	t.Helper()
	s, err := dnsregtest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if address, err = s.Listen("127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	return s, address
}
