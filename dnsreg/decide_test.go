package dnsreg

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hextet/hextet/srcselect"
)

// checked returns a configuration as New makes it.
func checked(t *testing.T, change func(*Config)) Config {
	t.Helper()
	cfg := newWorld(t).config()
	change(&cfg)
	if err := cfg.check(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestDecideSeveralNames(t *testing.T) {
	cfg := checked(t, func(c *Config) {
		c.Policy.NotPrefixes = prefixes("192.0.2.9/32")
		c.Names = []HostName{
			{Name: "web.example.test", Policy: Policy{Prefixes: prefixes("192.0.2.0/24")}},
			{Name: "six.example.test", Policy: Policy{NoIPv4: true}, NoPTR: true},
		}
		c.Suffixes = map[int]string{2: "lab.test"}
	})
	table := host("192.0.2.1", "192.0.2.2 skip", "192.0.2.9", "2001:db8::1", "192.0.2.1")
	table[3].Interface, table[4].Interface = 2, 2
	d, err := cfg.decide(table, nil)
	if err != nil {
		t.Fatal(err)
	}
	const web, six, lab = "web.example.test.", "six.example.test.", "host.lab.test."
	for i, want := range []Verdict{
		{table[0], Registered, []string{hostName, web}},
		{table[1], SkipAsSource, nil},
		{table[2], ExcludedPrefix, nil},
		{table[3], Registered, []string{hostName, six, lab}},
		{table[4], Registered, []string{hostName, web, lab}},
	} {
		if !reflect.DeepEqual(d.verdicts[i], want) {
			t.Errorf("verdict %d: %v, want %v", i, d.verdicts[i], want)
		}
	}
	one, six1 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	want := []nameDecision{
		{hostName, []netip.Addr{one, six1}}, {web, []netip.Addr{one}},
		{six, []netip.Addr{six1}}, {lab, []netip.Addr{six1, one}},
	}
	if !reflect.DeepEqual(d.names, want) || !slices.Equal(d.eligible, []netip.Addr{one, six1}) || len(d.assigned) != 4 {
		t.Errorf("decision %+v", d)
	}
	if d.pointer[one] != hostName || d.pointer[six1] != hostName || len(d.pointer) != 2 {
		t.Errorf("pointers %v", d.pointer)
	}
	d = d.withdrawn()
	if len(d.eligible)+len(d.pointer)+len(d.over) != 0 || len(d.names) != 4 || d.names[3].name != lab || d.names[0].eligible != nil ||
		len(d.verdicts) != 5 || len(d.assigned) != 4 {
		t.Errorf("withdrawn %+v", d)
	}
}

func TestPointerGoesToTheFirstNameThatTakesIt(t *testing.T) {
	cfg := checked(t, func(c *Config) {
		c.Name = ""
		c.Names = []HostName{
			{Name: "mute.test", NoPTR: true},
			{Name: "two.test", Policy: Policy{Interfaces: []int{2}}},
			{Name: "one.test", Policy: Policy{Interfaces: []int{1}}},
		}
	})
	table := host("192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3")
	table[1].Interface, table[2].Interface, table[3].Interface = 2, 2, 3
	d, err := cfg.decide(table, nil)
	want := map[netip.Addr]string{
		netip.MustParseAddr("192.0.2.1"): "two.test.", netip.MustParseAddr("192.0.2.2"): "two.test.",
	}
	if err != nil || !reflect.DeepEqual(d.pointer, want) {
		t.Errorf("pointers %v, want %v; %v", d.pointer, want, err)
	}
	if cfg.Name != "mute.test." {
		t.Errorf("the host is called %q", cfg.Name)
	}
	cfg.NoPTR = true
	if d, _ := cfg.decide(table, nil); len(d.pointer) != 0 {
		t.Errorf("pointers %v", d.pointer)
	}
}

func TestUnnamed(t *testing.T) {
	cfg := checked(t, func(c *Config) {
		c.Name = ""
		c.Names = []HostName{{Name: "a.test", Policy: Policy{NoIPv4: true}}, {Name: "b.test", Policy: Policy{NoPrivate: true}}}
	})
	d, err := cfg.decide(host("10.0.0.1", "192.0.2.1", "127.0.0.1"), nil)
	if err != nil || d.verdicts[0].Reason != Unnamed || d.verdicts[1].Reason != Registered || d.verdicts[2].Reason != Loopback {
		t.Errorf("verdicts %v, %v", d.verdicts, err)
	}
}

// Skip-as-source is hard, whatever form the address has and however harmless the other entry looks.
func TestSkipInAnyForm(t *testing.T) {
	cfg := checked(t, func(*Config) {})
	mapped := srcselect.Address{Prefix: netip.PrefixFrom(netip.MustParseAddr("::ffff:192.0.2.1"), 120), SkipAsSource: true}
	broken := srcselect.Address{Prefix: netip.PrefixFrom(netip.MustParseAddr("2001:db8::1"), 200), SkipAsSource: true}
	table := append(host("192.0.2.1", "2001:db8::1", "2001:db8::1 deprecated"), mapped, broken)
	d, err := cfg.decide(table, nil)
	if err != nil || len(d.eligible) != 0 {
		t.Errorf("eligible %v, %v", d.eligible, err)
	}
	for _, v := range d.verdicts {
		if v.Reason != SkipAsSource {
			t.Errorf("%v: %v", v.Address.Prefix, v.Reason)
		}
	}
}

func TestFrozenOverTheLimit(t *testing.T) {
	cfg := checked(t, func(c *Config) {
		c.MaxAddresses = 2
		c.Names = []HostName{{Name: "web.example.test", Policy: Policy{NotPrefixes: prefixes("192.0.2.3/32")}}}
	})
	d, err := cfg.decide(host("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.3", "2001:db8::1"), nil)
	var e *LimitError
	if !errors.As(err, &e) || *e != (LimitError{Name: hostName, Family: "IPv4", Count: 3, Limit: 2}) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
	var got []string
	for _, v := range d.verdicts {
		got = append(got, fmt.Sprintf("%v%v", v.Reason, v.Names))
	}
	want := []string{"registered[web.example.test.]", "registered[web.example.test.]", "over the limit[]", "over the limit[]",
		"registered[host.example.test. web.example.test.]"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	// What may stay is still known, and so is where its PTR record points.
	if len(d.names[0].eligible) != 4 || len(d.pointer) != 4 || d.pointer[netip.MustParseAddr("192.0.2.1")] != hostName {
		t.Errorf("decision %+v", d)
	}
	for nf, frozen := range map[nameFamily]bool{
		{hostName, "IPv4"}: true, {hostName, "IPv6"}: false, {"web.example.test.", "IPv4"}: false, {"other.test.", "IPv4"}: false,
	} {
		if d.frozen(nf.name, nf.family) != frozen {
			t.Errorf("%v frozen: %v", nf, !frozen)
		}
	}
}

// takes is the slow twin of decide for one address under one name, the limit aside.
func takes(cfg Config, table []srcselect.Address, a srcselect.Address, h HostName, off map[int]bool) bool {
	for _, b := range table {
		if b.Prefix.Addr() == a.Prefix.Addr() && b.SkipAsSource {
			return false
		}
	}
	return cfg.Policy.admits(a) && h.Policy.admits(a) && !off[a.Interface]
}

// Whatever the policies, names, switches and addresses are, the decision is what the twin says of each
// address under each name.
func TestDecideAgainstItsTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(4833, 0))
	base := checked(t, func(*Config) {})
	registered := 0
	for range 6000 {
		cfg := base
		cfg.MaxAddresses = 1 + rng.IntN(4)
		if rng.IntN(2) == 0 {
			cfg.Policy = randomPolicy(rng)
		}
		cfg.Names = nil
		for i := range 1 + rng.IntN(3) {
			h := HostName{Name: fmt.Sprintf("h%d.test.", i), NoPTR: rng.IntN(3) == 0}
			if rng.IntN(2) == 0 {
				h.Policy = randomPolicy(rng)
			}
			cfg.Names = append(cfg.Names, h)
		}
		off := map[int]bool{1 + rng.IntN(4): true}
		table := randomTable(rng)
		d, err := cfg.decide(table, off)
		if len(d.verdicts) != len(table) || (err != nil) != (len(d.over) > 0) {
			t.Fatalf("%d verdicts for %d addresses; %d over, %v", len(d.verdicts), len(table), len(d.over), err)
		}
		pointer := make(map[netip.Addr]string)
		for i, h := range cfg.Names {
			var want []netip.Addr
			count := make(map[string]int)
			for _, a := range table {
				addr := a.Prefix.Addr()
				if takes(cfg, table, a, h, off) && !slices.Contains(want, addr) {
					want = append(want, addr)
					count[family(addr)]++
				}
			}
			if d.names[i].name != h.Name || !slices.Equal(d.names[i].eligible, want) {
				t.Fatalf("%v\n%+v\n%s: got %v, want %v", table, cfg.Policy, h.Name, d.names[i].eligible, want)
			}
			for _, addr := range want {
				if pointer[addr] == "" && !h.NoPTR {
					pointer[addr] = h.Name
				}
			}
			for _, fam := range []string{"IPv4", "IPv6"} {
				if d.frozen(h.Name, fam) != (count[fam] > cfg.MaxAddresses) {
					t.Fatalf("%s %s: %d of %d, frozen %v", h.Name, fam, count[fam], cfg.MaxAddresses, d.frozen(h.Name, fam))
				}
			}
		}
		if !reflect.DeepEqual(d.pointer, pointer) {
			t.Fatalf("pointers %v, want %v", d.pointer, pointer)
		}
		for i, v := range d.verdicts {
			a := table[i]
			var names []string
			for _, h := range cfg.Names {
				if takes(cfg, table, a, h, off) && !d.frozen(h.Name, family(a.Prefix.Addr())) {
					names = append(names, h.Name)
				}
			}
			if !slices.Equal(v.Names, names) || (v.Reason == Registered) != (len(names) > 0) || !reflect.DeepEqual(v.Address, a) {
				t.Fatalf("%v: %v under %v, want %v", a, v.Reason, v.Names, names)
			}
			registered += len(names)
		}
	}
	if registered < 1000 {
		t.Errorf("%d registered: the test says little", registered)
	}
}

func TestVerdictAsJSON(t *testing.T) {
	a := srcselect.Address{Prefix: netip.MustParsePrefix("192.0.2.1/24"), Interface: 1}
	got, err := json.Marshal([]Verdict{{a, Registered, []string{hostName}}, {a, SkipAsSource, nil}})
	const want = `[{"address":{"prefix":"192.0.2.1/24","interface":1},"reason":"registered","names":["host.example.test."]},` +
		`{"address":{"prefix":"192.0.2.1/24","interface":1},"reason":"skip-as-source"}]`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}
