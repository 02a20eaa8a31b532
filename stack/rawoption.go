package stack

import (
	"fmt"
	"net"
	"syscall"
)

// setByte sets an option of one byte.
func (c *rawSocket) setByte(what string, v int, field func(*rawOptions) *int) error {
	return c.set(func(o *rawOptions) error {
		if err := checkByte(what, v); err != nil {
			return err
		}
		*field(o) = v
		return nil
	})
}

// get returns the value of an option, or its default.
func (c *rawSocket) get(field func(*rawOptions) *int, otherwise int) (int, error) {
	if c.closed() {
		return 0, c.opError("get", nil, net.ErrClosed)
	}
	o := *c.opt.Load()
	if v := *field(&o); v >= 0 {
		return v, nil
	}
	return otherwise, nil
}

func hopsOption(o *rawOptions) *int          { return &o.hops }
func multicastHopsOption(o *rawOptions) *int { return &o.multicastHops }
func tosOption(o *rawOptions) *int           { return &o.tos }

// setControl switches what read calls report. known is what the socket can.
func (c *rawSocket) setControl(flags, known uint, on bool) error {
	return c.set(func(o *rawOptions) error {
		if flags&^known != 0 {
			return fmt.Errorf("control flags %#x: %w", flags&^known, syscall.EOPNOTSUPP)
		}
		if on {
			o.control |= flags
		} else {
			o.control &^= flags
		}
		return nil
	})
}

// MulticastInterface returns the interface that SetMulticastInterface set, or nil.
func (c *rawSocket) MulticastInterface() (*net.Interface, error) {
	if c.closed() {
		return nil, c.opError("get", nil, net.ErrClosed)
	}
	if i := c.s.byIndex(c.opt.Load().multicastIf); i != nil {
		return i.NetInterface(), nil
	}
	return nil, nil
}

// SetMulticastInterface sets the interface by which multicast packets leave that name none in
// another way; nil leaves it to the routes. Only the Index of ifi counts: it is that of an Interface
// of the stack.
func (c *rawSocket) SetMulticastInterface(ifi *net.Interface) error {
	return c.set(func(o *rawOptions) error { return o.setMulticastInterface(c.s, ifi) })
}

// MulticastLoopback reports whether the stack's own members of a group receive what is sent to it.
func (c *rawSocket) MulticastLoopback() (bool, error) {
	if c.closed() {
		return false, c.opError("get", nil, net.ErrClosed)
	}
	return c.opt.Load().loop, nil
}

// SetMulticastLoopback says whether the stack's own members of a group, this socket included, receive
// what is sent to it. On a new socket they do.
func (c *rawSocket) SetMulticastLoopback(on bool) error {
	return c.set(func(o *rawOptions) error {
		o.loop = on
		return nil
	})
}
