package stack

import (
	"context"
	"errors"
	"fmt"
	"syscall"
)

// WaitAssigned waits until duplicate address detection has ended for every address of the interface.
// It returns an error that names the duplicates, if there are any, the context's, or why the interface
// is of no use any more: that of Err, or net.ErrClosed once it is detached.
func (i *Interface) WaitAssigned(ctx context.Context) error {
	for {
		settled := i.s.book.settled(i.index)
		if err := i.live(); err != nil {
			return err
		}
		if settled == nil {
			return i.duplicates()
		}
		if i.s.turn != nil {
			i.s.yield(settled, i.down, ctx.Done())
		}
		select {
		case <-settled:
		case <-i.down:
		case <-ctx.Done():
			return fmt.Errorf("stack: interface %q: waiting for addresses: %w", i.name, context.Cause(ctx))
		}
	}
}

// duplicates names the addresses that other stations have.
func (i *Interface) duplicates() error {
	if i.s.book.duplicates(i.index) == 0 {
		return nil
	}
	var errs []error
	for _, a := range i.Addresses() {
		if a.State == Duplicate {
			errs = append(errs, errAddress(a.Prefix, "another station on the link has it (RFC 4862 section 5.4)", syscall.EADDRINUSE))
		}
	}
	return errors.Join(errs...)
}
