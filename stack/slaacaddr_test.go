package stack_test

import (
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hextet/hextet/srcselect"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/internal/ndp"
)

// temporary returns the interface's temporary addresses.
func temporary(i *stack.Interface) (as []stack.AddressInfo) {
	for _, a := range i.Addresses() {
		if a.Temporary {
			as = append(as, a)
		}
	}
	return as
}

// Temporary addresses follow each other: preferred for less than a day, valid for two.
func TestTemporaryAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, i, r := slaacHost(t, stack.Config{NoTCP: true}, stack.InterfaceConfig{SLAAC: true, DAD: true, TemporaryAddresses: true})
		ra := from(router1, "2001:db8:1::/64")
		ra.Prefixes[0].Valid, ra.Prefixes[0].Preferred = 30*24*time.Hour, 7*24*time.Hour
		start := time.Now()
		seen := make(map[netip.Addr]stack.AddressInfo)
		for time.Since(start) < 10*24*time.Hour {
			r.advertise(ra)
			pass(5 * time.Minute)
			ts := temporary(i)
			preferred := 0
			for _, a := range ts {
				if was, ok := seen[a.Prefix.Addr()]; ok && (was.ValidUntil != a.ValidUntil || was.PreferredUntil != a.PreferredUntil) {
					t.Fatalf("%v: an advertisement moved the bounds from %v, %v to %v, %v", a.Prefix, was.PreferredUntil, was.ValidUntil, a.PreferredUntil, a.ValidUntil)
				}
				seen[a.Prefix.Addr()] = a
				if !a.Deprecated {
					preferred++
				}
			}
			if preferred == 2 { // for REGEN_ADVANCE, 5 s
				pass(5 * time.Second)
				ts = temporary(i)
				if !ts[len(ts)-2].Deprecated {
					t.Fatalf("%v is still preferred beside its successor", ts[len(ts)-2].Prefix)
				}
				preferred--
			}
			if preferred != 1 || len(ts) > 5 {
				t.Fatalf("after %v: %d temporary addresses, %d preferred", time.Since(start), len(ts), preferred)
			}
			if got := source(t, s, "2001:db8:ffff::1"); got != ts[len(ts)-1].Prefix.Addr().String() {
				t.Fatalf("source %s, want the newest temporary address of %v (rule 7)", got, ts)
			}
		}
		// 10 days of 14.4 to 24 hours each.
		if n := len(seen); n < 10 || n > 18 {
			t.Errorf("%d temporary addresses in ten days", n)
		}
	})
}

// Their lifetimes are not longer than the prefix's, and none is made for a prefix that soon ends.
func TestTemporaryAddressesOfShortPrefixes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, i, r := slaacHost(t, stack.Config{NoTCP: true}, stack.InterfaceConfig{SLAAC: true, TemporaryAddresses: true})
		ra := from(router1, "2001:db8:1::/64")
		ra.Prefixes[0].Valid, ra.Prefixes[0].Preferred = 10*time.Second, 5*time.Second // REGEN_ADVANCE
		r.advertise(ra)
		if got := temporary(i); len(got) != 0 {
			t.Errorf("%v", got)
		}
		ra.Prefixes[0].Preferred = 6 * time.Second
		r.advertise(ra)
		now := time.Now()
		got := temporary(i)
		if len(got) != 1 || !got[0].PreferredUntil.Equal(now.Add(6*time.Second)) || !got[0].ValidUntil.Equal(now.Add(10*time.Second)) {
			t.Fatalf("%+v", got)
		}
		pass(3 * time.Second)
		r.advertise(ra) // renewed in time: no other is needed
		if again := temporary(i); len(again) != 1 || !again[0].PreferredUntil.Equal(now.Add(9*time.Second)) {
			t.Errorf("%+v", again)
		}
		pass(10 * time.Second)
		expectAddresses(t, i)
	})
}

