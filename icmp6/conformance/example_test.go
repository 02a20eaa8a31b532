package conformance_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/hextet/hextet/icmp6/conformance"
	"golang.org/x/net/ipv6"
)

// toy is a host that sends what it is given: the checksum field stays as the program left it.
type toy struct{ wire [][]byte }

func (h *toy) Interface() *net.Interface { return &net.Interface{Index: 1, Name: "toy0"} }

func (h *toy) Open(proto uint8, local netip.Addr) (conformance.Socket, error) {
	return &toySocket{h, proto}, nil
}

func (h *toy) Inject(packet []byte) error { return nil } // it is deaf, too

func (h *toy) Capture(ctx context.Context) ([]byte, error) {
	if len(h.wire) == 0 {
		return nil, os.ErrDeadlineExceeded
	}
	p := h.wire[0]
	h.wire = h.wire[1:]
	return p, nil
}

type toySocket struct {
	host  *toy
	proto uint8
}

func (s *toySocket) WriteTo(b []byte, cm *ipv6.ControlMessage, dst net.Addr) (int, error) {
	p := []byte{0x60, 0, 0, 0, 0, 0, s.proto, 64}
	binary.BigEndian.PutUint16(p[4:], uint16(len(b)))
	p = append(p, conformance.Host.AsSlice()...)
	p = append(p, dst.(*net.IPAddr).IP.To16()...)
	s.host.wire = append(s.host.wire, append(p, b...))
	return len(b), nil
}

func (s *toySocket) ReadFrom(b []byte) (int, *ipv6.ControlMessage, net.Addr, error) {
	return 0, nil, nil, os.ErrDeadlineExceeded
}

func (s *toySocket) SetReadDeadline(time.Time) error { return nil }
func (s *toySocket) Close() error                    { return nil }

// In a test of your own stack, conformance.Run(t, newBackend) does this for all cases.
func ExampleCase_Check() {
	for _, c := range conformance.Cases() {
		switch c.Name {
		case "send/icmpv6/zero", "send/icmpv6/three-bytes", "receive/icmpv6/right", "send/off/89":
		default:
			continue
		}
		if err := c.Check(context.Background(), &toy{}); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println("conformance:", c.Name, "is as due")
	}
	// Output:
	// conformance: send/icmpv6/zero (RFC 3542 section 3.1)
	//   sent: socket of protocol 58; send 16 bytes to 2001:db8::2
	//   seen: the checksum is as it was written
	//   due:  checksum 033d
	//   rule: a checksum field of 0 is filled
	// conformance: send/icmpv6/three-bytes (RFC 3542 section 3.1)
	//   sent: socket of protocol 58; send 3 bytes to 2001:db8::2
	//   seen: it is sent
	//   due:  an error, and nothing is sent
	//   rule: a message that ends within its checksum field is an error
	// conformance: send/off/89 is as due
	// conformance: receive/icmpv6/right (RFC 4443 section 2.3)
	//   sent: socket of protocol 58; 16 bytes of protocol 58 arrive from 2001:db8::2 for 2001:db8::1, packets: 1
	//   seen: not even the packet that follows is received: nothing came in time
	//   due:  the packet that follows is received
	//   rule: a message with a right checksum is received, as it came
}
