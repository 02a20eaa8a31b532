package stack_test

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"time"
)

// TestTCPOptions: options take what they may, and refuse the rest by name.
func TestTCPOptions(t *testing.T) {
	a, b, _, _ := pair(t)
	client, server := dialPair(t, a, b, "tcp4", "192.0.2.2:0")
	defer client.Close()
	defer server.Close()
	for name, err := range map[string]error{
		"SetNoDelay":         client.SetNoDelay(false),
		"SetKeepAlive":       client.SetKeepAlive(true),
		"SetKeepAlivePeriod": client.SetKeepAlivePeriod(time.Minute),
		"SetLinger":          client.SetLinger(5),
		"SetReadBuffer":      client.SetReadBuffer(1),
		"SetWriteBuffer":     client.SetWriteBuffer(1 << 30),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"SetKeepAlivePeriod(0)": client.SetKeepAlivePeriod(0),
		"SetReadBuffer(0)":      client.SetReadBuffer(0),
		"SetWriteBuffer(-1)":    client.SetWriteBuffer(-1),
	} {
		if !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestKeepAliveOfTheClock: a peer that vanished is noticed after nine probes, by the stack's clock.
func TestKeepAliveOfTheClock(t *testing.T) {
	a, b, clock := steppedPair(t, false)
	client, server := dialPair(t, a, b, "tcp4", "192.0.2.2:0")
	defer client.Close()
	defer server.Close()
	client.SetKeepAlive(true)
	client.SetKeepAlivePeriod(time.Minute)
	waiting := async(func() error { _, err := client.Read(make([]byte, 1)); return err })
	b.Interfaces()[0].Detach()
	eventually(t, func() bool {
		clock.Advance(time.Minute)
		return len(waiting) > 0
	})
	if err := within(t, waiting); !errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("read: %v", err)
	}
}

// TestKeepAliveConfig: the first probe, the time between them and their number are what was set; zero
// stands for package net's values, and a negative one for what there was.
func TestKeepAliveConfig(t *testing.T) {
	for _, tt := range []struct {
		name    string
		configs []net.KeepAliveConfig
		probes  uint64
		least   time.Duration // until the end
	}{
		{"set", []net.KeepAliveConfig{{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}}, 3, 25 * time.Second},
		{"zero", []net.KeepAliveConfig{{Enable: true}}, 9, 150 * time.Second},
		{"negative", []net.KeepAliveConfig{
			{Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3},
			{Enable: true, Idle: -1, Interval: -1, Count: -1},
		}, 3, 25 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b, clock := steppedPair(t, false)
			client, server := dialPair(t, a, b, "tcp6", "[2001:db8::2]:0")
			defer client.Close()
			defer server.Close()
			ai := a.Interfaces()[0]
			b.Interfaces()[0].Detach()
			waiting := async(func() error { _, err := client.Read(make([]byte, 1)); return err })
			before, start := ai.Counters().TxDropped, clock.Now() // the wire is unplugged
			for _, c := range tt.configs {
				if err := client.SetKeepAliveConfig(c); err != nil {
					t.Fatal(err)
				}
			}
			eventually(t, func() bool {
				clock.Advance(100 * time.Millisecond)
				return len(waiting) > 0
			})
			if err := within(t, waiting); !errors.Is(err, syscall.ETIMEDOUT) {
				t.Errorf("read: %v", err)
			}
			// The last packet is the reset that ends it.
			if n := ai.Counters().TxDropped - before; n != tt.probes && n != tt.probes+1 {
				t.Errorf("%d packets were sent, want %d probes", n, tt.probes)
			}
			if took := clock.Now().Sub(start); took < tt.least {
				t.Errorf("it took %v, want %v", took, tt.least)
			}
		})
	}
}