// The flags are there before the address can be chosen, and stay through detection and renewals.
func TestOnAutoAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		s, i, r := slaacHost(t, stack.Config{NoTCP: true}, stack.InterfaceConfig{
			SLAAC: true, DAD: true, TemporaryAddresses: true,
			OnAutoAddress: func(a stack.AddressInfo) stack.AddressFlags {
				kind := a.Origin.String()
				if a.Temporary {
					kind = "temporary"
				}
				asked = append(asked, kind+" "+a.State.String())
				return stack.AddressFlags{SkipAsSource: !a.Temporary, Deprecated: a.Temporary, HomeAddress: a.Temporary}
			},
		})
		var chosen []string
		done := make(chan struct{})
		go func() { // whatever is to be seen, no address is ever a candidate without its flags
			defer close(done)
			for e := range s.Watch(t.Context()) {
				if a, ok := e.(stack.AddressEvent); ok && !a.Removed && (a.SkipAsSource == a.Temporary || a.Deprecated != a.Temporary) {
					chosen = append(chosen, a.String())
				}
			}
		}()
		ra := from(router1, "2001:db8:1::/64")
		for range 3 {
			r.advertise(ra)
			pass(10 * time.Minute)
		}
		if got := source(t, s, "2001:db8:ffff::1"); got != temporary(i)[0].Prefix.Addr().String() || !temporary(i)[0].HomeAddress {
			t.Errorf("source %s of %+v", got, i.Addresses())
		}
		i.RemoveAddress(temporary(i)[0].Prefix.Addr())
		if _, err := s.Explain(netip.MustParseAddr("2001:db8:ffff::1")); !errors.Is(err, srcselect.ErrNoSource) {
			t.Errorf("with only skipped ones left: %v", err)
		}
		if want := []string{"link-local tentative", "advertised tentative", "temporary tentative"}; !slices.Equal(asked, want) {
			t.Errorf("asked about %q, want %q", asked, want)
		}
		s.Close()
		<-done
		if chosen != nil {
			t.Errorf("without their flags: %q", chosen)
		}
	})
}

// RFC 7217: the same in every run, another under each prefix, name and secret, and another after a
// duplicate.
func TestStableSecret(t *testing.T) {
	form := func(secret string, name string, duplicates int) (ll, global string) {
		synctest.Test(t, func(t *testing.T) {
			_, i, r := slaacHost(t, stack.Config{NoTCP: true}, stack.InterfaceConfig{SLAAC: true, DAD: true, StableSecret: []byte(secret)})
			r.advertise(from(router1, "2001:db8:1::/64"))
			for range duplicates {
				r.mu.Lock()
				for _, a := range i.Addresses() {
					r.taken[a.Prefix.Addr()] = true
				}
				r.mu.Unlock()
				pass(100 * time.Millisecond)
				for _, a := range i.Addresses() { // a probe may have been answered before that address was taken
					r.defend(a.Prefix.Addr())
				}
				pass(0)
			}
			pass(5 * time.Second)
			as := i.Addresses()
			if len(as) != 2 || as[0].State != stack.Assigned || as[1].State != stack.Assigned {
				t.Fatalf("%+v", as)
			}
			for _, a := range as {
				if a.Origin == stack.OriginLinkLocal {
					ll = a.Prefix.Addr().String()
				} else {
					global = a.Prefix.Addr().String()
				}
			}
		})
		return ll, global
	}
	const secret = "sixteen bytes or"
	ll, global := form(secret, "eth0", 0)
	if again, globally := form(secret, "eth0", 0); again != ll || globally != global {
		t.Errorf("%s and %s, then %s and %s", ll, global, again, globally)
	}
	if other, globally := form("another sixteen b", "eth0", 0); other == ll || globally == global {
		t.Errorf("another secret: %s and %s again", ll, global)
	}
	if strings.TrimPrefix(ll, "fe80::") == strings.TrimPrefix(global, "2001:db8:1:0:") || strings.Contains(global, "ff:fe") {
		t.Errorf("%s and %s", ll, global)
	}
	if next, globally := form(secret, "eth0", 1); next == ll || globally == global {
		t.Errorf("after a duplicate: %s and %s again", ll, global)
	}
}

