package lab_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

// badWire has a little of everything.
var badWire = lab.Impairment{
	Loss: 0.02, Duplicate: 0.01, Corrupt: 0.005, Latency: 5 * time.Millisecond, Jitter: time.Millisecond,
	Reorder: 0.01, Bandwidth: 50_000_000,
}

// lossy runs eight transfers over a bad wire, some of them to a name, beside echo requests, datagrams with
// answers, and hosts with many groups, and returns the trace's hash.
func lossy(l *lab.Lab, size int) (string, error) {
	seg := l.Segment(lab.SegmentConfig{Impair: badWire})
	l.DNS(lab.DNSConfig{Segment: seg, Addresses: lab.Addresses("2001:db8::53/64"), Zones: []string{"example.test"},
		Records: []string{"www.example.test. 60 AAAA 2001:db8::2", "www.example.test. 60 A 10.0.0.2"}})
	a := l.Host(lab.HostConfig{Interfaces: []lab.InterfaceConfig{{Segment: seg, Addresses: lab.Addresses("2001:db8::1/64", "10.0.0.1/24"), Stack: stack.InterfaceConfig{DAD: true, SLAAC: true}}}})
	var many []stack.Address
	for n := range 30 {
		many = append(many, lab.Addresses(fmt.Sprintf("2001:db8::2:%x/64", n+1))...)
	}
	b := l.Host(lab.HostConfig{Interfaces: []lab.InterfaceConfig{{Segment: seg, Addresses: append(lab.Addresses("2001:db8::2/64", "10.0.0.2/24"), many...), Stack: stack.InterfaceConfig{DAD: true}}}})
	ctx := l.Context()
	for _, h := range []*lab.Host{a, b} {
		if err := h.Interface("eth0").WaitAssigned(ctx); err != nil {
			return "", err
		}
	}
	if err := serve(l, b); err != nil {
		return "", err
	}
	for n := range 8 {
		l.Go(fmt.Sprint("client", n), func(ctx context.Context) error { return transfer(ctx, l, a, byte(n), size) })
	}
	l.Go("ping", func(context.Context) error { return ping(l, a, 20) })
	l.Go("questions", func(ctx context.Context) error { return ask(ctx, l, a, 20) })
	if err := l.Wait(); err != nil {
		return "", err
	}
	return l.TraceHash(), nil
}

// serve answers on TCP and UDP, and joins groups.
func serve(l *lab.Lab, h *lab.Host) error {
	ln, err := h.Listen(l.Context(), "tcp", ":80")
	if err != nil {
		return err
	}
	udp, err := h.ListenPacket(l.Context(), "udp", ":53")
	if err != nil {
		return err
	}
	for n := range 20 {
		group := net.UDPAddr{IP: netip.MustParseAddr(fmt.Sprintf("ff02::1:%x", n)).AsSlice()}
		if err := udp.(*stack.UDPConn).JoinGroup(nil, &group); err != nil {
			return err
		}
	}
	l.Go("server", func(ctx context.Context) error {
		for range 8 {
			c, err := ln.Accept()
			if err != nil {
				return err
			}
			l.Go("conn", func(context.Context) error {
				defer c.Close()
				_, err := io.Copy(c, c)
				return err
			})
		}
		return nil
	})
	udp.SetReadDeadline(l.Now().Add(time.Minute))
	l.Go("answers", func(context.Context) error {
		b := make([]byte, 100)
		for {
			n, from, err := udp.ReadFrom(b)
			if err != nil {
				return nil // the minute is over
			}
			if _, err := udp.WriteTo(append(b[:n:n], " yes"...), from); err != nil {
				return err
			}
		}
	})
	return nil
}

// transfer sends bytes to a server that sends them back.
func transfer(ctx context.Context, l *lab.Lab, h *lab.Host, fill byte, size int) error {
	address := []string{"[2001:db8::2]:80", "10.0.0.2:80", "www.example.test:80"}[fill%3]
	c, err := h.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	data := bytes.Repeat([]byte{fill}, size)
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
	if !bytes.Equal(got, data) {
		return fmt.Errorf("%d bytes came back of %d", len(got), len(data))
	}
	return w.Wait()
}

// ping sends echo requests and waits a second for each answer.
func ping(l *lab.Lab, h *lab.Host, times int) error {
	c, err := h.ListenRaw(58, netip.MustParseAddr("2001:db8::1"))
	if err != nil {
		return err
	}
	defer c.Close()
	for n := range times {
		echo := []byte{128, 0, 0, 0, 0, 1, 0, byte(n)}
		if _, err := c.WriteTo(echo, nil, &net.IPAddr{IP: net.ParseIP("2001:db8::2")}); err != nil {
			return err
		}
		c.SetReadDeadline(l.Now().Add(time.Second))
		c.ReadFrom(make([]byte, 100))
	}
	return nil
}

// ask sends questions again until they are answered, as a stub resolver does.
func ask(ctx context.Context, l *lab.Lab, h *lab.Host, times int) error {
	for n := range times {
		c, err := h.DialContext(ctx, "udp", "10.0.0.2:53")
		if err != nil {
			return err
		}
		answered := false
		for try := 0; try < 5 && !answered; try++ {
			if _, err := c.Write(binary.BigEndian.AppendUint16(nil, uint16(n))); err != nil {
				return err
			}
			c.SetReadDeadline(l.Now().Add(time.Second))
			_, err = c.Read(make([]byte, 100))
			answered = err == nil
		}
		c.Close()
		if !answered {
			return fmt.Errorf("question %d: %w", n, err)
		}
	}
	return nil
}

// traceOf is lossy for another process.
func traceOf(seed string) string {
	n, _ := strconv.ParseUint(seed, 10, 64)
	l, err := lab.Start(context.Background(), lab.Config{Seed: n})
	if err != nil {
		return err.Error()
	}
	hash, err := lossy(l, 20_000)
	if err != nil {
		return err.Error()
	}
	if err := l.Close(); err != nil {
		return err.Error()
	}
	if l.Foreign() {
		return "goroutines were noticed that are not the lab's"
	}
	return hash + " " + l.TraceHash()
}

// One seed gives one trace, the end of the lab included, however often it is run.
func TestSameSeedSameTrace(t *testing.T) {
	runs := 100
	if testing.Short() || raceEnabled {
		runs = 5
	}
	want := traceOf("1")
	for n := range runs {
		if got := traceOf("1"); got != want {
			t.Fatalf("run %d: %s, and before: %s", n, got, want)
		}
	}
	if other := traceOf("2"); other == want {
		t.Error("another seed gives the same trace")
	}
}

// Other processes give it too, with any number of processors.
func TestSameTraceInOtherProcesses(t *testing.T) {
	want := traceOf("3")
	for _, procs := range []string{"1", "2", "4"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "LAB_TEST_SCENARIO=3", "GOMAXPROCS="+procs)
		out, err := cmd.CombinedOutput()
		if got := string(bytes.TrimSpace(out)); err != nil || got != want {
			t.Errorf("GOMAXPROCS=%s: %v: %s, want %s", procs, err, got, want)
		}
	}
}
