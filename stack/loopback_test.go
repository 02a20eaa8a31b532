package stack_test

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"github.com/hextet/hextet/stack"
)

// A loopback address never appears on a link, not even from a source that was named (RFC 4291 section
// 2.5.3, RFC 1122 section 3.2.1.3).
func TestLoopbackStaysOffTheLink(t *testing.T) {
	q := newQuiet(t, stack.Config{})
	ctx := deadline(t)
	for _, f := range []struct{ local, loopback string }{{only4, "127.0.0.1"}, {only6, "::1"}} {
		d := &stack.Dialer{Stack: q.host, LocalAddr: netip.AddrPortFrom(netip.MustParseAddr(f.local), 0)}
		for _, network := range []string{"tcp", "udp"} {
			if _, err := d.DialContext(ctx, network, net.JoinHostPort(f.loopback, "7")); !errors.Is(err, syscall.ENETUNREACH) {
				t.Errorf("%s to %s: %v", network, f.loopback, err)
			}
		}
		pc, err := q.host.ListenPacket(ctx, "udp", net.JoinHostPort(f.local, "0"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pc.WriteTo([]byte("x"), &net.UDPAddr{IP: net.ParseIP(f.loopback), Port: 7}); !errors.Is(err, syscall.ENETUNREACH) {
			t.Errorf("a bound socket to %s: %v", f.loopback, err)
		}
		pc.Close()
	}
	for _, frame := range q.wire.drain() {
		if _, what := speaker(frame); what == "IPv4 protocol 17" || what == "IPv6 next header 17" {
			t.Errorf("%s was sent", what)
		}
	}
}
