package udp

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// check sends different datagrams one by one and compares what is read, and from whom.
func (f *flow) check() error {
	rng := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, len(f.payload)+1)
	if err := f.to.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	for range 2 * step {
		for i := range f.payload {
			f.payload[i] = byte(rng.Uint32())
		}
		if _, err := f.from.Write(f.payload); err != nil {
			return fmt.Errorf("udp: %s: %w", f.name, err)
		}
		n, addr, err := f.to.ReadFrom(b)
		if err != nil {
			return fmt.Errorf("udp: %s: %w", f.name, err)
		}
		if !bytes.Equal(b[:n], f.payload) || addr.String() != f.from.LocalAddr().String() {
			return fmt.Errorf("udp: %s: read %x from %v, want %x from %v", f.name, b[:n], addr, f.payload, f.from.LocalAddr())
		}
	}
	return nil
}

// A probe is a host, left, whose wire ends in the program.
type probe struct {
	host
	in     func(pkt []byte) error
	out    func() ([]byte, error) // the next packet; unplug makes it fail
	unplug func()
}

// check sees to it that nobody saves the checksum: a datagram goes out with it, and comes
// in only if it is right.
func (p *probe) check(size int) error {
	defer p.close()
	watchdog := time.AfterFunc(patience, p.unplug)
	defer watchdog.Stop()
	defer p.unplug()
	to := netip.AddrPortFrom(right, port)
	from, err := p.dial(to)
	if err != nil {
		return err
	}
	defer from.Close()
	at, err := p.listen(netip.AddrPortFrom(left, port))
	if err != nil {
		return err
	}
	defer at.Close()
	if err := p.checkSend(from, to, size); err != nil {
		return err
	}
	return p.checkReceive(at, size)
}

func (p *probe) checkSend(from net.Conn, to netip.AddrPort, size int) error {
	local, ok := from.LocalAddr().(*net.UDPAddr)
	if !ok {
		return fmt.Errorf("udp: the local address is a %T", from.LocalAddr())
	}
	payload := bytes.Repeat([]byte{0xa5}, size)
	if _, err := from.Write(payload); err != nil {
		return err
	}
	for {
		got, err := p.out()
		if err != nil {
			return err
		}
		if header.IPv6(got).NextHeader() != uint8(header.UDPProtocolNumber) {
			continue // what else a host has to say
		}
		got[1], got[2], got[3] = got[1]&0xf0, 0, 0 // the flow label is up to the sender
		if want := packet(netip.AddrPortFrom(left, uint16(local.Port)), to, payload); !bytes.Equal(got, want) {
			return fmt.Errorf("udp: sent %x, want %x", got, want)
		}
		return nil
	}
}

func (p *probe) checkReceive(at net.PacketConn, size int) error {
	src, dst := netip.AddrPortFrom(right, 1000), netip.AddrPortFrom(left, port)
	wrong := packet(src, dst, bytes.Repeat([]byte{0x5a}, size))
	wrong[len(wrong)-1]++
	right := bytes.Repeat([]byte{0xc3}, size)
	for _, pkt := range [][]byte{wrong, packet(src, dst, right)} {
		if err := p.in(pkt); err != nil {
			return err
		}
	}
	if err := at.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	b := make([]byte, size+1)
	n, addr, err := at.ReadFrom(b)
	if err != nil {
		return err
	}
	if !bytes.Equal(b[:n], right) || addr.String() != src.String() {
		return fmt.Errorf("udp: received %x from %v, want %x from %v", b[:n], addr, right, src)
	}
	return nil
}

// packet is a datagram on the wire, by gVisor's own functions for headers.
func packet(from, to netip.AddrPort, payload []byte) []byte {
	src, dst := tcpip.AddrFrom16(from.Addr().As16()), tcpip.AddrFrom16(to.Addr().As16())
	length := uint16(header.UDPMinimumSize + len(payload))
	b := make([]byte, header.IPv6MinimumSize+header.UDPMinimumSize, header.IPv6MinimumSize+int(length))
	header.IPv6(b).Encode(&header.IPv6Fields{
		PayloadLength:     length,
		TransportProtocol: header.UDPProtocolNumber,
		HopLimit:          64,
		SrcAddr:           src,
		DstAddr:           dst,
	})
	u := header.UDP(b[header.IPv6MinimumSize:])
	u.Encode(&header.UDPFields{SrcPort: from.Port(), DstPort: to.Port(), Length: length})
	sum := header.PseudoHeaderChecksum(header.UDPProtocolNumber, src, dst, length)
	u.SetChecksum(^u.CalculateChecksum(sumOf(payload, sum)))
	return append(b, payload...)
}

// sumOf is RFC 1071's sum of sum and b, by words.
func sumOf(b []byte, sum uint16) uint16 {
	total := uint32(sum)
	for i, v := range b {
		if i%2 == 0 {
			total += uint32(v) << 8
		} else {
			total += uint32(v)
		}
	}
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return uint16(total)
}
