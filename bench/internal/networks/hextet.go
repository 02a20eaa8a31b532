package networks

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

// A simulation is a lab with its defaults, of which the caller is the first task. It must
// not be there while others are timed: it would notice that the caller doesn't wait for
// it, and have the runtime dump all goroutines to see what he waits for.
type simulation struct {
	*lab.Lab
	hosts []*lab.Host
}

func newSimulation(ctx context.Context, p plan) (network, error) {
	return simulate(ctx, p, lab.Impairment{})
}

// newDistant is newSimulation with segments on which packets take a millisecond.
func newDistant(ctx context.Context, p plan) (network, error) {
	return simulate(ctx, p, lab.Impairment{Latency: time.Millisecond})
}

func simulate(ctx context.Context, p plan, im lab.Impairment) (network, error) {
	l, err := lab.Start(ctx)
	if err != nil {
		return nil, err
	}
	s := &simulation{Lab: l}
	if err := s.build(p, im); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return s, nil
}

func (s *simulation) build(p plan, im lab.Impairment) error {
	var segments []*lab.Segment
	var between []lab.InterfaceConfig
	for n := range p.segments() {
		seg, err := s.AddSegment(lab.SegmentConfig{Impair: im})
		if err != nil {
			return err
		}
		segments = append(segments, seg)
		between = append(between, station(seg, router(n), p))
	}
	if p.routed {
		if _, err := s.AddRouter(lab.RouterConfig{Interfaces: between}); err != nil {
			return err
		}
	}
	for i := range p.hosts {
		cfg := lab.HostConfig{Interfaces: []lab.InterfaceConfig{station(segments[p.segment(i)], p.prefix(i), p)}}
		if p.routed {
			cfg.Routers = []netip.Addr{router(p.segment(i)).Addr()}
		}
		h, err := s.AddHost(cfg)
		if err != nil {
			return err
		}
		s.hosts = append(s.hosts, h)
	}
	for _, h := range s.hosts {
		if err := h.Interface("eth0").WaitAssigned(s.Context()); err != nil {
			return err
		}
	}
	return nil
}

func station(seg *lab.Segment, prefix netip.Prefix, p plan) lab.InterfaceConfig {
	return lab.InterfaceConfig{
		Segment: seg, Addresses: []stack.Address{{Prefix: prefix}}, HardwareAddr: hardware(prefix),
		Stack: stack.InterfaceConfig{DAD: p.dad},
	}
}

func (s *simulation) listen(i int, port uint16) (net.PacketConn, error) {
	at := netip.AddrPortFrom(netip.IPv6Unspecified(), port)
	return s.hosts[i].ListenPacket(s.Context(), "udp6", at.String())
}

func (s *simulation) start(f func() error) {
	s.Go("echo", func(context.Context) error { return f() })
}

func (s *simulation) in(d time.Duration) time.Time { return s.Now().Add(d) }

func (s *simulation) usable() (n int, err error) {
	for _, h := range s.hosts {
		assigned := 0
		for _, a := range h.Interface("eth0").Addresses() {
			if a.State != stack.Tentative {
				assigned++
			}
		}
		if assigned == 2 {
			n++
		}
	}
	return n, nil
}

func (s *simulation) close() error { return s.Close() }
