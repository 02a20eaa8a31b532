package stack

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"

	"github.com/hextet/hextet/stack/internal/convert"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/waiter"
)

// socket is what TCP conns and listeners share: a gVisor endpoint, the queue of those who wait for it,
// and an end that wakes them.
type socket struct {
	s    *Stack
	ep   tcpip.Endpoint
	wq   *waiter.Queue
	net  string // as net.OpError has it
	ipv4 bool   // the endpoint speaks IPv4 only

	once sync.Once
	done chan struct{} // closed by Close
}

// newSocket opens an endpoint and enters it in the set of what Stack.Close ends.
func (s *Stack) newSocket(transport tcpip.TransportProtocolNumber, network string, ipv4 bool) (*socket, error) {
	if s.cfg.NoTCP && transport == header.TCPProtocolNumber {
		return nil, fmt.Errorf("the stack has no TCP, by Config.NoTCP: %w", syscall.EPROTONOSUPPORT)
	}
	proto := header.IPv6ProtocolNumber
	if ipv4 {
		proto = header.IPv4ProtocolNumber
	}
	wq := new(waiter.Queue)
	ep, err := s.gv.NewEndpoint(transport, proto, wq)
	if err != nil {
		return nil, syscallError("socket", convert.Error(err))
	}
	return s.adopt(ep, wq, network, ipv4)
}

// adopt makes a socket of an endpoint, which it closes if the stack is closed.
func (s *Stack) adopt(ep tcpip.Endpoint, wq *waiter.Queue, network string, ipv4 bool) (*socket, error) {
	k := &socket{s: s, ep: ep, wq: wq, net: network, ipv4: ipv4, done: make(chan struct{})}
	if err := s.conns.add(k); err != nil {
		ep.Close()
		return nil, err
	}
	return k, nil
}

// Close closes the socket. Calls that wait return net.ErrClosed, as do all later ones, a second
// Close too.
func (k *socket) Close() error {
	err := net.ErrClosed
	k.once.Do(func() {
		err = nil
		close(k.done)
		k.s.conns.remove(k)
		k.ep.Close()
		k.s.settle()
	})
	return err
}

func (k *socket) closed() bool {
	select {
	case <-k.done:
		return true
	default:
		return false
	}
}

// poll calls try until gVisor does not put it off any more, or until d has passed or the socket is
// closed. try must be quick and is never called after poll has returned.
func (k *socket) poll(events waiter.EventMask, d *deadline, try func() tcpip.Error) error {
	select {
	case <-k.done:
		return net.ErrClosed
	case <-d.wait():
		return os.ErrDeadlineExceeded
	default:
	}
	defer k.s.settle()
	err := try()
	if !wouldBlock(err) {
		return k.result(err)
	}
	entry, notified := waiter.NewChannelEntry(events | waiter.EventErr | waiter.EventHUp)
	k.wq.EventRegister(&entry)
	defer k.wq.EventUnregister(&entry)
	for {
		passed := d.wait()
		if err := try(); !wouldBlock(err) {
			return k.result(err)
		}
		if k.s.turn != nil {
			k.s.yield(notified, passed, k.done)
		}
		select {
		case <-notified:
		case <-passed:
			return os.ErrDeadlineExceeded
		case <-k.done:
			return net.ErrClosed
		}
	}
}

func wouldBlock(err tcpip.Error) bool {
	_, ok := err.(*tcpip.ErrWouldBlock)
	return ok
}

// result is an endpoint's error as the caller is to see it: what goes wrong with an endpoint because
// it was closed under a call is only that.
func (k *socket) result(err tcpip.Error) error {
	if err != nil && k.closed() {
		return net.ErrClosed
	}
	return k.explain(convert.Error(err))
}

// localAddr and remoteAddr ask the endpoint.
func (k *socket) localAddr() netip.AddrPort {
	fa, err := k.ep.GetLocalAddress()
	if err != nil {
		return netip.AddrPort{}
	}
	return k.s.addrPort(fa, anyAddr(k.ipv4))
}

func (k *socket) remoteAddr() (netip.AddrPort, error) {
	fa, err := k.ep.GetRemoteAddress()
	if err != nil {
		return netip.AddrPort{}, k.result(err)
	}
	return k.s.addrPort(fa, anyAddr(k.ipv4)), nil
}
