package lab_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

// Many hosts on one segment: each detects duplicates, all ping one.
func TestManyHosts(t *testing.T) {
	hosts := 1000
	if testing.Short() || raceEnabled {
		hosts = 50
	}
	before := memory()
	began := time.Now()
	l := lab.New(t)
	seg := l.Segment(lab.SegmentConfig{Impair: lab.Impairment{Latency: time.Millisecond}})
	var all []*lab.Host
	for n := range hosts {
		all = append(all, l.Host(lab.HostConfig{Interfaces: []lab.InterfaceConfig{{
			Segment:   seg,
			Addresses: lab.Addresses(fmt.Sprintf("2001:db8::%x/64", n+1)),
			Stack:     stack.InterfaceConfig{DAD: true},
		}}}))
	}
	for _, h := range all {
		if err := h.Interface("eth0").WaitAssigned(l.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d hosts started in %v, %d KiB each", hosts, time.Since(began), (memory()-before)/uint64(hosts)>>10)

	began = time.Now()
	for n, h := range all[1:] {
		l.Go(h.Name(), func(context.Context) error {
			l.Sleep(time.Duration(n) * time.Millisecond) // a stack remembers 512 neighbours
			return pingOnce(l, h, uint16(n))
		})
	}
	if err := l.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("all pinged one in %v, %v of the lab's time, %d packets in all", time.Since(began), l.Now().Sub(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), len(l.Packets()))

	if l.Foreign() {
		t.Error("goroutines were noticed that are not the lab's")
	}
	began = time.Now()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("closed in %v", time.Since(began))
}

func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

func pingOnce(l *lab.Lab, h *lab.Host, seq uint16) error {
	c, err := h.ListenRaw(58, netip.Addr{})
	if err != nil {
		return err
	}
	defer c.Close()
	echo := binary.BigEndian.AppendUint16([]byte{128, 0, 0, 0, 0, 9}, seq)
	if _, err := c.WriteTo(echo, nil, &net.IPAddr{IP: net.ParseIP("2001:db8::1")}); err != nil {
		return err
	}
	c.SetReadDeadline(l.Now().Add(5 * time.Second))
	for b := make([]byte, 100); ; {
		n, _, _, err := c.ReadFrom(b)
		if err != nil {
			return err
		}
		if n == 8 && b[0] == 129 && binary.BigEndian.Uint16(b[6:]) == seq {
			return nil
		}
	}
}

// Thirty days of an idle connection, with keep-alives as Linux has them, take milliseconds.
func TestThirtyIdleDays(t *testing.T) {
	l := lab.New(t)
	seg := l.Segment(lab.SegmentConfig{Impair: lab.Impairment{Latency: 10 * time.Millisecond}})
	a, b := pair(t, l, seg)
	ln, err := b.Listen(t.Context(), "tcp", ":80")
	check(t, err)
	accepted := l.Go("accept", func(context.Context) error {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		_, err = c.Read(make([]byte, 1))
		return err
	})
	c, err := a.DialContext(t.Context(), "tcp", "[2001:db8::2]:80")
	check(t, err)
	check(t, c.(*stack.TCPConn).SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 2 * time.Hour, Interval: 75 * time.Second, Count: 9}))
	began, packets := time.Now(), len(l.Packets())
	l.Advance(30 * 24 * time.Hour)
	t.Logf("30 days took %v and %d packets", time.Since(began), len(l.Packets())-packets)
	if n := len(l.Packets()) - packets; n < 2*359 {
		t.Errorf("%d packets: no keep-alive every two hours", n)
	}
	if _, err := c.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	check(t, accepted.Wait())
	check(t, c.Close())
}
