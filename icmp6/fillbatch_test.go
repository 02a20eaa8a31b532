package icmp6_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/net/ipv6"

	"github.com/hextet/hextet/icmp6"
)

// Batches of any number of messages of any size in any pieces come out as the twin has them, however
// few the host takes at a time.
func TestFillConnBatches(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 0))
	for _, takes := range []int{0, 1, 7} {
		for _, size := range []int{4, 80, 1500, 30000, 65535} {
			host := &deafHost{takes: takes}
			source, asked := always("2001:db8::1")
			c := icmp6.FillConn(host, icmp6.FillConfig{Protocol: 253, Source: source})
			if err := c.SetChecksum(true, 2); err != nil {
				t.Fatal(err)
			}
			ms, want := make([]ipv6.Message, 1+r.IntN(100)), [][]byte{}
			for i := range ms {
				p := make([]byte, min(size, 4+r.IntN(size)))
				random(p, r.Uint64())
				cut := r.IntN(len(p) + 1)
				ms[i] = ipv6.Message{Buffers: [][]byte{p[:cut], {}, p[cut:]}, Addr: to("2001:db8::2")}
				filled := bytes.Clone(p)
				binary.BigEndian.PutUint16(filled[2:], slowChecksum(host1, host2, 253, p, 2))
				want = append(want, filled)
			}
			if n, err := c.WriteBatch(ms, 0); n != len(ms) || err != nil {
				t.Fatalf("%d of %d sent: %v", n, len(ms), err)
			}
			if len(host.sent) != len(want) || len(*asked) != 1 {
				t.Fatalf("%d packets sent, %d questions", len(host.sent), len(*asked))
			}
			for i, p := range host.sent {
				if !bytes.Equal(p.payload, want[i]) || ms[i].N != len(want[i]) {
					t.Fatalf("packet %d of %d: N %d\n got %x\nwant %x", i, len(want), ms[i].N, p.payload, want[i])
				}
			}
		}
	}
}

// Control messages in the host's form reach the host whole, with the source in addition; what is not
// understood does not, since it might be a Routing header.
func TestFillConnBatchControl(t *testing.T) {
	if !hasControl {
		t.Skip("SKIP(system): golang.org/x/net has no control messages here")
	}
	host := &deafHost{}
	source, asked := always("2001:db8::1")
	c := icmp6.FillConn(host, icmp6.FillConfig{Source: source})
	send := func(oob []byte) error {
		_, err := c.WriteBatch([]ipv6.Message{{Buffers: [][]byte{{128, 0, 0, 0}}, OOB: oob, Addr: to("2001:db8::2")}}, 0)
		return err
	}
	for _, cm := range []*ipv6.ControlMessage{
		{HopLimit: 7}, {TrafficClass: 3, HopLimit: 7}, {IfIndex: 4}, {TrafficClass: 1, IfIndex: 4},
	} {
		if err := send(cm.Marshal()); err != nil {
			t.Fatal(err)
		}
		got, want := host.sent[len(host.sent)-1].cm, *cm
		want.Src = host1.AsSlice()
		if got == nil || got.String() != want.String() {
			t.Errorf("%v became %v, want %v", cm, got, &want)
		}
	}
	if (*asked)[2] != "2001:db8::2%4" {
		t.Errorf("asked about %q", *asked)
	}
	sent := len(host.sent)
	twice := slices.Concat((&ipv6.ControlMessage{HopLimit: 7}).Marshal(), (&ipv6.ControlMessage{HopLimit: 8}).Marshal())
	if err := send(twice); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
	if err := send([]byte{1, 2, 3}); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
	cut := (&ipv6.ControlMessage{HopLimit: 7}).Marshal()
	if err := send(cut[:len(cut)-8]); !errors.Is(err, syscall.EINVAL) {
		t.Error(err)
	}
	if len(host.sent) != sent {
		t.Error("sent, although refused")
	}
}

func TestFillConnBatchPasses(t *testing.T) {
	host := &deafHost{local: *to("2001:db8::1")}
	c := icmp6.FillConn(host, icmp6.FillConfig{})
	if n, err := c.WriteBatch(nil, 0); n != 0 || err != nil {
		t.Error(n, err)
	}
	ms := []ipv6.Message{{Buffers: [][]byte{{128, 0, 0, 0}}, Addr: to("2001:db8::2")}}
	if n, err := c.WriteBatch(ms, 64); n != 0 || err == nil || err.Error() != "flags 64" {
		t.Errorf("the host's -1 and error became %d, %v", n, err)
	}
	// A host that takes one at a time gets to all that come before the bad one.
	host.takes = 1
	ms = slices.Insert(slices.Repeat(ms, 4), 3, ipv6.Message{Buffers: [][]byte{{1}}, Addr: ms[0].Addr})
	if n, err := c.WriteBatch(ms, 0); n != 3 || !errors.Is(err, icmp6.ErrShort) || len(host.sent) != 3 {
		t.Errorf("%d, %v, %d packets sent", n, err, len(host.sent))
	}
}

// One FillConn serves many goroutines. Each packet is right for its own destination.
func TestFillConnConcurrently(t *testing.T) {
	host := &deafHost{}
	c := icmp6.FillConn(host, icmp6.FillConfig{Source: func(netip.Addr) (netip.Addr, error) { return host1, nil }})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			dst := host2.As16()
			dst[14] = byte(g)
			addr := &net.IPAddr{IP: dst[:]}
			for n := range 50 {
				msg := make([]byte, 4+n)
				random(msg, uint64(g*100+n))
				ms := []ipv6.Message{{Buffers: [][]byte{msg}, Addr: addr}, {Buffers: [][]byte{msg[:4], msg[4:]}, Addr: addr}}
				if _, err := c.WriteBatch(ms, 0); err != nil {
					t.Error(err)
				}
				if _, err := c.WriteTo(msg, nil, addr); err != nil {
					t.Error(err)
				}
				if err := c.SetChecksum(true, 2); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if len(host.sent) != 8*50*3 {
		t.Errorf("%d packets", len(host.sent))
	}
	for _, p := range host.sent {
		dst, _ := netip.AddrFromSlice(p.dst.(*net.IPAddr).IP)
		if !icmp6.Valid(host1, dst, p.payload) {
			t.Errorf("to %v: %x", dst, p.payload)
		}
	}
}

// A bound Conn needs neither a question nor garbage.
func TestFillConnAllocations(t *testing.T) {
	host := &nullHost{}
	c := icmp6.FillConn(host, icmp6.FillConfig{})
	msg, dst := make([]byte, 64), to("2001:db8::2")
	if n := testing.AllocsPerRun(100, func() { c.WriteTo(msg, nil, dst) }); n > 1 {
		t.Errorf("%v allocations per WriteTo", n)
	}
}

type nullHost struct{ icmp6.Conn }

var boundAddr = to("2001:db8::1")

func (*nullHost) LocalAddr() net.Addr { return boundAddr }

func (*nullHost) WriteTo(b []byte, _ *ipv6.ControlMessage, _ net.Addr) (int, error) {
	return len(b), nil
}
