package dnsreg

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hextet/hextet/srcselect"
)

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func TestPolicyVerdicts(t *testing.T) {
	on := func(s string, index int) srcselect.Address {
		return srcselect.Address{Prefix: netip.MustParsePrefix(s), Interface: index}
	}
	mobile := func(home, careOf bool) srcselect.Address {
		a := on("2001:db8::1/64", 1)
		a.HomeAddress, a.CareOf = home, careOf
		return a
	}
	v4, v6 := on("192.0.2.1/24", 1), on("2001:db8::1/64", 2)
	for _, test := range []struct {
		p    Policy
		a    srcselect.Address
		want Reason
	}{
		{Policy{}, v4, Registered},
		{Policy{}, v6, Registered},
		{Policy{NoIPv4: true}, v4, ExcludedFamily},
		{Policy{NoIPv4: true}, v6, Registered},
		{Policy{NoIPv6: true}, v4, Registered},
		{Policy{NoIPv6: true}, v6, ExcludedFamily},
		{Policy{Prefixes: prefixes("192.0.2.0/24")}, v4, Registered},
		{Policy{Prefixes: prefixes("192.0.2.0/24")}, v6, OtherPrefix},
		{Policy{Prefixes: prefixes("192.0.2.0/32", "2001:db8::/32")}, v4, OtherPrefix},
		{Policy{Prefixes: prefixes("192.0.2.0/32", "2001:db8::/32")}, v6, Registered},
		{Policy{Prefixes: prefixes("0.0.0.0/0")}, v6, OtherPrefix},
		{Policy{Prefixes: prefixes("::/0")}, v4, OtherPrefix},
		{Policy{Prefixes: prefixes("::ffff:192.0.2.0/120")}, v4, Registered},
		{Policy{Prefixes: prefixes("::ffff:192.0.2.0/128")}, v4, OtherPrefix},
		{Policy{NotPrefixes: prefixes("192.0.2.1/32")}, v4, ExcludedPrefix},
		{Policy{NotPrefixes: prefixes("192.0.2.2/32")}, v4, Registered},
		{Policy{NotPrefixes: prefixes("::ffff:0.0.0.0/96")}, v4, ExcludedPrefix},
		{Policy{NotPrefixes: prefixes("::ffff:0.0.0.0/96")}, v6, Registered},
		{Policy{Prefixes: prefixes("2001:db8::/32"), NotPrefixes: prefixes("2001:db8::/64")}, v6, ExcludedPrefix},
		{Policy{Interfaces: []int{1, 3}}, v4, Registered},
		{Policy{Interfaces: []int{1, 3}}, v6, OtherInterface},
		{Policy{NotInterfaces: []int{2}}, v4, Registered},
		{Policy{NotInterfaces: []int{2}}, v6, ExcludedInterface},
		{Policy{Interfaces: []int{2}, NotInterfaces: []int{2}}, v6, ExcludedInterface},
		{Policy{Interfaces: []int{1}}, on("192.0.2.1/24", 0), OtherInterface}, // a Source that knows no interfaces
		{Policy{NoHomeAddress: true}, mobile(true, false), HomeAddress},
		{Policy{NoHomeAddress: true}, mobile(true, true), HomeAddress},
		{Policy{NoHomeAddress: true}, mobile(false, true), Registered},
		{Policy{NoHomeAddress: true}, mobile(false, false), Registered},
		{Policy{NoCareOf: true}, mobile(false, true), CareOf},
		{Policy{NoCareOf: true}, mobile(true, true), Registered},
		{Policy{NoCareOf: true}, mobile(true, false), Registered},
		{Policy{NoCareOf: true}, mobile(false, false), Registered},
		{Policy{Filter: func(a srcselect.Address) bool { return a.Interface == 1 }}, v4, Registered},
		{Policy{Filter: func(a srcselect.Address) bool { return a.Interface == 1 }}, v6, Filtered},
	} {
		if errs := test.p.check("Config.Policy"); errs != nil {
			t.Errorf("%+v: %v", test.p, errs)
		}
		if got := test.p.verdict(test.a); got != test.want {
			t.Errorf("%+v on %+v: %v, want %v", test.p, test.a, got, test.want)
		}
	}
}

