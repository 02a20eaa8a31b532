package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
	"github.com/hextet/hextet/stack/netsh"
	"github.com/hextet/hextet/stack/tun"
)

// host is a stack, and the time that it lives by.
type host struct {
	stack   *stack.Stack
	advance func(d time.Duration) error
	close   func() error
}

// command runs a line of netsh, or one of the two that are this program's own.
func (h *host) command(ctx context.Context, sh *netsh.Shell, line string, out io.Writer) error {
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch word {
	case "explain":
		addr, err := netip.ParseAddr(strings.TrimSpace(rest))
		if err != nil {
			return err
		}
		why, err := h.stack.Explain(addr)
		if len(why.Candidates) == 0 {
			return err
		}
		_, err = fmt.Fprint(out, why)
		return err
	case "advance":
		d, err := time.ParseDuration(strings.TrimSpace(rest))
		if err != nil {
			return err
		}
		return h.advance(d)
	}
	return sh.Run(ctx, line, out)
}

// The interface has the name that Windows used to give it.
const connection = "Local Area Connection"

// inMemory is a host of a lab, on one segment with a router.
func inMemory(ctx context.Context) (*host, error) {
	l, err := lab.Start(ctx)
	if err != nil {
		return nil, err
	}
	web, err := l.AddHost(lab.HostConfig{Name: "web", Interfaces: []lab.InterfaceConfig{{Stack: stack.InterfaceConfig{Name: connection}}}})
	if err == nil {
		_, err = l.AddHost(lab.HostConfig{Name: "router", Addresses: lab.Addresses("192.168.1.1/24", "2001:db8::1/64")})
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &host{stack: web.Stack, advance: func(d time.Duration) error { l.Advance(d); return nil }, close: l.Close}, nil
}

// onDevice is a host behind a TUN device, whose other end is the kernel's.
func onDevice(name string) (*host, error) {
	device, err := tun.Open(tun.Config{Name: name})
	if err != nil {
		return nil, err
	}
	s, err := stack.New(stack.Config{})
	if err != nil {
		return nil, errors.Join(err, device.Close())
	}
	if _, err := s.Attach(stack.InterfaceConfig{Name: connection, Link: device}); err != nil {
		return nil, errors.Join(err, s.Close(), device.Close())
	}
	return &host{stack: s, advance: func(time.Duration) error { return errors.New("advance: behind a device time is everybody's") }, close: s.Close}, nil
}
