package main

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/capture"
)

const (
	name    = "server.example.test"
	mtu     = 1500
	many    = 50 // addresses of each family
	passed  = 25 // the one of them that the firewall passes
	webPort = "80"
)

var (
	client4, client6 = netip.MustParseAddr("10.0.0.201"), netip.MustParseAddr("2001:db8:0:1::c1")
	dns4, dns6       = netip.MustParseAddr("10.0.0.53"), netip.MustParseAddr("2001:db8:0:1::53")
	zones            = []string{"example.test", "0.0.10.in-addr.arpa", "1.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"}
	key              = []byte("a secret of the quickstart's own")
)

// server4 and server6 are the server's n-th addresses.
func server4(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}) }
func server6(n int) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("2001:db8:0:1::1:%d", n))
}

// network is three hosts on one segment, the client behind its firewall.
type network struct {
	server, client, dns *stack.Stack
	serverIf            *stack.Interface
	wall                *firewall
	zone                *dnsregtest.Server
	registrar           *dnsreg.Registrar
	segment             *segment
}

func newNetwork(w *capture.Writer) (*network, error) {
	n := &network{segment: &segment{where: make(map[netip.Addr]stack.Link)}}
	var all []stack.Address
	for i := 1; i <= many; i++ {
		all = append(all, stack.Address{Prefix: netip.PrefixFrom(server4(i), 24)}, stack.Address{Prefix: netip.PrefixFrom(server6(i), 64)})
	}
	n.wall = &firewall{Link: n.segment.port(), blocked: blocked}
	var err error
	if n.server, n.serverIf, err = host(w.Tap("server", n.segment.port()), all...); err != nil {
		return nil, err
	}
	if n.client, _, err = host(w.Tap("client", n.wall), plain(client4, 24), plain(client6, 64)); err != nil {
		return nil, err
	}
	if n.dns, _, err = host(w.Tap("dns", n.segment.port()), plain(dns4, 24), plain(dns6, 64)); err != nil {
		return nil, err
	}
	if err := n.startDNS(); err != nil {
		return nil, err
	}
	n.registrar, err = dnsreg.New(dnsreg.Config{
		Name:    name,
		Source:  n.server,
		Servers: []string{net.JoinHostPort(dns4.String(), "53")},
		Auth:    dnsreg.TSIG("quickstart", "hmac-sha256", key),
		Dial:    n.server.DialContext,
	})
	return n, err
}

func plain(a netip.Addr, bits int) stack.Address {
	return stack.Address{Prefix: netip.PrefixFrom(a, bits)}
}

// host returns a stack with one interface.
func host(l stack.Link, addrs ...stack.Address) (*stack.Stack, *stack.Interface, error) {
	s, err := stack.New(stack.Config{Nameservers: []netip.AddrPort{netip.AddrPortFrom(dns4, 53)}})
	if err != nil {
		return nil, nil, err
	}
	i, err := s.Attach(stack.InterfaceConfig{Name: "eth0", Link: l})
	if err != nil {
		return nil, nil, err
	}
	return s, i, i.AddAddresses(addrs)
}

// close ends all hosts, then the wires between them.
func (n *network) close() {
	n.zone.Close()
	for _, s := range []*stack.Stack{n.server, n.client, n.dns} {
		s.Close()
	}
	n.segment.close()
}

// blocked is the firewall's rule: of the server's addresses one of each family is passed.
func blocked(remote netip.Addr) bool {
	for i := 1; i <= many; i++ {
		if i != passed && (remote == server4(i) || remote == server6(i)) {
			return true
		}
	}
	return false
}

// firewall drops what the client sends to, or receives from, a blocked address.
type firewall struct {
	stack.Link
	blocked func(netip.Addr) bool
	dropped atomic.Int64
}

func (f *firewall) WritePackets(bufs [][]byte) (int, error) {
	var pass [][]byte
	for _, b := range bufs {
		if f.blocked(parse(b).dst) {
			f.dropped.Add(1)
		} else {
			pass = append(pass, b)
		}
	}
	if _, err := f.Link.WritePackets(pass); err != nil {
		return 0, err
	}
	return len(bufs), nil
}

func (f *firewall) ReadPackets(bufs [][]byte, sizes []int) (int, error) {
	for {
		n, err := f.Link.ReadPackets(bufs, sizes)
		kept := 0
		for i := range n {
			p := parse(bufs[i][:sizes[i]])
			if f.blocked(p.src) {
				if p.dst == client4 || p.dst == client6 { // no neighbour's, flooded here
					f.dropped.Add(1)
				}
				continue
			}
			sizes[kept] = copy(bufs[kept], bufs[i][:sizes[i]])
			kept++
		}
		if kept > 0 || err != nil {
			return kept, err
		}
	}
}

// segment joins its ports as a switch does: a packet goes where its destination was last seen sending,
// and everywhere else while that is unknown.
type segment struct {
	mu    sync.Mutex
	ports []stack.Link
	where map[netip.Addr]stack.Link
	wg    sync.WaitGroup
}

// port returns the host's end of a new port.
func (s *segment) port() stack.Link {
	inside, outside := stack.Pipe(mtu)
	s.mu.Lock()
	s.ports = append(s.ports, inside)
	s.mu.Unlock()
	s.wg.Go(func() { s.forward(inside) })
	return outside
}

func (s *segment) forward(from stack.Link) {
	buf, size := [][]byte{make([]byte, mtu)}, []int{0}
	for {
		if _, err := from.ReadPackets(buf, size); err != nil {
			return
		}
		b := buf[0][:size[0]]
		p := parse(b)
		s.mu.Lock()
		s.where[p.src] = from
		for _, to := range s.ports {
			if known := s.where[p.dst]; to != from && (known == nil || known == to) {
				to.WritePackets([][]byte{b})
			}
		}
		s.mu.Unlock()
	}
}

func (s *segment) close() {
	for _, p := range s.ports {
		p.Close()
	}
	s.wg.Wait()
}
