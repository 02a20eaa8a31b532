package stack

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/hextet/hextet/stack/internal/ndp"
)

// stationLink is an Ethernet station on one end of a wire.
type stationLink struct{ Link }

func (stationLink) HardwareAddr() net.HardwareAddr { return net.HardwareAddr{2, 0, 0, 0, 0, 1} }
func (s stationLink) MTU() int                     { return s.Link.MTU() - 14 }

// A claim that comes while the last timer is running already decides: the address does not become Assigned in
// between. More claims change nothing.
func TestClaimBeforeTheEnd(t *testing.T) {
	clock := new(lateClock)
	s, err := New(Config{NoTCP: true, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, far := Pipe(1514)
	defer far.Close()
	i, err := s.Attach(InterfaceConfig{Link: stationLink{l}, SLAAC: true, DAD: true, OptimisticDAD: true})
	if err != nil {
		t.Fatal(err)
	}
	ra := &ndp.Advertisement{Router: netip.MustParseAddr("fe80::1"), LinkAddr: net.HardwareAddr{2, 0, 0, 0, 0, 2},
		Prefixes: []ndp.Prefix{{Prefix: netip.MustParsePrefix("2001:db8::/64"), Autonomous: true, Valid: time.Hour, Preferred: time.Hour}}}
	i.auto.mu.Lock()
	i.auto.advertisement(clock.Now(), ra)
	i.auto.mu.Unlock()
	e := s.book.lookup(i.index, netip.MustParseAddr("2001:db8::ff:fe00:1"))
	i.probe(e) // sends
	claim := ndp.Claim{Target: e.Prefix.Addr(), Nonce: []byte{1, 2, 3, 4, 5, 6}}
	if first, second := s.book.claimed(e, claim), s.book.claimed(e, claim); !first || second {
		t.Errorf("claims decided: %v, %v", first, second)
	}
	i.probe(e) // would end it
	if got := s.book.info(e).State; got != Optimistic {
		t.Errorf("%v after the claim", got)
	}
	i.lose(e)
	if got := s.book.info(e).State; got != Duplicate {
		t.Errorf("%v at last", got)
	}
	i.probe(e)
	if got := s.book.info(e).State; got != Duplicate {
		t.Errorf("%v after a late timer", got)
	}
}
