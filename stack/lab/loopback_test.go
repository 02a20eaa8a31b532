package lab_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

// Connections of a host with itself, whose ends gVisor may work on beside each other, change nothing about
// what it sends to others.
func TestSameTraceBesideLoopback(t *testing.T) {
	run := func() string {
		l := lab.New(t, lab.Config{Seed: 4})
		seg := l.Segment(lab.SegmentConfig{Impair: lab.Impairment{Latency: time.Millisecond, Loss: 0.02}})
		a := l.Host(lab.HostConfig{Segment: seg, Addresses: lab.Addresses("2001:db8::1/64")})
		b := l.Host(lab.HostConfig{Segment: seg, Addresses: lab.Addresses("2001:db8::2/64", "10.0.0.2/24")})
		check(t, serve(l, b))
		for n := range 8 {
			from, fill := a, byte(0)
			if n%2 == 0 {
				from = b // to itself
			}
			l.Go(fmt.Sprint("client", n), func(ctx context.Context) error { return transfer(ctx, l, from, fill, 30_000) })
		}
		check(t, l.Wait())
		check(t, l.Close())
		return l.TraceHash()
	}
	want := run()
	for n := range 10 {
		if got := run(); got != want {
			t.Fatalf("run %d: %s, want %s", n, got, want)
		}
	}
}

// What ends of several connections of one host send at once comes in one order.
func TestSameTraceAtTheEnd(t *testing.T) {
	run := func() string {
		l := lab.New(t)
		seg := l.Segment(lab.SegmentConfig{})
		a, b := pair(t, l, seg)
		ln, err := b.Listen(t.Context(), "tcp", ":80")
		check(t, err)
		for range 10 {
			c, err := a.DialContext(t.Context(), "tcp", "[2001:db8::2]:80")
			check(t, err)
			s, err := ln.Accept()
			check(t, err)
			l.Go("echo", func(context.Context) error { _, err := io.Copy(s, s); return err })
			if _, err := c.Write(bytes.Repeat([]byte("x"), 100)); err != nil {
				t.Fatal(err)
			}
			check(t, c.(*stack.TCPConn).CloseWrite())
		}
		check(t, l.Close())
		return l.TraceHash()
	}
	want := run()
	for n := range 20 {
		if got := run(); got != want {
			t.Fatalf("run %d: %s, want %s", n, got, want)
		}
	}
}