// First and last addresses of each block, and their neighbours outside.
func TestNoPrivate(t *testing.T) {
	p := Policy{NoPrivate: true}
	for s, want := range map[string]Reason{
		"10.0.0.0": Private, "10.255.255.255": Private, "9.255.255.255": Registered, "11.0.0.0": Registered,
		"172.16.0.0": Private, "172.31.255.255": Private, "172.15.255.255": Registered, "172.32.0.0": Registered,
		"192.168.0.0": Private, "192.168.255.255": Private, "192.167.255.255": Registered, "192.169.0.0": Registered,
		"100.64.0.0": Private, "100.127.255.255": Private, "100.63.255.255": Registered, "100.128.0.0": Registered,
		"fc00::": Private, "fdff:ffff::1": Private, "fbff:ffff::1": Registered, "fe00::1": Registered,
		"fec0::": Private, "feff:ffff::1": Private, "2001:db8::1": Registered,
	} {
		addr := netip.MustParseAddr(s)
		a := srcselect.Address{Prefix: netip.PrefixFrom(addr, addr.BitLen()), Interface: 1}
		if got := p.verdict(a); got != want {
			t.Errorf("%s: %v, want %v", s, got, want)
		}
		if got := new(Policy).verdict(a); got != Registered {
			t.Errorf("%s without a policy: %v", s, got)
		}
	}
}

func TestBadPolicy(t *testing.T) {
	for says, p := range map[string]Policy{
		"Config.Policy.Prefixes: prefix invalid Prefix: not valid":                                                           {Prefixes: make([]netip.Prefix, 1)},
		"Config.Policy.Prefixes: prefix 192.0.2.1/24: bits are set beyond the length: 192.0.2.0/24 is meant, or /32":         {Prefixes: prefixes("0.0.0.0/0", "192.0.2.1/24")},
		"Config.Policy.NotPrefixes: prefix 2001:db8::1/64: bits are set beyond the length: 2001:db8::/64 is meant, or /128":  {NotPrefixes: prefixes("2001:db8::1/64")},
		"Config.Policy.Prefixes: prefix ::ffff:192.0.2.1/120: bits are set beyond the length: ::ffff:192.0.2.0/120 is meant": {Prefixes: prefixes("::ffff:192.0.2.1/120")},
		"Config.Policy.NotPrefixes: prefix ::ffff:0.0.0.0/90: shorter than the IPv4-mapped":                                  {NotPrefixes: prefixes("::ffff:0.0.0.0/90")},
		"Config.Policy.Interfaces: 0 is no interface index":                                                                  {Interfaces: []int{1, 0}},
		"Config.Policy.NotInterfaces: -1 is no interface index":                                                              {NotInterfaces: []int{-1}},
	} {
		w := newWorld(t)
		cfg := w.config()
		cfg.Policy = p
		if r, err := New(cfg); r != nil || err == nil || !strings.HasPrefix(err.Error(), "dnsreg: "+says) {
			t.Errorf("error %v, want %q", err, says)
		}
	}
}

// The caller may go on using its slices.
func TestPolicyIsCopied(t *testing.T) {
	in, out := prefixes("192.0.2.0/24"), prefixes("198.51.100.0/24")
	on, off := []int{1}, []int{2}
	r := newWorld(t).registrar(func(c *Config) { c.Policy = Policy{Prefixes: in, NotPrefixes: out, Interfaces: on, NotInterfaces: off} })
	in[0], out[0], on[0], off[0] = netip.Prefix{}, netip.Prefix{}, 7, 7
	p := r.cfg.Policy
	if got := fmt.Sprint(p.Prefixes, p.NotPrefixes, p.Interfaces, p.NotInterfaces); got != "[192.0.2.0/24] [198.51.100.0/24] [1] [2]" {
		t.Error(got)
	}
}

func randomPolicy(rng *rand.Rand) Policy {
	pools := prefixes("0.0.0.0/0", "::/0", "192.0.2.0/28", "192.0.2.8/29", "2001:db8::/124", "2001:db8::4/126")
	flag := func() bool { return rng.IntN(5) == 0 }
	var p Policy
	for _, q := range pools {
		if flag() {
			p.Prefixes = append(p.Prefixes, q)
		}
		if rng.IntN(12) == 0 {
			p.NotPrefixes = append(p.NotPrefixes, q)
		}
	}
	for index := range 3 {
		if flag() {
			p.Interfaces = append(p.Interfaces, index+1)
		}
		if flag() {
			p.NotInterfaces = append(p.NotInterfaces, index+1)
		}
	}
	p.NoIPv4, p.NoIPv6, p.NoPrivate, p.NoHomeAddress, p.NoCareOf = flag(), flag(), flag(), flag(), flag()
	if flag() {
		p.Filter = func(a srcselect.Address) bool { return a.Prefix.Addr().AsSlice()[3]%2 == 0 }
	}
	return p
}

