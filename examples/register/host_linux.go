//go:build !android

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"syscall"
	"time"

	"github.com/hextet/hextet/srcselect"
)

// Flags of an address (linux/if_addr.h) that the syscall package lacks.
const (
	ifaOptimistic  = 0x04
	ifaDadFailed   = 0x08
	ifaHomeAddress = 0x10
)

// groups are the changes to hear of. Those of links bring other names, by which settings choose.
const groups = 1<<(syscall.RTNLGRP_LINK-1) | 1<<(syscall.RTNLGRP_IPV4_IFADDR-1) | 1<<(syscall.RTNLGRP_IPV6_IFADDR-1)

// hostTable is a table of the kernel's addresses, kept by rtnetlink. stop ends the watching.
func hostTable(log *slog.Logger, _ time.Duration) (t *table, stop func() error, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	// Events first: what changes while the table is read is heard of.
	events, err := openNetlink(ctx, groups)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	tables, err := openNetlink(ctx, 0)
	if err != nil {
		cancel()
		return nil, nil, errors.Join(err, events.Close())
	}
	t = new(table)
	look := func() error { return refresh(t, tables) }
	if err := look(); err != nil {
		cancel()
		return nil, nil, errors.Join(err, events.Close(), tables.Close())
	}
	// wait opens another socket after a failure. That counts as an event, for nobody has listened meanwhile.
	wait := func() (err error) {
		if events == nil {
			events, err = openNetlink(ctx, groups)
			return err
		}
		if err = events.waitEvents(); err != nil {
			events.Close()
			events = nil
		}
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		watch(ctx, log, wait, look)
	}()
	return t, func() error {
		cancel()
		<-done
		if events == nil {
			return tables.Close()
		}
		return errors.Join(events.Close(), tables.Close())
	}, nil
}

// refresh reads the kernel's tables.
func refresh(t *table, tables *netlink) error {
	names := make(map[int]string)
	err := tables.dump(syscall.RTM_GETLINK, func(m syscall.NetlinkMessage) {
		if index, name, ok := parseLink(m); ok {
			names[index] = name
		}
	})
	var addrs []srcselect.Address
	if err == nil {
		err = tables.dump(syscall.RTM_GETADDR, func(m syscall.NetlinkMessage) {
			if a, ok := parseAddress(m); ok {
				addrs = append(addrs, a)
			}
		})
	}
	if err == nil {
		t.set(names, addrs)
	}
	return err
}

func parseLink(m syscall.NetlinkMessage) (index int, name string, ok bool) {
	if m.Header.Type != syscall.RTM_NEWLINK || len(m.Data) < syscall.SizeofIfInfomsg {
		return 0, "", false
	}
	attrs, err := syscall.ParseNetlinkRouteAttr(&m)
	if err != nil {
		return 0, "", false
	}
	for _, a := range attrs {
		if a.Attr.Type == syscall.IFLA_IFNAME && len(a.Value) > 0 {
			name = string(a.Value[:len(a.Value)-1]) // less its NUL
		}
	}
	return int(int32(binary.NativeEndian.Uint32(m.Data[4:]))), name, name != ""
}

// parseAddress reads a struct ifaddrmsg: family, prefix length, flags, scope, index of the interface.
func parseAddress(m syscall.NetlinkMessage) (a srcselect.Address, ok bool) {
	if m.Header.Type != syscall.RTM_NEWADDR || len(m.Data) < syscall.SizeofIfAddrmsg {
		return a, false
	}
	attrs, err := syscall.ParseNetlinkRouteAttr(&m)
	if err != nil {
		return a, false
	}
	flags := m.Data[2] // the attribute IFA_FLAGS has more of them, none of which matters here
	var address, local netip.Addr
	for _, x := range attrs {
		switch x.Attr.Type {
		case syscall.IFA_ADDRESS:
			address, _ = netip.AddrFromSlice(x.Value)
		case syscall.IFA_LOCAL:
			local, _ = netip.AddrFromSlice(x.Value)
		}
	}
	if local.IsValid() {
		address = local // on a point-to-point link the other is the peer's
	}
	a = srcselect.Address{
		Prefix:      netip.PrefixFrom(address, int(m.Data[1])),
		Interface:   int(binary.NativeEndian.Uint32(m.Data[4:])),
		Tentative:   flags&(syscall.IFA_F_TENTATIVE|ifaDadFailed) != 0,
		Optimistic:  flags&ifaOptimistic != 0,
		Deprecated:  flags&syscall.IFA_F_DEPRECATED != 0,
		Temporary:   flags&syscall.IFA_F_TEMPORARY != 0 && m.Data[0] == syscall.AF_INET6, // to IPv4 it means secondary
		HomeAddress: flags&ifaHomeAddress != 0,
	}
	return a, a.Prefix.IsValid()
}

// netlinkError says what was being done.
func netlinkError(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the kernel's addresses: %s: %w", what, err)
}
