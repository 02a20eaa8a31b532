package lab_test

import (
	"context"
	"io"
	"net/netip"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

func addr(s string) []stack.Address { return []stack.Address{{Prefix: netip.MustParsePrefix(s)}} }

func TestEcho(t *testing.T) {
	l := lab.New(t)
	seg := l.Segment(lab.SegmentConfig{Impair: lab.Impairment{Latency: 10 * time.Millisecond}})
	a := l.Host(lab.HostConfig{Segment: seg, Addresses: addr("2001:db8::1/64")})
	b := l.Host(lab.HostConfig{Segment: seg, Addresses: addr("2001:db8::2/64")})
	ln, err := b.Listen(t.Context(), "tcp", "[2001:db8::2]:80")
	if err != nil {
		t.Fatal(err)
	}
	l.Go("server", func(ctx context.Context) error {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		io.Copy(c, c)
		return c.Close()
	})
	start := l.Now()
	c, err := a.DialContext(t.Context(), "tcp", "[2001:db8::2]:80")
	if err != nil {
		t.Fatal(err)
	}
	t.Log(l.Now().Sub(start))
	io.WriteString(c, "hello")
	buf := make([]byte, 5)
	if _, err := io.ReadFull(c, buf); err != nil || string(buf) != "hello" {
		t.Fatal(err, string(buf))
	}
	t.Log(l.Now().Sub(start))
	c.Close()
	l.Advance(30 * 24 * time.Hour)
	t.Log(l.Now().Sub(start))
}
