package dnsreg

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func TestBadConfig(t *testing.T) {
	var table AddressTable
	good := Config{Name: "host.example.test", Source: &table, Servers: []string{serverAddr}}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*Config)
		says   string
	}{
		"no name":           {func(c *Config) { c.Name = "" }, `name ""`},
		"no LDH name":       {func(c *Config) { c.Name = "my_host.example.test" }, `name "my_host.example.test": label "my_host"`},
		"no source":         {func(c *Config) { c.Source = nil }, "Config.Source is nil"},
		"no servers":        {func(c *Config) { c.Servers = nil }, "Config.Servers and Config.Resolvers are both empty"},
		"server, no port":   {func(c *Config) { c.Servers = []string{"192.0.2.1"} }, `Config.Servers: "192.0.2.1" is not host:port: missing port`},
		"server, bare IPv6": {func(c *Config) { c.Servers = []string{"2001:db8::1"} }, `Config.Servers: "2001:db8::1" is not host:port: too many colons`},
		"server, no host":   {func(c *Config) { c.Servers = []string{":53"} }, "no host"},
		"server, port 0":    {func(c *Config) { c.Servers = []string{"a:0"} }, "no port number"},
		"server, port name": {func(c *Config) { c.Servers = []string{"a:domain"} }, "no port number"},
		"second server":     {func(c *Config) { c.Servers = append(c.Servers, "x") }, `"x"`},
		"bad resolver":      {func(c *Config) { c.Resolvers = []string{"x"} }, `Config.Resolvers: "x"`},
		"negative TTL":      {func(c *Config) { c.TTL = -time.Second }, "Config.TTL: -1s"},
		"TTL in ms":         {func(c *Config) { c.TTL = 1500 * time.Millisecond }, "Config.TTL: 1.5s"},
		"TTL too long":      {func(c *Config) { c.TTL = (math.MaxInt32 + 1) * time.Second }, "Config.TTL"},
		"negative timeout":  {func(c *Config) { c.Timeout = -1 }, "Config.Timeout: -1ns"},
		"negative limit":    {func(c *Config) { c.MaxAddresses = -1 }, "Config.MaxAddresses: -1"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			cfg.Servers = append([]string(nil), good.Servers...)
			test.change(&cfg)
			r, err := New(cfg)
			if r != nil || err == nil || !strings.Contains(err.Error(), test.says) || !strings.HasPrefix(err.Error(), "dnsreg: ") {
				t.Errorf("error %v, want %q", err, test.says)
			}
		})
	}
	t.Run("several", func(t *testing.T) {
		_, err := New(Config{Name: "_.test", TTL: -1})
		if err == nil || len(strings.Split(err.Error(), "\n")) != 4 {
			t.Errorf("error %v, want four lines", err)
		}
		if _, ok := errors.AsType[*NameError](err); !ok {
			t.Error("the name's error is not among them")
		}
	})
}

func TestDefaults(t *testing.T) {
	var table AddressTable
	r, err := New(Config{Name: "host.example.test", Source: &table, Servers: []string{serverAddr}})
	if err != nil {
		t.Fatal(err)
	}
	c := r.cfg
	if c.TTL != 20*time.Minute || r.ttl != 1200 || c.Refresh != 24*time.Hour || c.MaxAddresses != 64 || c.Timeout != 5*time.Second ||
		c.Clock == nil || c.Dial == nil || c.Logger == nil || c.Name != hostName {
		t.Errorf("defaults %+v", c)
	}
}

func TestClasses(t *testing.T) {
	for err, want := range map[error]Class{
		errors.New("?"):          Transient,
		ErrAlias:                 Permanent,
		ErrNoZone:                Rediscover,
		ErrLocalZone:             Rediscover,
		&NameError{}:             Permanent,
		&LimitError{}:            Permanent,
		&NoReplyError{}:          Transient,
		&ServerError{TSIG: 18}:   ClockSkew,
		&ServerError{TSIG: 17}:   Permanent,
		&ServerError{Rcode: 5}:   Rediscover,
		&ServerError{Rcode: 2}:   Transient,
		&ServerError{Rcode: 3}:   Transient, // of a prerequisite: as an answer it is no error
		&ServerError{Rcode: 123}: Permanent,
	} {
		if got := ClassOf(errors.Join(errors.New("first"), err)); got != want {
			t.Errorf("%T %v: class %v, want %v", err, err, got, want)
		}
	}
	if got := Class(77).String(); got != "class 77" {
		t.Error(got)
	}
}

// The caller may go on using its slices.
func TestConfigIsCopied(t *testing.T) {
	var table AddressTable
	servers := []string{serverAddr}
	r, err := New(Config{Name: "host.example.test", Source: &table, Servers: servers, Resolvers: servers})
	if err != nil {
		t.Fatal(err)
	}
	servers[0] = "changed"
	if r.cfg.Servers[0] != serverAddr || r.cfg.Resolvers[0] != serverAddr {
		t.Errorf("servers %v, resolvers %v", r.cfg.Servers, r.cfg.Resolvers)
	}
}
