package lab_test

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/hextet/hextet/stack/lab"
)

// A client and a server, 10 ms apart. The time that it takes is the lab's, and exact.
func Example() {
	l, err := lab.Start(context.Background())
	if err != nil {
		panic(err)
	}
	defer l.Close()
	lan := l.Segment(lab.SegmentConfig{Impair: lab.Impairment{Latency: 10 * time.Millisecond}})
	web := l.Host(lab.HostConfig{Segment: lan, Addresses: lab.Addresses("2001:db8::80/64")})
	client := l.Host(lab.HostConfig{Segment: lan, Addresses: lab.Addresses("2001:db8::1/64", "2001:db8::2/64 skip")})
	ln, err := web.Listen(l.Context(), "tcp", ":80")
	if err != nil {
		panic(err)
	}
	l.Go("server", func(context.Context) error {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		fmt.Fprintf(c, "hello, %v", c.RemoteAddr().String()[:len("[2001:db8::1]")])
		return c.Close()
	})
	began := l.Now()
	c, err := client.DialContext(l.Context(), "tcp", "[2001:db8::80]:80")
	if err != nil {
		panic(err)
	}
	b, _ := io.ReadAll(c)
	fmt.Printf("%s, after %v\n", b, l.Now().Sub(began))
	// Output: hello, [2001:db8::1], after 60ms
}

// Thirty days of the lab's time are over at once.
func ExampleLab_Advance() {
	l, err := lab.Start(context.Background())
	if err != nil {
		panic(err)
	}
	defer l.Close()
	renewed := 0
	l.Go("lease", func(ctx context.Context) error {
		for ctx.Err() == nil {
			l.Sleep(12 * time.Hour)
			renewed++
		}
		return nil
	})
	l.Advance(30*24*time.Hour + time.Second)
	fmt.Println(l.Now().Format(time.DateTime), "renewed", renewed, "times")
	// Output: 2000-01-31 00:00:01 renewed 60 times
}

// A network falls in two, and is whole again.
func ExampleSegment_Partition() {
	l, err := lab.Start(context.Background())
	if err != nil {
		panic(err)
	}
	defer l.Close()
	lan := l.Segment(lab.SegmentConfig{})
	a := l.Host(lab.HostConfig{Segment: lan, Addresses: lab.Addresses("10.0.0.1/24")})
	b := l.Host(lab.HostConfig{Segment: lan, Addresses: lab.Addresses("10.0.0.2/24")})
	if _, err := b.Listen(l.Context(), "tcp", ":80"); err != nil {
		panic(err)
	}
	dial := func() {
		ctx, cancel := l.WithTimeout(l.Context(), 10*time.Second)
		defer cancel()
		_, err := a.DialContext(ctx, "tcp", "10.0.0.2:80")
		fmt.Println(err)
	}
	lan.Partition([]*lab.Host{a}, []*lab.Host{b})
	dial()
	lan.Heal()
	dial()
	// Output:
	// dial tcp 10.0.0.2:80: 10.0.0.1 says of a packet to 10.0.0.2: host unreachable (type 3, code 1)
	// <nil>
}
