package sums

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"

	gvisor "gvisor.dev/gvisor/pkg/tcpip/checksum"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/icmp6/checksum"
)

// A header is one whose fields are in variables, to be summed before it is sent:
// added field by field, or written and then summed, as code does that has no
// accumulator.
type header struct {
	what       string
	size       int
	accumulate func(f *fields) uint16
	write      func(b []byte, f *fields) uint16
}

// fields is what headers are made of.
type fields struct {
	src, dst   netip.Addr
	a, b, c, d uint16
	x, y       uint32
}

func newFields() *fields {
	return &fields{
		netip.MustParseAddr("2001:db8::1234:5678"), netip.MustParseAddr("2001:db8:ffff::9abc"),
		0x8000, 0xfedc, 0x0b0b, 0x1701, 0x9abcdef0, 0x87654321,
	}
}

var headers = []header{
	{"UDP's, or an echo request's", 8, addEcho, writeEcho},
	{"TCP's", 20, addTCP, writeTCP},
	{"IPv6's pseudo-header", 40, addPseudo, writePseudo},
}

func addEcho(f *fields) uint16 {
	var a checksum.Accumulator
	a.Add16(f.a)
	a.Add16(f.b)
	a.Add16(f.c)
	a.Add16(f.d)
	return a.Sum16()
}

func writeEcho(b []byte, f *fields) uint16 {
	b = b[:8]
	binary.BigEndian.PutUint16(b, f.a)
	binary.BigEndian.PutUint16(b[2:], f.b)
	binary.BigEndian.PutUint16(b[4:], f.c)
	binary.BigEndian.PutUint16(b[6:], f.d)
	return gvisor.Checksum(b, 0)
}

func addTCP(f *fields) uint16 {
	var a checksum.Accumulator
	a.Add16(f.a)
	a.Add16(f.b)
	a.Add32(f.x)
	a.Add32(f.y)
	a.Add16(f.c)
	a.Add16(f.d)
	a.Add32(0) // checksum and urgent pointer
	return a.Sum16()
}

func writeTCP(b []byte, f *fields) uint16 {
	b = b[:20]
	binary.BigEndian.PutUint16(b, f.a)
	binary.BigEndian.PutUint16(b[2:], f.b)
	binary.BigEndian.PutUint32(b[4:], f.x)
	binary.BigEndian.PutUint32(b[8:], f.y)
	binary.BigEndian.PutUint16(b[12:], f.c)
	binary.BigEndian.PutUint16(b[14:], f.d)
	binary.BigEndian.PutUint32(b[16:], 0)
	return gvisor.Checksum(b, 0)
}

func addPseudo(f *fields) uint16 {
	var a checksum.Accumulator
	a.AddAddr(f.src)
	a.AddAddr(f.dst)
	a.Add32(uint32(f.a))
	a.Add32(58)
	return a.Sum16()
}

func writePseudo(b []byte, f *fields) uint16 {
	b = b[:40]
	src, dst := f.src.As16(), f.dst.As16()
	copy(b, src[:])
	copy(b[16:], dst[:])
	binary.BigEndian.PutUint32(b[32:], uint32(f.a))
	binary.BigEndian.PutUint32(b[36:], 58)
	return gvisor.Checksum(b, 0)
}

func headerCases() (cases []suite.Case) {
	for _, h := range headers {
		cases = append(cases, suite.Case{Name: fmt.Sprintf("checksum/header/%d", h.size), Open: func(context.Context) (*suite.Bench, error) {
			return headerBench(h), nil
		}})
	}
	return cases
}

func headerBench(h header) *suite.Bench {
	f, b := newFields(), make([]byte, h.size)
	return &suite.Bench{
		Check: func() error {
			if got, want := h.accumulate(f), h.write(b, f); got != want {
				return fmt.Errorf("sums: a header as %s: accumulator %#04x, gVisor %#04x", h.what, got, want)
			}
			return nil
		},
		Contenders: []measure.Contender{
			{Name: "Accumulator", Run: func(n int) {
				var s uint16
				for range n {
					s += h.accumulate(f)
					f.a++ // no two headers are the same
				}
				runtime.KeepAlive(s)
			}},
			{Name: "write, then gvisor", Run: func(n int) {
				var s uint16
				for range n {
					s += h.write(b, f)
					f.a++
				}
				runtime.KeepAlive(s)
			}},
		},
		Rows: []suite.Row{{Name: "write-then-gvisor", Ours: 0, Peer: 1, Goal: report.Goal{Kind: report.AtLeast, Value: 1}}},
	}
}
