package lab_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

// ask sends a datagram from a to addr.
func askAt(t *testing.T, a *lab.Host, addr string) {
	t.Helper()
	c, err := a.DialContext(t.Context(), "udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
}

func TestFates(t *testing.T) {
	l := lab.New(t, lab.Config{Seed: 3})
	seg := l.Segment(lab.SegmentConfig{Impair: lab.Impairment{Latency: 10 * time.Millisecond, Loss: 0.2, Duplicate: 0.2, Corrupt: 0.2}})
	a := l.Host(lab.HostConfig{Name: "a", Segment: seg, Addresses: lab.Addresses("10.0.0.1/24")})
	l.Host(lab.HostConfig{Name: "b", Segment: seg, Addresses: lab.Addresses("10.0.0.2/24")})
	c, err := a.DialContext(t.Context(), "udp", "10.0.0.2:9")
	if err != nil {
		t.Fatal(err)
	}
	for range 300 {
		c.Write([]byte("hello"))
		l.Sleep(time.Millisecond)
	}
	l.Sleep(time.Second)
	var lost, twice, bad int
	udp := l.Packets(lab.Match("udp and from a"))
	for _, p := range udp {
		fates := p.Fates()
		if len(fates) == 2 && fates[1].Duplicate && !fates[0].Duplicate {
			twice++
			fates = fates[:1]
		}
		if len(fates) != 1 || fates[0].To != "b/eth0" {
			t.Fatal(p, fates)
		}
		switch f := fates[0]; {
		case f.Outcome == lab.Lost:
			lost++
		case f.Outcome != lab.Delivered || f.At.Sub(p.Time) != 10*time.Millisecond:
			t.Fatal(p, f)
		case f.Corrupted:
			bad++
		}
	}
	for what, n := range map[string]int{"lost": lost, "duplicated": twice, "corrupted": bad} {
		if n < len(udp)/8 || n > len(udp)/3 {
			t.Errorf("%d of %d %s", n, len(udp), what)
		}
		if m := l.Count(lab.Match("udp and from a and " + what)); m < n {
			t.Errorf("the filter finds %d of %d %s", m, n, what)
		}
	}
}

func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		bad  lab.Impairment
		want lab.Outcome
	}{
		{lab.Impairment{Down: true}, lab.LinkDown},
		{lab.Impairment{MTU: 20}, lab.TooLong},
		{lab.Impairment{Bandwidth: 8000, Queue: 10}, lab.QueueFull},
		{lab.Impairment{Loss: 1}, lab.Lost},
		{lab.Impairment{Reorder: 1}, lab.Delivered},
	} {
		for _, place := range []string{"send", "segment", "receive"} {
			l := lab.New(t)
			seg, in := lab.SegmentConfig{}, lab.InterfaceConfig{}
			out := in
			switch place {
			case "send":
				out.Send = c.bad
			case "segment":
				seg.Impair = c.bad
			case "receive":
				in.Receive = c.bad
			}
			s := l.Segment(seg)
			a := l.Host(lab.HostConfig{Name: "a", Segment: s, Interfaces: []lab.InterfaceConfig{out}, Addresses: lab.Addresses("10.0.0.1/24")})
			l.Host(lab.HostConfig{Name: "b", Segment: s, Interfaces: []lab.InterfaceConfig{in}, Addresses: lab.Addresses("10.0.0.2/24")})
			askAt(t, a, "10.0.0.2:9")
			p, err := l.WaitPacket(t.Context(), lab.Match("arp and from a and host 10.0.0.2"))
			if err != nil {
				t.Fatal(err)
			}
			fates := p.Fates()
			if len(fates) != 1 || fates[0].Outcome != c.want || fates[0].Reordered != (c.bad.Reorder == 1) {
				t.Errorf("%v at %s: %v", c.bad, place, fates)
			}
		}
	}
}

func TestUnpluggedFate(t *testing.T) {
	l := lab.New(t)
	s := l.Segment(lab.SegmentConfig{Impair: lab.Impairment{Latency: time.Second}})
	a := l.Host(lab.HostConfig{Segment: s, Addresses: lab.Addresses("10.0.0.1/24")})
	b := l.Host(lab.HostConfig{Name: "b", Segment: s})
	askAt(t, a, "10.0.0.2:9")
	l.Sleep(time.Second / 2)
	b.Close()
	l.Sleep(3 * time.Second)
	p := l.Packets(lab.Match("arp, host 10.0.0.2"))[0]
	if f := p.Fates(); len(f) != 1 || f[0].Outcome != lab.Unplugged || f[0].String() != "b/eth0: unplugged" {
		t.Error(p, f)
	}
}

