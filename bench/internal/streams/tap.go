package streams

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"github.com/hextet/hextet/bench/internal/pairs"
	"github.com/hextet/hextet/stack/capture"
)

// checkTap transfers with a tap that keeps what it sees: packets of at most the MTU,
// with right checksums, that carry all bytes.
func checkTap(ctx context.Context, plan pairs.Plan) error {
	var file buffer
	wrap, err := tap(&file)
	if err != nil {
		return err
	}
	b := newBench()
	defer b.close()
	p, err := b.open(pairs.Hextet(ctx, plan, wrap))
	if err != nil {
		return err
	}
	if _, err := b.add(ctx, p, "tap", false); err != nil {
		return err
	}
	if err := b.streams[0].check(); err != nil {
		return err
	}
	carried, err := payload(file.bytes())
	if err == nil && carried < 2*turnBytes+4321 {
		err = fmt.Errorf("streams: the tap saw %d bytes", carried)
	}
	return err
}

// payload returns how many bytes the TCP segments in a capture carry that the near host
// sent, or what is wrong with one.
func payload(file []byte) (carried int, err error) {
	for p, err := range capture.Packets(bytes.NewReader(file)) {
		if err != nil {
			return 0, err
		}
		n, err := segment(p.Data)
		if err != nil {
			return 0, fmt.Errorf("%w: %s", err, capture.Summary(p))
		}
		if p.Direction == capture.Outbound {
			carried += n
		}
	}
	return carried, nil
}

// segment returns the length of a TCP segment's payload, and 0 for other packets.
func segment(b []byte) (int, error) {
	if len(b) > 1500 {
		return 0, fmt.Errorf("streams: the tap saw %d bytes in a packet", len(b))
	}
	var ip header.Network = header.IPv6(b)
	if header.IPVersion(b) == header.IPv4Version {
		ip = header.IPv4(b)
	}
	if ip.TransportProtocol() != header.TCPProtocolNumber {
		return 0, nil
	}
	tcp := header.TCP(ip.Payload())
	body := tcp.Payload()
	if !tcp.IsChecksumValid(ip.SourceAddress(), ip.DestinationAddress(), checksum.Checksum(body, 0), uint16(len(body))) {
		return 0, errors.New("streams: the tap saw a wrong TCP checksum")
	}
	return len(body), nil
}

// A buffer may be read while a tap writes.
type buffer struct {
	mu sync.Mutex
	b  []byte
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.b = append(b.b, p...)
	return len(p), nil
}

func (b *buffer) bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.b)
}
