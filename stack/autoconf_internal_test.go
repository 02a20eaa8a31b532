package stack

import (
	cryptorand "crypto/rand"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/hextet/hextet/srcselect"
	"github.com/hextet/hextet/stack/internal/ndp"
)

// RFC 4862 section 5.5.3 e, the three cases and their edges.
func TestTwoHours(t *testing.T) {
	const h = time.Hour
	for _, c := range []struct{ received, remaining, want time.Duration }{
		{3 * h, 1 * h, 3 * h},         // greater than 2 hours
		{3 * h, 9 * h, 3 * h},         // that too, though it shortens
		{2*h + 1, 9 * h, 2*h + 1},     //
		{1 * h, h - 1, 1 * h},         // greater than what remains
		{1 * h, 1 * h, 1 * h},         // not more than 2 hours remain: ignored
		{0, 1 * h, 1 * h},             //
		{0, 2 * h, 2 * h},             //
		{0, 2*h + 1, 2 * h},           // 2 hours
		{2 * h, 9 * h, 2 * h},         //
		{1 * h, never, 2 * h},         //
		{never, 1 * h, never},         //
		{never, never, never},         //
		{time.Second, 0, time.Second}, // it ends right now, and is renewed
		{0, time.Nanosecond, 1},       //
	} {
		if got := twoHours(c.received, c.remaining); got != c.want {
			t.Errorf("received %v, remaining %v: %v, want %v", c.received, c.remaining, got, c.want)
		}
	}
}

// RFC 7559 section 2 with RAND at its ends.
func TestNextRetransmission(t *testing.T) {
	for _, c := range []struct {
		random float64
		want   []string
	}{
		{0, []string{"4s", "8s", "16s", "32s", "1m4s", "2m8s", "4m16s", "8m32s", "17m4s", "34m8s", "1h0m0s", "1h0m0s"}},
		{0.1, []string{"4.4s", "9.24s", "19.404s", "40.7484s"}},
		{-0.1, []string{"3.6s", "6.84s", "12.996s", "24.6924s"}},
	} {
		rt := time.Duration(0)
		for n, want := range c.want {
			if rt = nextRetransmission(rt, c.random); rt.Round(time.Microsecond).String() != want {
				t.Errorf("RAND %v, transmission %d: RT %v, want %s", c.random, n+1, rt, want)
			}
		}
	}
	if got := nextRetransmission(time.Hour, -0.1); got != 54*time.Minute {
		t.Errorf("RT %v after MRT with RAND -0.1", got)
	}
}

// python3 -c 'import hmac; print(hmac.new(b"sixteen bytes or", bytes.fromhex("20010db800010000")+bytes([0])+b"eth0", "sha256").digest()[-8:].hex())'
func TestOpaqueIdentifier(t *testing.T) {
	secret := []byte("sixteen bytes or")
	for _, c := range []struct {
		prefix  string
		counter uint8
		want    interfaceID
	}{
		{"2001:db8:1::/64", 0, 0xa2328a8e03a1188f},
		{"2001:db8:1::/64", 1, 0x56b937c2c52db80e},
		{"fe80::/64", 0, 0x4e8158687b51874e},
	} {
		if got := opaque(secret, netip.MustParsePrefix(c.prefix), "eth0", c.counter); got != c.want {
			t.Errorf("%s, DAD_Counter %d: %016x, want %016x", c.prefix, c.counter, uint64(got), uint64(c.want))
		}
	}
}

func TestIdentifiers(t *testing.T) {
	// RFC 2464 section 4: "34-56-78-9A-BC-DE" becomes "36-56-78-FF-FE-9A-BC-DE".
	if got := eui64(net.HardwareAddr{0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde}); got != 0x365678fffe9abcde {
		t.Errorf("%016x", uint64(got))
	}
	for id, want := range map[interfaceID]bool{
		0: true, 1: false,
		0x02005efffe000000: true, 0x02005efffe005213: true, 0x02005efffeffffff: true, 0x02005efffdffffff: false, 0x02005effff000000: false,
		0xfdffffffffffff7f: false, 0xfdffffffffffff80: true, 0xfdffffffffffffff: true, 0xfe00000000000000: false,
	} {
		if id.reserved() != want {
			t.Errorf("%016x: reserved %v, want %v", uint64(id), !want, want)
		}
	}
	for range 1000 {
		if random(cryptorand.Reader).reserved() {
			t.Fatal("a reserved identifier")
		}
	}
	if a, b := random(cryptorand.Reader), random(cryptorand.Reader); a == b {
		t.Errorf("%x twice", uint64(a))
	}
}

// An advertisement that is faster than the interface's first address is no less heard: rule 5.5 sees who
// advertised a prefix.
func TestAdvertisementBeforeTheFirstAddress(t *testing.T) {
	s, err := New(Config{NoTCP: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, far := Pipe(1500)
	defer far.Close()
	i, err := s.attach(InterfaceConfig{Link: l, SLAAC: true})
	if err != nil {
		t.Fatal(err)
	}
	prefix, router := netip.MustParsePrefix("2001:db8::/64"), netip.MustParseAddr("fe80::1")
	ra := &ndp.Advertisement{Router: router, Lifetime: time.Hour, Prefixes: []ndp.Prefix{{Prefix: prefix, Autonomous: true, Valid: time.Hour, Preferred: time.Hour}}}
	i.auto.mu.Lock()
	i.auto.advertisement(s.clock.Now(), ra)
	i.auto.mu.Unlock()
	if err := i.auto.start(); err != nil {
		t.Fatal(err)
	}
	addrs, _ := s.Addresses()
	n := slices.IndexFunc(addrs, func(a srcselect.Address) bool { return prefix.Contains(a.Prefix.Addr()) })
	if n < 0 || !slices.Equal(addrs[n].Routers, []netip.Addr{router}) {
		t.Errorf("%+v", addrs)
	}
	i.auto.mu.Lock()
	defer i.auto.mu.Unlock()
	if !i.auto.solicitAt.IsZero() {
		t.Error("it asks for routers although it has one")
	}
}
