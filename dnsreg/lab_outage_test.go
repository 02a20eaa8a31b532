package dnsreg_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

// A crowd is many hosts with a registrar each, and the server of all of them.
type crowd struct {
	t      *testing.T
	l      *lab.Lab
	dns    *lab.DNS
	hosts  []*lab.Host
	nth    []int   // the address that each host has
	heard  []heard // by host, since the last reset
	silent bool    // the server's program has stopped, and its host has not
}

// heard is what the server had from one host. A repetition is a copy that the host sent again since it had no
// reply, or that had waited with the first one for the way to be found.
type heard struct {
	queries, updates, repetitions int
	last                          []byte
}

func (h heard) all() int { return h.queries + h.updates }

// crowdKey is the name of a host's key: by it the server tells who has sent what.
func crowdKey(host int) string { return fmt.Sprintf("k%04d.lab.test", host) }

// keyLabel is how it is found in a message.
var keyLabel = regexp.MustCompile("\x05k([0-9]{4})\x03lab")

var crowdSecret = []byte("a secret of this test's own, long")

func (c *crowd) addr(host, nth int) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("2001:db8::%x:%x", nth+1, host+1))
}

func newCrowd(t *testing.T, size int, latency time.Duration) *crowd {
	c := &crowd{t: t, l: lab.New(t, lab.Config{MaxTrace: -1}), heard: make([]heard, size), nth: make([]int, size)}
	c.l.Segment(lab.SegmentConfig{Impair: lab.Impairment{Latency: latency}})
	keys := make(map[string][]byte)
	for i := range size {
		keys[crowdKey(i)] = crowdSecret
	}
	c.dns = c.l.DNS(lab.DNSConfig{
		Addresses: lab.Addresses("2001:db8:0:0:f::53/64"), Zones: []string{"example.test", "8.b.d.0.1.0.0.2.ip6.arpa"},
		Keys: keys, Fault: c.hear,
	})
	for i := range size {
		h := c.l.Host(lab.HostConfig{Addresses: []stack.Address{{Prefix: netip.PrefixFrom(c.addr(i, 0), 64)}}})
		c.hosts = append(c.hosts, h)
		r, err := dnsreg.New(dnsreg.Config{
			Name: fmt.Sprintf("h%04d.example.test", i), Source: h, Servers: []string{"[2001:db8:0:0:f::53]:53"},
			Auth: dnsreg.TSIG(crowdKey(i), "", crowdSecret), Dial: h.DialContext, Clock: c.l.Clock(),
		})
		if err != nil {
			t.Fatal(err)
		}
		c.l.Go(fmt.Sprintf("registrar of h%04d", i), r.Run)
	}
	return c
}

// pointerName is the name of an IPv6 address's PTR record.
func pointerName(a netip.Addr) (name string) {
	for _, b := range a.As16() {
		name = fmt.Sprintf("%x.%x.", b&15, b>>4) + name
	}
	return name + "ip6.arpa."
}

// hear is the server's hook: it counts, and is silent if the server is.
func (c *crowd) hear(q dnsregtest.Request) dnsregtest.Fault {
	if c.silent {
		return dnsregtest.Fault{Drop: true}
	}
	m := keyLabel.FindSubmatch(q.Raw)
	if m == nil {
		c.t.Errorf("nobody's message about %s", q.Name)
		return dnsregtest.Fault{}
	}
	i, _ := strconv.Atoi(string(m[1]))
	h := &c.heard[i]
	switch {
	case bytes.Equal(q.Raw, h.last):
		h.repetitions++
	case q.Update:
		h.updates++
	default:
		h.queries++
	}
	h.last = q.Raw
	return dnsregtest.Fault{}
}

