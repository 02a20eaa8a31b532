package main

import (
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/hextet/hextet/srcselect"
)

// pollTable is a table of the system's addresses for systems that tell neither changes nor flags.
func pollTable(log *slog.Logger, poll time.Duration) (t *table, stop func() error, err error) {
	log.Warn("this system does not tell what its addresses are for: temporary, deprecated and tentative ones are "+
		"registered like others; see skip and interface", "poll", poll)
	t = new(table)
	if err := lookPlain(t); err != nil {
		return nil, nil, err
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(poll)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				if err := lookPlain(t); err != nil {
					log.Error("addresses can't be read; the last known ones hold", "error", err)
				}
			case <-quit:
				return
			}
		}
	}()
	return t, func() error { close(quit); <-done; return nil }, nil
}

// lookPlain reads interfaces and addresses as every system tells them.
func lookPlain(t *table) error {
	interfaces, err := net.Interfaces()
	if err != nil {
		return err
	}
	names := make(map[int]string)
	var addrs []srcselect.Address
	for _, i := range interfaces {
		names[i.Index] = i.Name
		all, err := i.Addrs()
		if err != nil {
			return err
		}
		for _, a := range all {
			n, ok := a.(*net.IPNet)
			if !ok {
				continue
			}
			if addr, ok := netip.AddrFromSlice(n.IP); ok {
				ones, _ := n.Mask.Size()
				addrs = append(addrs, srcselect.Address{Prefix: netip.PrefixFrom(addr.Unmap(), ones), Interface: i.Index})
			}
		}
	}
	t.set(names, addrs)
	return nil
}