func TestMaxTrace(t *testing.T) {
	hashes := make(map[string]bool)
	for _, limit := range []int{0, 3000, -1} {
		l := lab.New(t, lab.Config{MaxTrace: limit})
		a := l.Host(lab.HostConfig{Addresses: lab.Addresses("10.0.0.1/24")})
		l.Host(lab.HostConfig{Addresses: lab.Addresses("10.0.0.2/24")})
		done := l.Go("waits", func(ctx context.Context) error {
			p, err := l.WaitPacket(ctx, lab.Match("udp"))
			if err == nil && p.Number == 0 {
				return errors.New("no packet")
			}
			return err
		})
		for range 20 {
			askAt(t, a, "10.0.0.2:9")
		}
		if err := done.Wait(); err != nil {
			t.Error(err)
		}
		l.Sleep(time.Minute)
		hashes[l.TraceHash()] = true
		pkts, out := l.Packets(), l.LeftOut()
		switch {
		case limit == 0 && (out != 0 || len(pkts) < 40), limit > 0 && (out == 0 || len(pkts) == 0 || len(pkts) > 10), limit < 0 && (out == 0 || len(pkts) != 0):
			t.Errorf("%d bytes: %d kept, %d left out", limit, len(pkts), out)
		}
		for i, p := range pkts {
			if p.Number != out+i+1 {
				t.Errorf("packet %d of %d has number %d", i, len(pkts), p.Number)
			}
		}
		if err := l.CheckNone(lab.Match("igmp, tcp")); (err == nil) != (limit == 0) {
			t.Errorf("%d bytes: %v", limit, err)
		}
	}
	if len(hashes) != 1 {
		t.Error("the hash depends on what is kept")
	}
}

func TestChoice(t *testing.T) {
	l := lab.New(t)
	web := l.Host(lab.HostConfig{Name: "web", Addresses: lab.Addresses("2001:db8::1/64", "2001:db8::2/64 skip", "10.0.0.100/24", "10.0.0.50/24 skip")})
	l.Host(lab.HostConfig{Name: "peer", Addresses: lab.Addresses("2001:db8::9/64", "10.0.0.9/24")})
	if err := web.Interfaces()[0].WaitAssigned(t.Context()); err != nil {
		t.Fatal(err)
	}
	send := func(source, to string) string {
		t.Helper()
		d := stack.Dialer{Stack: web.Stack}
		if source != "" {
			d.LocalAddr = netip.AddrPortFrom(netip.MustParseAddr(source), 0)
		}
		c, err := d.DialContext(t.Context(), "udp", to)
		if err != nil {
			t.Fatal(err)
		}
		c.Write([]byte("hello"))
		c.Close()
		l.Sleep(5 * time.Second)
		all := l.Packets(lab.Match("udp and from web"))
		if choice := all[len(all)-1].Choice; choice != nil {
			return choice.String()
		}
		return ""
	}
	for _, c := range []struct{ source, to, want string }{
		{"", "[2001:db8::9]:9", "source 2001:db8::1 by rule 2 (appropriate scope)"},
		{"", "10.0.0.9:9", "source 10.0.0.100 by only candidate"},
		{"10.0.0.50", "10.0.0.9:9", "source 10.0.0.50 was asked for, or answers; only candidate would choose 10.0.0.100"},
		{"2001:db8::2", "[2001:db8::9]:9", "source 2001:db8::2 was asked for, or answers; rule 2 (appropriate scope) would choose 2001:db8::1"},
	} {
		if got := send(c.source, c.to); got != c.want {
			t.Errorf("from %s to %s: %q, not %q", c.source, c.to, got, c.want)
		}
	}
	// A flag that is set is seen by the next packet, and not by the one before.
	eth := web.Interfaces()[0]
	eth.SetSkipAsSource(netip.MustParseAddr("10.0.0.50"), false)
	eth.SetSkipAsSource(netip.MustParseAddr("10.0.0.100"), true)
	if got := send("", "10.0.0.9:9"); got != "source 10.0.0.50 by only candidate" {
		t.Error(got)
	}
	c, err := web.DialContext(t.Context(), "udp", "10.0.0.9:10")
	if err != nil {
		t.Fatal(err)
	}
	c.Write([]byte("hello"))
	eth.SetSkipAsSource(netip.MustParseAddr("10.0.0.100"), false) // in the same turn
	p := l.Packets(lab.Match("dst port 10"))[0]
	if p.Choice == nil || p.Choice.Rule != 0 || !strings.Contains(p.Choice.Why, "changed before it could be asked") {
		t.Error(p, p.Choice)
	}
	if n := l.Count(func(p lab.Packet) bool { return p.Choice != nil && lab.Match("type ns or arp or multicast")(p) }); n != 0 {
		t.Errorf("%d sources that are given are explained", n)
	}
}

func ExampleLab_WaitPacket() {
	l, err := lab.Start(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	web := l.Host(lab.HostConfig{Name: "web", Addresses: lab.Addresses("10.0.0.100/24", "10.0.0.50/24 skip")})
	l.Host(lab.HostConfig{Name: "dns", Addresses: lab.Addresses("10.0.0.1/24")})
	l.Go("query", func(ctx context.Context) error {
		l.Sleep(time.Minute)
		c, err := web.DialContext(ctx, "udp", "10.0.0.1:53")
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write([]byte("hello"))
		return err
	})
	ctx, cancel := l.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	p, err := l.WaitPacket(ctx, lab.Match("udp port 53"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.From, "after", p.Time.Sub(l.Packets()[0].Time).Round(time.Minute))
	fmt.Println(p.Fates())
	fmt.Println(p.Choice)
	fmt.Println(l.CheckSource(lab.Match("udp"), netip.MustParseAddr("10.0.0.100")))
	fmt.Println(l.CheckNone(lab.Match("src 10.0.0.50")))
	// Output:
	// web/eth0 after 1m0s
	// [dns/eth0: delivered]
	// source 10.0.0.100 by only candidate
	// <nil>
	// <nil>
}