// admits is the slow twin of Policy.verdict: each field by itself, in no order.
func (p Policy) admits(a srcselect.Address) bool {
	addr, in, on := a.Prefix.Addr(), len(p.Prefixes) == 0, len(p.Interfaces) == 0
	for _, q := range p.Prefixes {
		in = in || q.Masked() == netip.PrefixFrom(addr, q.Bits()).Masked()
	}
	for _, q := range p.NotPrefixes {
		in = in && q.Masked() != netip.PrefixFrom(addr, q.Bits()).Masked()
	}
	for _, i := range p.Interfaces {
		on = on || i == a.Interface
	}
	for _, i := range p.NotInterfaces {
		on = on && i != a.Interface
	}
	public := !addr.IsPrivate()
	return speakable(a) && in && on && (public || !p.NoPrivate) && !(p.NoIPv4 && addr.Is4()) && !(p.NoIPv6 && !addr.Is4()) &&
		!(p.NoHomeAddress && a.HomeAddress) && !(p.NoCareOf && !a.HomeAddress && a.CareOf) && (p.Filter == nil || p.Filter(a))
}

// Every field only narrows: whatever a policy is, what it passes is eligible, and passes without it.
func TestPolicyOnlyNarrows(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 0))
	var passed, stopped int
	for range 10_000 {
		p := randomPolicy(rng)
		for _, a := range randomTable(rng) {
			a.HomeAddress, a.CareOf = rng.IntN(3) == 0, rng.IntN(3) == 0
			why := p.verdict(a)
			if (why == Registered) != p.admits(a) {
				t.Fatalf("%+v on %+v: %v", p, a, why)
			}
			hard := ineligible(a)
			switch {
			case hard != Registered && why != hard:
				t.Fatalf("%+v on %+v: %v comes before %v", p, a, why, hard)
			case why == Registered:
				passed++
			case hard == Registered:
				stopped++
			}
		}
	}
	if passed < 500 || stopped < 500 {
		t.Errorf("%d passed, %d stopped: the test says little", passed, stopped)
	}
}

func TestSetInterface(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		table := host("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.3")
		table[1].Interface, table[2].Interface = 2, 2
		w.table.Set(table...)
		r := w.registrar()
		r.SetInterface(2, false)
		defer w.start(r)()
		synctest.Wait()
		w.holds("192.0.2.1", "192.0.2.3") // .3 is on interface 1 too
		var got []Reason
		for _, v := range r.Status().Addresses {
			got = append(got, v.Reason)
		}
		if want := []Reason{Registered, InterfaceOff, InterfaceOff, Registered}; !slices.Equal(got, want) {
			t.Errorf("reasons %v, want %v", got, want)
		}
		r.SetInterface(1, false)
		r.SetInterface(2, true)
		passTime(debounceQuiet)
		w.holds("192.0.2.2", "192.0.2.3")
		w.sent()
		r.SetInterface(2, true) // no news
		passTime(time.Minute)
		r.SetInterface(1, true)
		r.SetInterface(1, false) // back before anybody has looked
		passTime(time.Minute)
		if n := len(w.sent()); n != 0 {
			t.Errorf("%d messages", n)
		}
		for range 1000 { // an impatient finger, every 10 ms
			r.SetInterface(1, true)
			passTime(5 * time.Millisecond)
			r.SetInterface(1, false)
			passTime(5 * time.Millisecond)
		}
		forward := 0
		for _, u := range w.sent() {
			if u.Name == "example.test." {
				forward++
			}
		}
		if forward > 12 {
			t.Errorf("%d messages to the forward zone in 10 s, want at most 12", forward)
		}
	})
}

func TestSwitches(t *testing.T) {
	var s switches
	off, first := s.now()
	s.set(3, true) // as it is
	s.set(3, false)
	<-first // wakes all
	if len(off) != 0 {
		t.Error("a snapshot has changed")
	}
	off, second := s.now()
	if !off[3] || off[2] {
		t.Errorf("off: %v", off)
	}
	s.set(3, false)
	select {
	case <-second:
		t.Error("woken for nothing")
	default:
	}
	s.set(3, true)
	<-second
	if off, _ := s.now(); len(off) != 0 {
		t.Errorf("off: %v", off)
	}
}
