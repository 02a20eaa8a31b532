package main

import (
	"encoding/binary"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/hextet/hextet/stack/capture"
)

const (
	protoTCP    = 6
	protoICMPv6 = 58
	flagSYN     = 0x02
	flagACK     = 0x10
)

// packet is what the checks need to know of one: parsed here, by hand and from the file, so that the
// stack is not its own judge.
type packet struct {
	time     time.Time
	host     string // whose link it was on
	sent     bool   // by that host
	src, dst netip.Addr
	proto    byte
	payload  []byte
}

func parse(b []byte) packet {
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		src, dst := [4]byte(b[12:16]), [4]byte(b[16:20])
		return packet{src: netip.AddrFrom4(src), dst: netip.AddrFrom4(dst), proto: b[9], payload: b[min(len(b), int(b[0]&15)*4):]}
	case len(b) >= 40 && b[0]>>4 == 6:
		src, dst := [16]byte(b[8:24]), [16]byte(b[24:40])
		return packet{src: netip.AddrFrom16(src), dst: netip.AddrFrom16(dst), proto: b[6], payload: b[40:]}
	}
	return packet{}
}

func readPackets(file string) ([]packet, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var ps []packet
	for c, err := range capture.Packets(f) {
		if err != nil {
			return nil, err
		}
		p := parse(c.Data)
		p.time, p.host, p.sent = c.Time, c.Interface, c.Direction == capture.Outbound
		ps = append(ps, p)
	}
	return ps, nil
}

// tcpFlags returns the flags of a TCP segment, and 0 for anything else.
func (p packet) tcpFlags() byte {
	if p.proto != protoTCP || len(p.payload) < 20 {
		return 0
	}
	return p.payload[13]
}

// checksumValid adds up the ICMPv6 pseudo-header (RFC 8200 section 8.1) and message, two bytes at a
// time, as slowly as RFC 1071 section 4.1 does.
func (p packet) checksumValid() bool {
	src, dst := p.src.As16(), p.dst.As16()
	b := append(src[:], dst[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(p.payload)))
	b = append(b, 0, 0, 0, p.proto)
	b = append(b, p.payload...)
	if len(b)%2 == 1 {
		b = append(b, 0)
	}
	sum := 0
	for ; len(b) > 0; b = b[2:] {
		sum += int(b[0])<<8 | int(b[1])
		sum = sum&0xffff + sum>>16
	}
	return sum == 0xffff
}

// comments says in the capture which rule chose a source. The hook runs on the datapath and may not
// ask the stack, so the answers are put down beforehand.
var comments commentary

type commentary struct {
	mu   sync.Mutex
	text map[[2]netip.Addr]string
}

func (c *commentary) note(src, dst netip.Addr, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.text == nil {
		c.text = make(map[[2]netip.Addr]string)
	}
	c.text[[2]netip.Addr{src, dst}] = text
}

func (c *commentary) of(cp capture.Packet) string {
	if cp.Direction != capture.Outbound {
		return ""
	}
	p := parse(cp.Data)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text[[2]netip.Addr{p.src, p.dst}]
}
