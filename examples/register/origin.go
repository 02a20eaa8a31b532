package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/tun"
)

// openOrigin opens what the settings say: the host, or a stack behind a device.
func openOrigin(ctx context.Context, s *settings, log *slog.Logger) (*origin, error) {
	if s.device != "" {
		return openStack(ctx, s)
	}
	if len(s.addresses) > 0 || len(s.gateways) > 0 {
		return nil, errors.New("address and gateway are a stack's: give stack too")
	}
	t, stop, err := hostTable(log, s.poll)
	if err != nil {
		return nil, err
	}
	return &origin{
		source: skipping{t, s.skip}, names: t.interfaceNames, dial: new(net.Dialer).DialContext, close: stop,
	}, nil
}

// openStack makes a host of its own behind a TUN device. Everything it sends has a source that it chooses,
// never one of those that are skipped.
func openStack(ctx context.Context, s *settings) (*origin, error) {
	if len(s.addresses) == 0 {
		return nil, errors.New("stack without address: it would have nothing to register or to speak from")
	}
	device, err := tun.Open(tun.Config{Name: s.device})
	if err != nil {
		return nil, err
	}
	host, err := stack.New(stack.Config{Nameservers: nameservers(s.resolvers)})
	if err != nil {
		return nil, errors.Join(err, device.Close())
	}
	i, err := host.Attach(stack.InterfaceConfig{Name: device.Name(), Link: device})
	if err != nil {
		return nil, errors.Join(err, host.Close(), device.Close())
	}
	if err := configure(ctx, host, i, s); err != nil {
		return nil, errors.Join(err, host.Close())
	}
	names := func() map[int]string { return map[int]string{i.Index(): i.Name()} }
	return &origin{source: host, names: names, dial: host.DialContext, close: host.Close}, nil
}

func configure(ctx context.Context, host *stack.Stack, i *stack.Interface, s *settings) error {
	var all []stack.Address
	for _, p := range s.addresses {
		all = append(all, stack.Address{Prefix: p, SkipAsSource: contains(s.skip, p.Addr())})
	}
	if err := i.AddAddresses(all); err != nil {
		return err
	}
	for _, destination := range []string{"0.0.0.0/0", "::/0"} {
		to := netip.MustParsePrefix(destination)
		routers := slices.DeleteFunc(slices.Clone(s.gateways), func(a netip.Addr) bool { return a.Is4() != to.Addr().Is4() })
		if len(s.gateways) == 0 {
			routers = []netip.Addr{{}}
		}
		for _, router := range routers {
			if err := host.AddRoute(stack.Route{Destination: to, NextHop: router, Interface: i.Name()}); err != nil {
				return err
			}
		}
	}
	return i.WaitAssigned(ctx)
}

// nameservers are the resolvers that are given by address: by them the stack finds the others.
func nameservers(resolvers []string) (all []netip.AddrPort) {
	for _, r := range resolvers {
		if at, err := netip.ParseAddrPort(r); err == nil {
			all = append(all, at)
		}
	}
	return all
}
