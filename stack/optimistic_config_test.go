package stack_test

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/internal/ndp"
)

func TestOptimisticConfig(t *testing.T) {
	s := newStack(t, stack.Config{NoTCP: true})
	for _, cfg := range []stack.InterfaceConfig{
		{OptimisticDAD: true},
		{OptimisticDAD: true, DAD: true},
		{OptimisticDAD: true, SLAAC: true},
	} {
		cfg.Link, _ = ethernet()
		if _, err := s.Attach(cfg); err == nil || !strings.Contains(err.Error(), "OptimisticDAD without") {
			t.Errorf("SLAAC %v, DAD %v: %v", cfg.SLAAC, cfg.DAD, err)
		}
	}
}

// Which addresses are used before they are known to be unique, and which wait.
func TestOptimisticWhich(t *testing.T) {
	with := func(change func(*stack.InterfaceConfig)) stack.InterfaceConfig {
		cfg := optimisticConfig
		change(&cfg)
		return cfg
	}
	for _, c := range []struct {
		name   string
		cfg    stack.InterfaceConfig
		silent bool // the router does not say its link-layer address
		want   string
	}{
		{"as asked for", optimisticConfig, false, "optimistic"},
		{"not asked for", with(func(c *stack.InterfaceConfig) { c.OptimisticDAD = false }), false, "tentative"},
		{"RFC 4429 section 3.2, the router is not known", optimisticConfig, true, "tentative"},
		{"RFC 4429 section 3.3, a router", with(func(c *stack.InterfaceConfig) { c.Forward = true }), false, "tentative"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, i, r := slaacHost(t, stack.Config{NoTCP: true}, c.cfg)
				if err := i.AddAddress(plain("2001:db8:77::1/64")); err != nil { // RFC 4429 section 3.1: no typed-in address
					t.Fatal(err)
				}
				ra := from(router1, "2001:db8:1::/64")
				if c.silent {
					r.write(ra.Packet(ndp.AllNodes, nil))
				} else {
					r.advertise(ra)
				}
				expectAddresses(t, i, "2001:db8:77::1/64 tentative", formed.String()+"/64 "+c.want)
				if a := i.Addresses()[0]; a.Origin != stack.OriginLinkLocal || a.State != stack.Tentative {
					t.Errorf("%+v", a)
				}
				start := time.Now()
				if err := i.WaitAssigned(t.Context()); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took != time.Second {
					t.Errorf("detection took %v, want 1 s", took)
				}
				if err := i.AddAddress(plain("2001:db8:78::1/64")); err != nil {
					t.Fatal(err)
				}
				expectAddresses(t, i, "2001:db8:77::1/64 assigned", formed.String()+"/64 assigned", "2001:db8:78::1/64 tentative")
			})
		})
	}
}

// A router that said its link-layer address once is known.
func TestOptimisticRouterKnownLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, i, r := slaacHost(t, stack.Config{NoTCP: true}, optimisticConfig)
		silent := from(router1, "2001:db8:1::/64")
		r.write(silent.Packet(ndp.AllNodes, nil))
		expectAddresses(t, i, formed.String()+"/64 tentative")
		r.advertise(silent)
		expectAddresses(t, i, formed.String()+"/64 tentative") // what has begun goes on
		pass(time.Second)
		if err := i.RemoveAddress(formed); err != nil {
			t.Fatal(err)
		}
		r.write(silent.Packet(ndp.AllNodes, nil))
		expectAddresses(t, i, formed.String()+"/64 optimistic")
	})
}

// Without neighbours there is no detection.
func TestOptimisticWithoutHardwareAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := stack.Pipe(1500)
		defer far.Close()
		s := newStack(t, stack.Config{NoTCP: true})
		cfg := optimisticConfig
		cfg.Name, cfg.Link = "tun0", near
		i, err := s.Attach(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ra := from(router1, "2001:db8:1::/64")
		far.WritePackets([][]byte{ra.Packet(ndp.AllNodes, routerMAC)})
		synctest.Wait()
		if as := i.Addresses(); len(as) != 2 || as[1].State != stack.Assigned {
			t.Errorf("%+v", as)
		}
	})
}

// RFC 4862 section 5.1: detection waits for the RetransTimer that the router advertised.
func TestOptimisticRetransTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, i, r := slaacHost(t, stack.Config{NoTCP: true}, optimisticConfig)
		ra := from(router1, "2001:db8:1::/64")
		ra.Retrans = 300 * time.Millisecond
		r.advertise(ra)
		expectAddresses(t, i, formed.String()+"/64 optimistic")
		pass(300*time.Millisecond - 1)
		expectAddresses(t, i, formed.String()+"/64 optimistic")
		pass(1)
		expectAddresses(t, i, formed.String()+"/64 assigned")
	})
}

// Of addresses that differ in nothing else, the one that is known to be unique speaks (RFC 6724 section 5, rule
// 3, which takes optimistic addresses for deprecated).
func TestOptimisticIsChosenLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, i, r := slaacHost(t, stack.Config{NoTCP: true}, optimisticConfig)
		if err := i.AddAddress(plain("2001:db8:fff0::1/64")); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Second)
		r.advertise(from(router1, "2001:db8:1::/64"))
		const dst = "2001:db8:1:ffff::1" // nearer to formed by rule 8
		if got := source(t, s, dst); got != "2001:db8:fff0::1" {
			t.Errorf("source %s", got)
		}
		ex, err := s.Explain(netip.MustParseAddr(dst))
		if err != nil || !strings.Contains(ex.String(), formed.String()+"/64  if1  optimistic") {
			t.Errorf("%v\n%v", err, ex)
		}
		pass(time.Second)
		if got := source(t, s, dst); got != formed.String() {
			t.Errorf("source %s once it is assigned", got)
		}
	})
}