// RFC 4862 section 5.4.5.
func TestDuplicateLinkLocalDisablesTheInterface(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, i, r := slaacHost(t, stack.Config{NoTCP: true}, stack.InterfaceConfig{SLAAC: true, DAD: true})
		i.AddAddress(plain("192.0.2.1/24"))
		r.mu.Lock()
		r.all = true
		r.mu.Unlock()
		for _, a := range i.Addresses() {
			r.defend(a.Prefix.Addr())
		}
		synctest.Wait()
		select {
		case <-i.Done():
		default:
			t.Fatal("the interface works on")
		}
		if err := i.Err(); err == nil || !strings.Contains(err.Error(), "RFC 4862 section 5.4.5") {
			t.Errorf("%v", err)
		}
		if err := i.WaitAssigned(t.Context()); err == nil || !strings.Contains(err.Error(), "5.4.5") {
			t.Errorf("WaitAssigned: %v", err)
		}
		r.packets(0)
		pass(time.Hour)
		r.mu.Lock()
		if len(r.seen) != 0 {
			t.Errorf("it sent %x", r.seen[0])
		}
		r.mu.Unlock()
		if ex, err := s.Explain(netip.MustParseAddr("192.0.2.9")); err == nil {
			t.Errorf("it would send:\n%v", ex)
		}
	})
}

// A duplicate of an address from the hardware address, or the program's, disables nothing.
func TestDuplicateStableAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, i, r := slaacHost(t, stack.Config{NoTCP: true}, stack.InterfaceConfig{SLAAC: true, DAD: true})
		r.take(netip.MustParseAddr("2001:db8:1::ff:fe00:1"))
		r.take(netip.MustParseAddr("fe80::77"))
		if err := i.AddAddress(plain("fe80::77/64")); err != nil {
			t.Fatal(err)
		}
		ra := from(router1, "2001:db8:1::/64")
		r.advertise(ra)
		pass(time.Second)
		r.advertise(ra)
		expectAddresses(t, i, "fe80::77/64 duplicate", "2001:db8:1::ff:fe00:1/64 duplicate")
		if err := i.Err(); err != nil {
			t.Error(err)
		}
		pass(24 * time.Hour)
		expectAddresses(t, i, "fe80::77/64 duplicate")
	})
}

// RFC 8981 section 3.4: another identifier, TEMP_IDGEN_RETRIES times, then no more.
func TestDuplicateTemporaryAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logged := make(chan slog.Record, 100)
		_, i, r := slaacHost(t, stack.Config{NoTCP: true, Logger: slog.New(logFunc(func(r slog.Record) { logged <- r }))},
			stack.InterfaceConfig{SLAAC: true, DAD: true, TemporaryAddresses: true, StableSecret: []byte("sixteen bytes or")})
		pass(2 * time.Second) // the link-local address is its own
		r.mu.Lock()
		r.all = true
		r.mu.Unlock()
		r.advertise(from(router1, "2001:db8:1::/64"))
		for range 10 {
			pass(time.Minute)
			r.advertise(from(router1, "2001:db8:1::/64"))
		}
		pass(3 * 24 * time.Hour)
		if ts := temporary(i); len(ts) != 0 {
			t.Errorf("%v", ts)
		}
		close(logged)
		tried, gaveUp := 0, 0
		for rec := range logged {
			if rec.Level == slog.LevelError {
				gaveUp++
			} else if rec.Message == "duplicate address" {
				tried++
			}
		}
		// Four stable ones: IDGEN_RETRIES more than one. While they last, four temporary ones.
		if gaveUp > 1 || tried < 4 || tried > 8 {
			t.Errorf("%d duplicates, gave up %d times", tried, gaveUp)
		}
	})
}

// On a link of bare IP packets the identifiers are made up, and the link-local address too.
func TestSLAACWithoutHardwareAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := stack.Pipe(1500)
		defer far.Close()
		s := newStack(t, stack.Config{NoTCP: true})
		i, err := s.Attach(stack.InterfaceConfig{Name: "tun0", Link: near, SLAAC: true})
		if err != nil {
			t.Fatal(err)
		}
		ra := from(router1, "2001:db8:1::/64")
		far.WritePackets([][]byte{ra.Packet(ndp.AllNodes, nil)})
		synctest.Wait()
		as := i.Addresses()
		if len(as) != 2 || !as[0].Prefix.Addr().IsLinkLocalUnicast() || as[1].State != stack.Assigned {
			t.Fatalf("%+v", as)
		}
		if got := source(t, s, "2001:db8:ffff::1"); got != as[1].Prefix.Addr().String() {
			t.Errorf("source %s", got)
		}
	})
}
