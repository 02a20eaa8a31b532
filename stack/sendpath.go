package stack

import (
	"fmt"
	"net/netip"
	"syscall"

	"github.com/hextet/hextet/stack/internal/convert"
	"github.com/hextet/hextet/stack/internal/engine"
	"gvisor.dev/gvisor/pkg/tcpip"
)

// sendPath says how a packet is to leave. The source, if it is not named, is chosen when the path is
// looked up.
type sendPath struct {
	dst    netip.Addr // without a zone
	source netip.Addr // zero: to be chosen
	nic    int        // 0: any
	loop   bool       // own members of a group get a copy
}

// outgoing returns the interface that the destination's zone, the caller and the socket agree on; 0 if
// nothing says one. bound is the socket's, or 0.
func (s *Stack) outgoing(dst netip.Addr, iface, bound int) (int, error) {
	nic := bound
	agree := func(other int, what string) error {
		if nic != 0 && nic != other {
			return fmt.Errorf("%s names interface %q, but the packet is bound to %q: %w", what, s.zoneName(other), s.zoneName(nic), syscall.EINVAL)
		}
		nic = other
		return nil
	}
	if dst.Zone() != "" {
		i, err := s.zoneInterface(dst)
		if err != nil {
			return 0, err
		}
		if err := agree(i.index, fmt.Sprintf("destination %v", dst)); err != nil {
			return 0, err
		}
	}
	if iface != 0 {
		if s.byIndex(iface) == nil {
			return 0, fmt.Errorf("control message: there is no interface with index %d: %w", iface, syscall.ENODEV)
		}
		if err := agree(iface, "the control message"); err != nil {
			return 0, err
		}
	}
	return nic, nil
}

// checkSource refuses a source that was named and is not the host's, or not that of the interface.
func (p sendPath) checkSource(s *Stack) error {
	if p.source.Is4() != p.dst.Is4() {
		return fmt.Errorf("%v is of another family than the source %v: %w", p.dst, p.source, syscall.EAFNOSUPPORT)
	}
	var only *Interface
	if p.nic != 0 {
		if only = s.byIndex(p.nic); only == nil {
			return errNoInterface(p.nic)
		}
	}
	if _, err := s.localInterface(p.source, only); err != nil {
		return err
	}
	return s.keepLoopback(p.source, p.dst)
}

// find looks a path up in gVisor's routes.
func (p sendPath) find(s *Stack) (*engine.Output, int, error) {
	r, gverr := s.gv.FindRoute(tcpip.NICID(p.nic), convert.Addr(p.source), convert.Addr(p.dst), convert.Protocol(p.dst), p.loop)
	if gverr != nil {
		return nil, 0, p.unroutable(s, convert.Error(gverr))
	}
	iface := int(r.OutgoingNIC())
	i := s.byIndex(iface)
	if i == nil { // since it was found
		r.Release()
		return nil, 0, errNoInterface(iface)
	}
	out, gverr := engine.NewOutput(s.gv, i.ep, r)
	if gverr != nil {
		return nil, 0, p.unroutable(s, convert.Error(gverr))
	}
	return out, iface, nil
}

// unroutable says why there is no route, or no source for it.
func (p sendPath) unroutable(s *Stack, err error) error {
	if i := s.byIndex(p.nic); i != nil && i.Err() != nil {
		return s.errDown(p.nic, i.name)
	}
	if p.source.IsValid() {
		return fmt.Errorf("no route to %v from %v: %w", p.dst, p.source, err)
	}
	dst := p.dst
	if p.nic != 0 && dst.Is6() {
		dst = dst.WithZone(s.zoneName(p.nic))
	}
	return s.sourceError(dst, err)
}

func errNoInterface(index int) error {
	return fmt.Errorf("there is no interface with index %d any more: %w", index, syscall.ENODEV)
}

// errDown says what became of a socket's interface, or returns nil if it is up.
func (s *Stack) errDown(iface int, name string) error {
	if i := s.byIndex(iface); i != nil {
		if err := i.Err(); err != nil {
			return fmt.Errorf("%w: %w", err, syscall.ENETDOWN)
		}
		return nil
	}
	return fmt.Errorf("interface %q was detached: %w", name, syscall.ENETDOWN)
}
