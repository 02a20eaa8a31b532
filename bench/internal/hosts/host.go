package hosts

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/hextet/hextet/stack"
)

// A host has an interface that gets a crowd of addresses and loses it again.
type host interface {
	add() error    // all of them, and waits until they are assigned
	remove() error // all of them, in the same order
	count() int    // how many of them are assigned
	close() error
}

// ours is a stack without TCP on a sink.
type ours struct {
	ctx       context.Context
	stack     *stack.Stack
	eth       *stack.Interface
	crowd     crowd
	addresses []stack.Address
	removed   []netip.Addr
}

func newOurs(ctx context.Context, c crowd, dad bool) (host, error) {
	s, err := stack.New(stack.Config{NoTCP: true})
	if err != nil {
		return nil, err
	}
	eth, err := s.Attach(stack.InterfaceConfig{Link: newSink(), DAD: dad})
	if err != nil {
		s.Close()
		return nil, err
	}
	h := &ours{ctx: ctx, stack: s, eth: eth, crowd: c}
	for _, p := range c {
		h.addresses = append(h.addresses, stack.Address{Prefix: p})
		h.removed = append(h.removed, p.Addr())
	}
	return h, nil
}

func (h *ours) add() error {
	if err := h.eth.AddAddresses(h.addresses); err != nil {
		return err
	}
	return h.eth.WaitAssigned(h.ctx)
}

func (h *ours) remove() error { return h.eth.RemoveAddresses(h.removed) }

func (h *ours) count() (n int) {
	assigned := map[netip.Addr]bool{}
	for _, a := range h.eth.Addresses() {
		assigned[a.Prefix.Addr()] = a.State != stack.Tentative
	}
	for _, p := range h.crowd {
		if assigned[p.Addr()] {
			n++
		}
	}
	return n
}

func (h *ours) close() error { return h.stack.Close() }

// has says if not exactly n of the crowd are assigned.
func has(h host, n int) error {
	if got := h.count(); got != n {
		return fmt.Errorf("hosts: %d addresses assigned, not %d", got, n)
	}
	return nil
}
