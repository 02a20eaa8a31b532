package lab_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

// lossy runs eight transfers over a bad wire beside UDP and echo requests, and returns the trace's hash.
func lossy(t *testing.T, seed uint64) (string, int) {
	l := lab.New(t, lab.Config{Seed: seed})
	seg := l.Segment(lab.SegmentConfig{Impair: lab.Impairment{Loss: 0.02, Duplicate: 0.01, Corrupt: 0.005, Latency: 5 * time.Millisecond, Jitter: time.Millisecond, Reorder: 0.01}})
	a := l.Host(lab.HostConfig{Segment: seg, Addresses: addr("2001:db8::1/64")})
	b := l.Host(lab.HostConfig{Segment: seg, Addresses: append(addr("2001:db8::2/64"), addr("10.0.0.2/24")...)})
	ln, err := b.Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	l.Go("server", func(ctx context.Context) error {
		for {
			c, err := ln.Accept()
			if err != nil {
				return err
			}
			l.Go("conn", func(ctx context.Context) error {
				defer c.Close()
				_, err := io.Copy(c, c)
				return err
			})
		}
	})
	var tasks []*lab.Task
	for n := range 8 {
		tasks = append(tasks, l.Go(fmt.Sprint("client", n), func(ctx context.Context) error {
			c, err := a.DialContext(ctx, "tcp", "[2001:db8::2]:80")
			if err != nil {
				return err
			}
			defer c.Close()
			data := bytes.Repeat([]byte{byte(n)}, 100_000)
			w := l.Go("writer", func(context.Context) error {
				if _, err := c.Write(data); err != nil {
					return err
				}
				return c.(*stack.TCPConn).CloseWrite()
			})
			got, err := io.ReadAll(c)
			if err != nil {
				return err
			}
			if sha256.Sum256(got) != sha256.Sum256(data) {
				return fmt.Errorf("%d bytes of %d", len(got), len(data))
			}
			return w.Wait()
		}))
	}
	ping, err := a.ListenRaw(58, netip.MustParseAddr("2001:db8::1"))
	if err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		echo := []byte{128, 0, 0, 0, 0, 1, 0, byte(n)}
		if _, err := ping.WriteTo(echo, nil, &net.IPAddr{IP: net.ParseIP("2001:db8::2")}); err != nil {
			t.Fatal(err)
		}
		ping.SetReadDeadline(l.Now().Add(time.Second))
		ping.ReadFrom(make([]byte, 100))
	}
	for _, task := range tasks {
		if err := task.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	return l.TraceHash(), len(l.Packets())
}

func TestSameSeedSameTrace(t *testing.T) {
	want, n := lossy(t, 1)
	t.Log(n, "packets")
	for range 5 {
		start := time.Now()
		if got, m := lossy(t, 1); got != want {
			t.Errorf("%d packets: %s, not %s", m, got, want)
		}
		t.Log(time.Since(start))
	}
	if got, _ := lossy(t, 2); got == want {
		t.Error("another seed gives the same")
	}
}
