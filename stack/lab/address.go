package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/hextet/hextet/stack"
)

// AddressIn returns the host's first address under a prefix, in whatever state, and whether there is one.
// Interfaces are asked in the order in which they were added.
func (h *Host) AddressIn(p netip.Prefix) (stack.AddressInfo, bool) {
	for _, i := range h.Interfaces() {
		for _, a := range i.Addresses() {
			if p.Contains(a.Prefix.Addr()) {
				return a, true
			}
		}
	}
	return stack.AddressInfo{}, false
}

// WaitAddress waits until the host has an address under a prefix that is assigned, and returns it: one that a
// router's advertisement leads to, say. The error is that of ctx, whose deadline should be one of WithTimeout,
// or net.ErrClosed once the host is closed.
func (h *Host) WaitAddress(ctx context.Context, p netip.Prefix) (stack.AddressInfo, error) {
	for range h.Watch(ctx) {
		if a, ok := h.AddressIn(p); ok && a.State == stack.Assigned {
			return a, nil
		}
	}
	err := net.ErrClosed
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return stack.AddressInfo{}, fmt.Errorf("lab: host %q has no address under %v: %w", h.name, p, err)
}
