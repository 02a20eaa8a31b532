package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
	"unsafe"

	"github.com/hextet/hextet/srcselect"
	"golang.org/x/sys/windows"
)

// Windows has the flag that this is all about: SkipAsSource of MIB_UNICASTIPADDRESS_ROW.

// events holds a token when addresses have changed since it was taken. There is one for the process, since
// a callback that Windows knows can never be given back.
var events = make(chan struct{}, 1)

var onChange = sync.OnceValue(func() uintptr {
	return windows.NewCallback(func(context, row, kind uintptr) uintptr {
		select {
		case events <- struct{}{}:
		default:
		}
		return 0
	})
})

// hostTable is a table of the system's addresses, which Windows tells of. stop ends that.
func hostTable(log *slog.Logger, _ time.Duration) (t *table, stop func() error, err error) {
	var handle windows.Handle
	// Events first: what changes while the table is read is heard of.
	if err := windows.NotifyUnicastIpAddressChange(windows.AF_UNSPEC, onChange(), nil, false, &handle); err != nil {
		return nil, nil, fmt.Errorf("NotifyUnicastIpAddressChange: %w", err)
	}
	t = new(table)
	if err := look(t); err != nil {
		windows.CancelMibChangeNotify2(handle)
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	wait := func() error {
		select {
		case <-events:
		case <-ctx.Done():
		}
		return ctx.Err()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		watch(ctx, log, wait, func() error { return look(t) })
	}()
	return t, func() error {
		err := windows.CancelMibChangeNotify2(handle) // waits for a callback that runs
		cancel()
		<-done
		return err
	}, nil
}

// look reads the system's table.
func look(t *table) error {
	interfaces, err := net.Interfaces()
	if err != nil {
		return err
	}
	names := make(map[int]string)
	for _, i := range interfaces {
		names[i.Index] = i.Name
	}
	var rows *windows.MibUnicastIpAddressTable
	if err := windows.GetUnicastIpAddressTable(windows.AF_UNSPEC, &rows); err != nil {
		return fmt.Errorf("GetUnicastIpAddressTable: %w", err)
	}
	defer windows.FreeMibTable(unsafe.Pointer(rows))
	var addrs []srcselect.Address
	for _, row := range unsafe.Slice(&rows.Table[0], rows.NumEntries) {
		if a := rowAddress(&row); a.Prefix.IsValid() {
			addrs = append(addrs, a)
		}
	}
	t.set(names, addrs)
	return nil
}

func rowAddress(row *windows.MibUnicastIpAddressRow) srcselect.Address {
	var addr netip.Addr
	switch row.Address.Family { // SOCKADDR_INET is a union
	case windows.AF_INET:
		addr = netip.AddrFrom4((*windows.RawSockaddrInet4)(unsafe.Pointer(&row.Address)).Addr)
	case windows.AF_INET6:
		addr = netip.AddrFrom16(row.Address.Addr)
	}
	return srcselect.Address{
		Prefix:       netip.PrefixFrom(addr, int(row.OnLinkPrefixLength)),
		Interface:    int(row.InterfaceIndex),
		SkipAsSource: row.SkipAsSource != 0,
		// Before and without success: IpDadStateInvalid, Tentative and Duplicate.
		Tentative:  row.DadState != windows.IpDadStatePreferred && row.DadState != windows.IpDadStateDeprecated,
		Deprecated: row.DadState == windows.IpDadStateDeprecated,
		Temporary:  row.SuffixOrigin == windows.NlsoRandom && addr.Is6(),
	}
}
