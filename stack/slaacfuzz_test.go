package stack_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/internal/ndp"
)

// Whatever routers say, in whatever order and with whatever pauses: what is kept stays within its bounds,
// the addresses are what source selection sees, and when all lifetimes are over nothing is left.
func FuzzRouters(f *testing.F) {
	f.Add([]byte{1, 0x11, 60, 60, 0xc0, 2, 0x12, 200, 10, 0xc0, 1, 0x11, 0, 0, 0xc0})
	f.Add([]byte{3, 0x31, 255, 255, 0x40, 9, 0x01, 1, 1, 0x80, 3, 0x31, 9, 0, 0x40})
	f.Fuzz(func(t *testing.T, script []byte) {
		script = script[:min(len(script), 500)]
		synctest.Test(t, func(t *testing.T) {
			s, i, r := slaacHost(t, stack.Config{NoTCP: true}, stack.InterfaceConfig{SLAAC: true, DAD: len(script)%2 == 0, TemporaryAddresses: true})
			for ; len(script) >= 5; script = script[5:] {
				r.advertise(scripted(script))
				pass(time.Duration(script[0]>>4) * 20 * time.Minute)
				checkBounds(t, s, i)
			}
			pass(5 * 24 * time.Hour) // what is for ever is ended by hand
			var last ndp.Advertisement
			for _, router := range i.RouterInfo().Routers {
				last.Router = router.Addr.WithZone("")
				r.advertise(last)
			}
			for _, route := range i.RouterInfo().Routes {
				r.advertise(ndp.Advertisement{Router: route.Router.WithZone(""), Routes: []ndp.Route{{Prefix: route.Destination}}})
			}
			for _, p := range i.RouterInfo().Prefixes {
				for _, router := range append(p.Routers, router1) {
					r.advertise(ndp.Advertisement{Router: router.WithZone(""), Prefixes: []ndp.Prefix{{Prefix: p.Prefix, OnLink: true, Autonomous: true}}})
				}
			}
			pass(5 * 24 * time.Hour)
			expectAddresses(t, i)
			expectRoutes(t, s)
			if got := i.RouterInfo().String(); got != "0 routers, 0 routes, 0 prefixes, 0 DNS servers, 0 search domains" {
				t.Errorf("left: %+v", i.RouterInfo())
			}
		})
	})
}

// scripted makes an advertisement of five bytes.
func scripted(b []byte) ndp.Advertisement {
	lifetime := func(x byte) time.Duration {
		if x == 255 {
			return ndp.Forever
		}
		return time.Duration(x) * 10 * time.Minute
	}
	router := netip.MustParseAddr("fe80::1").As16()
	router[15] = 1 + b[0]&3
	prefix := netip.MustParseAddr("2001:db8::").As16()
	prefix[5] = b[1] & 15
	p := netip.PrefixFrom(netip.AddrFrom16(prefix), []int{64, 64, 64, 48}[b[1]>>4&3])
	ra := ndp.Advertisement{
		Router: netip.AddrFrom16(router), Lifetime: time.Duration(b[2]&7) * time.Minute, Managed: b[4]&1 != 0,
		Prefixes: []ndp.Prefix{{Prefix: p, OnLink: b[4]&0x80 != 0, Autonomous: b[4]&0x40 != 0, Valid: lifetime(b[2]), Preferred: lifetime(b[3])}},
	}
	if b[4]&2 != 0 {
		ra.Routes = []ndp.Route{{Prefix: p.Masked(), Preference: ndp.Preference(b[4]>>2&1) - 1, Lifetime: lifetime(b[3])}}
	}
	if b[4]&8 != 0 {
		ra.Servers = []ndp.Server{{Addr: netip.AddrFrom16(prefix).Next(), Lifetime: lifetime(b[2] &^ 128)}}
	}
	return ra
}

func checkBounds(t *testing.T, s *stack.Stack, i *stack.Interface) {
	t.Helper()
	info := i.RouterInfo()
	if len(info.Routers)+len(info.Routes) > 64 || len(info.Prefixes) > 32 || len(info.Servers) > 16 || len(i.Addresses()) > 1+32*9 {
		t.Fatalf("%v, %d addresses", info, len(i.Addresses()))
	}
	seen := make(map[netip.Addr]bool)
	candidates, _ := s.Addresses()
	for _, c := range candidates {
		seen[c.Prefix.Addr()] = c.Deprecated
	}
	now := time.Now()
	for _, a := range i.Addresses() {
		deprecated, ok := seen[a.Prefix.Addr()]
		switch {
		case !ok || deprecated != a.Deprecated:
			t.Fatalf("%+v is not what source selection sees", a)
		case !a.ValidUntil.IsZero() && !a.ValidUntil.After(now):
			t.Fatalf("%v is over and still there", a.Prefix)
		case !a.ValidUntil.IsZero() && a.PreferredUntil.After(a.ValidUntil):
			t.Fatalf("%v is preferred beyond its end", a.Prefix)
		case !a.PreferredUntil.IsZero() && a.Deprecated == a.PreferredUntil.After(now):
			t.Fatalf("%v: deprecated %v, preferred until %v, now %v", a.Prefix, a.Deprecated, a.PreferredUntil, now)
		}
	}
}
