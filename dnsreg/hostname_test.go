package dnsreg

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestNamesAreExpanded(t *testing.T) {
	cfg := checked(t, func(c *Config) {
		c.Name = "Host.example.test"
		c.Names = []HostName{{Name: "bücher.test.", NoPTR: true}, {Name: "web.test", Policy: Policy{NoIPv6: true}}}
		c.Suffixes = map[int]string{9: "b.test", 2: "example.TEST.", 4: "Corp.test", 3: "b.test."}
	})
	var got []string
	for _, h := range cfg.Names {
		got = append(got, fmt.Sprintf("%s %v %v %v", h.Name, h.NoPTR, h.Policy.NoIPv6, h.Policy.Interfaces))
	}
	want := []string{
		"host.example.test. false false []", "xn--bcher-kva.test. true false []", "web.test. false true []",
		"host.b.test. false false [3 9]", "host.corp.test. false false [4]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// The caller may go on using its slices.
func TestNamesAreCopied(t *testing.T) {
	names := []HostName{{Name: "web.test", Policy: Policy{Prefixes: prefixes("192.0.2.0/24")}}}
	cfg := checked(t, func(c *Config) { c.Names = names })
	names[0].Policy.Prefixes[0] = prefixes("10.0.0.0/8")[0]
	names[0].Name = "changed"
	if h := cfg.Names[1]; h.Name != "web.test." || h.Policy.Prefixes[0] != prefixes("192.0.2.0/24")[0] {
		t.Errorf("%+v", h)
	}
}

func TestBadNames(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Config)
		says   string
	}{
		"none":               {func(c *Config) { c.Name = "" }, `name "": empty label`},
		"twice":              {func(c *Config) { c.Names = []HostName{{Name: "HOST.example.test."}} }, `name "HOST.example.test.": given twice`},
		"wildcard":           {func(c *Config) { c.Names = []HostName{{Name: "*.test"}} }, `name "*.test": label "*"`},
		"empty among others": {func(c *Config) { c.Names = []HostName{{}} }, `name "": empty label`},
		"bad policy": {func(c *Config) {
			c.Names = []HostName{{Name: "a.test"}, {Name: "b.test", Policy: Policy{Interfaces: []int{0}}}}
		}, "Config.Names[1].Policy.Interfaces: 0 is no"},
		"suffix, no name": {func(c *Config) {
			c.Name, c.Names, c.Suffixes = "", []HostName{{Name: "a.test"}}, map[int]string{1: "b.test"}
		}, "Config.Suffixes: Config.Name is empty"},
		"suffix, bad index":       {func(c *Config) { c.Suffixes = map[int]string{0: "b.test"} }, "Config.Suffixes: 0 is no interface index"},
		"suffix, empty":           {func(c *Config) { c.Suffixes = map[int]string{3: ""} }, `Config.Suffixes: suffix "" of interface 3: dnsreg: name "host.": not fully qualified`},
		"suffix, not LDH":         {func(c *Config) { c.Suffixes = map[int]string{3: "a b"} }, `suffix "a b" of interface 3: dnsreg: name "host.a b": label "a b"`},
		"suffix, given otherwise": {func(c *Config) { c.Names, c.Suffixes = []HostName{{Name: "host.b.test"}}, map[int]string{3: "b.test"} }, `name "host.b.test.": given twice`},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newWorld(t).config()
			test.change(&cfg)
			r, err := New(cfg)
			if r != nil || err == nil || !strings.HasPrefix(err.Error(), "dnsreg: ") || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want %q", err, test.says)
			}
			if _, ok := errors.AsType[*NameError](err); strings.Contains(test.says, "name \"") && !ok {
				t.Errorf("%v is no *NameError", err)
			}
		})
	}
}
