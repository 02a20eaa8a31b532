package lab

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/hextet/hextet/stack"
)

// InterfaceConfig configures one interface of a Host.
type InterfaceConfig struct {
	// Segment is where the interface is plugged in. nil: the lab's first.
	Segment *Segment

	// Unplugged leaves the interface off its Segment, from which it has its MTU, until Plug.
	Unplugged bool

	// Addresses are assigned at once.
	Addresses []stack.Address

	// HardwareAddr is the station's address. nil: one from the order of the hosts that nobody has there,
	// or under Config.RealTime a random one.
	HardwareAddr net.HardwareAddr

	// Send and Receive are what happens to packets between the interface and its segment.
	Send, Receive Impairment

	// Firewall decides which packets pass between the interface and its segment. nil: all do.
	Firewall *Firewall

	// Stack is the rest: its Link is the lab's, and an empty Name "eth" and a number.
	Stack stack.InterfaceConfig
}

// An Interface is one of a Host's, with the cable to its segment.
type Interface struct {
	*stack.Interface
	p *port
}

// AddInterface adds an interface to the host, which has its addresses when AddInterface returns, tentative
// ones if the interface detects duplicates.
func (h *Host) AddInterface(cfg InterfaceConfig) (*Interface, error) {
	i, err := h.addInterface(cfg)
	if err != nil {
		return nil, fmt.Errorf("lab: host %q: %w", h.name, err)
	}
	return i, nil
}

func (h *Host) addInterface(c InterfaceConfig) (*Interface, error) {
	for _, end := range []struct {
		name string
		Impairment
	}{{"Send", c.Send}, {"Receive", c.Receive}} {
		if err := end.check(); err != nil {
			return nil, fmt.Errorf("interface %q: %s: %w", c.Stack.Name, end.name, err)
		}
	}
	if c.Segment == nil {
		var err error
		if c.Segment, err = h.l.firstSegment(); err != nil {
			return nil, err
		}
	}
	if c.Segment.l != h.l {
		return nil, fmt.Errorf("interface %q: segment %q is another lab's", c.Stack.Name, c.Segment.name)
	}
	k := h.nextInterface()
	if c.Stack.Name == "" {
		c.Stack.Name = fmt.Sprintf("eth%d", k)
	}
	if c.HardwareAddr == nil {
		c.HardwareAddr = c.Segment.free(h.l.hardwareAddr(h.nth, k))
	}
	p := newPort(h, c)
	p.gate.wall.Store(c.Firewall)
	if !c.Unplugged {
		p.plug(c.Segment)
	}
	c.Stack.Link = p
	i, err := h.Attach(c.Stack)
	if err != nil {
		p.Close()
		return nil, err
	}
	p.await()
	if err := i.AddAddresses(c.Addresses); err != nil {
		i.Detach()
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	mine := &Interface{i, p}
	h.ifaces = append(h.ifaces, mine)
	return mine, nil
}

// free returns hw, or, if somebody was given that on the segment, another address.
func (s *Segment) free(hw net.HardwareAddr) net.HardwareAddr {
	s.l.wires.Lock()
	defer s.l.wires.Unlock()
	for range 256 {
		if s.places[string(hw)] == nil {
			break
		}
		hw[1] += 0x11
	}
	return hw
}

// cabled returns the interfaces that AddInterface added.
func (h *Host) cabled() []*Interface {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.ifaces)
}

// nextInterface returns how many interfaces were added before.
func (h *Host) nextInterface() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cables++
	return h.cables - 1
}

// Interface returns the interface of that name. If there is none, it ends the test; outside of one it
// panics.
func (h *Host) Interface(name string) *Interface {
	if h.l.tb != nil {
		h.l.tb.Helper()
	}
	return must(h.l, name, h.interfaceOf)
}

func (h *Host) interfaceOf(name string) (*Interface, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var names []string
	for _, i := range h.ifaces {
		if i.Name() == name && i.live() {
			return i, nil
		}
		names = append(names, i.Name())
	}
	return nil, fmt.Errorf("lab: host %q has no interface %q; it has had: %s", h.name, name, strings.Join(names, ", "))
}

// live reports whether the interface is not detached.
func (i *Interface) live() bool {
	select {
	case <-i.p.closed:
		return false
	default:
		return true
	}
}

// Segment returns where the interface is plugged in, or nil.
func (i *Interface) Segment() *Segment {
	i.p.h.l.wires.Lock()
	defer i.p.h.l.wires.Unlock()
	return i.p.segment
}

// Unplug pulls the cable out: nothing that the interface sends goes anywhere, and nothing arrives, what is on
// its way included. The stack does not notice, as with a switch in between.
func (i *Interface) Unplug() { i.p.plug(nil) }

// Plug plugs the interface in at a segment, after Unplug or in place of where it was. The interface keeps its
// MTU: what is too long for the segment vanishes there. It returns an error if the interface is detached or
// the segment is another lab's.
func (i *Interface) Plug(s *Segment) error {
	switch {
	case s == nil:
		return fmt.Errorf("lab: interface %q: plugged into a nil segment, where Unplug is meant", i.p.name)
	case s.l != i.p.h.l:
		return fmt.Errorf("lab: interface %q: segment %q is another lab's", i.p.name, s.name)
	case !i.live():
		return fmt.Errorf("lab: interface %q: %w", i.p.name, net.ErrClosed)
	}
	i.p.plug(s)
	return nil
}

// SetSend changes what happens, from now on, to packets on their way from the interface to its segment. It
// reports what is wrong with im, in which case nothing changes.
func (i *Interface) SetSend(im Impairment) error { return i.impair("Send", &i.p.send, im) }

// SetReceive is SetSend for packets to the interface.
func (i *Interface) SetReceive(im Impairment) error { return i.impair("Receive", &i.p.receive, im) }

func (i *Interface) impair(end string, p *place, im Impairment) error {
	if err := im.check(); err != nil {
		return fmt.Errorf("lab: interface %q: %s: %w", i.p.name, end, err)
	}
	i.p.h.l.wires.Lock()
	defer i.p.h.l.wires.Unlock()
	p.Impairment = im
	return nil
}
