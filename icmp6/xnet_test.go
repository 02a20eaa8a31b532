package icmp6_test

import (
	"bytes"
	"testing"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv6"

	"github.com/hextet/hextet/icmp6"
)

// A message marshalled without a pseudo-header and completed here has the bytes of
// one that golang.org/x/net/icmp completed itself.
func TestSameBytesAsXNet(t *testing.T) {
	psh := icmp.IPv6PseudoHeader(host1.AsSlice(), host2.AsSlice())
	for n := range 1500 {
		data := make([]byte, n)
		random(data, uint64(n))
		m := icmp.Message{Type: ipv6.ICMPTypeEchoRequest, Body: &icmp.Echo{ID: n, Seq: 1, Data: data}}
		want, err := m.Marshal(psh)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Marshal(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := icmp6.SetChecksum(host1, host2, got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("%d bytes of data: got checksum %x, want %x", n, got[2:4], want[2:4])
		}
		if !icmp6.Valid(host1, host2, want) {
			t.Fatalf("%d bytes of data: x/net's message is not Valid", n)
		}
	}
}