// change gives each host another address in the place of its own.
func (c *crowd) change(nth int) {
	for i, h := range c.hosts {
		eth := h.Interfaces()[0]
		if err := eth.AddAddress(stack.Address{Prefix: netip.PrefixFrom(c.addr(i, nth), 64)}); err != nil {
			c.t.Fatal(err)
		}
		if err := eth.RemoveAddress(c.addr(i, c.nth[i])); err != nil {
			c.t.Fatal(err)
		}
		c.nth[i] = nth
	}
}

// wrong counts the hosts whose records, forward and reverse, are not what they should be.
func (c *crowd) wrong() (n int) {
	for i := range c.hosts {
		name := fmt.Sprintf("h%04d.example.test.", i)
		right := fmt.Sprint(c.dns.Server().Records(name)) == fmt.Sprintf("[%s 1200 AAAA %v]", name, c.addr(i, c.nth[i]))
		for nth := range 3 {
			pointer := pointerName(c.addr(i, nth))
			want := "[]"
			if nth == c.nth[i] {
				want = fmt.Sprintf("[%s 1200 PTR %s]", pointer, name)
			}
			right = right && fmt.Sprint(c.dns.Server().Records(pointer)) == want
		}
		if !right {
			n++
		}
	}
	return n
}

// count returns the most messages that the server had from one host, and all of them, and begins anew.
func (c *crowd) count() (most int, all heard) {
	for i, h := range c.heard {
		most = max(most, h.all())
		all.queries += h.queries
		all.updates += h.updates
		all.repetitions += h.repetitions
		c.heard[i] = heard{}
	}
	return most, all
}

// A server goes away for an hour and comes back. In the first minute each of a thousand registrars sends it at
// most three messages, and when the longest wait of the backoff is over all records are right.
func TestJudgeCrowdAfterOutage(t *testing.T) {
	size := dnsreg.Size(1000, 60, 30)
	// The longer the way, the more hosts change the zone between what another reads and what it writes: so few
	// hosts far away meet as many of the others as a thousand at hand.
	latency := time.Millisecond
	if size < 1000 {
		latency = 100 * time.Millisecond // with neighbours to be found first, less than a retransmission takes
	}
	for _, test := range []struct{ kind, away string }{
		{"no change", "unplugged"}, {"no change", "silent"}, {"a change", "unplugged"}, {"a change", "silent"}, {"two changes", "unplugged"},
	} {
		t.Run(test.kind+"/"+test.away, func(t *testing.T) {
			c := newCrowd(t, size, latency)
			c.l.Advance(time.Hour)
			if n := c.wrong(); n != 0 {
				t.Fatalf("%d hosts are wrong at first", n)
			}
			_, all := c.count()
			t.Logf("%d hosts registered by %d queries and %d updates", size, all.queries, all.updates)

			eth := c.dns.Interface("eth0")
			segment := eth.Segment()
			if test.kind == "two changes" { // one before, and one meanwhile
				c.change(1)
			}
			if c.silent = test.away == "silent"; !c.silent {
				eth.Unplug()
			}
			c.l.Advance(20 * time.Minute)
			if test.kind != "no change" {
				c.change(2)
			}
			c.l.Advance(40 * time.Minute)

			c.count()
			c.silent = false
			if test.away == "unplugged" {
				if err := eth.Plug(segment); err != nil {
					t.Fatal(err)
				}
			}
			c.l.Advance(time.Minute)
			most, first := c.count()
			c.l.Advance(9*time.Minute + 5*time.Second)
			_, rest := c.count()
			t.Logf("first minute: %d queries, %d updates, %d repetitions, at most %d messages of one host; then %d queries, %d updates",
				first.queries, first.updates, first.repetitions, most, rest.queries, rest.updates)
			if most > 3 {
				t.Errorf("a host sent %d messages in the first minute, want at most 3", most)
			}
			if n := c.wrong(); n != 0 {
				t.Errorf("%d hosts are wrong after the longest wait", n)
			}
			if test.kind == "no change" && slices.Max([]int{first.updates, rest.updates}) > 0 {
				t.Error("messages although nothing had changed")
			}
			if err := c.l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
