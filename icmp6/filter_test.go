package icmp6_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"golang.org/x/net/ipv6"

	"github.com/hextet/hextet/icmp6"
)

func TestFilterZeroPassesAll(t *testing.T) {
	var f icmp6.Filter
	for typ := range ipv6.ICMPType(256) {
		if f.WillBlock(typ) {
			t.Errorf("type %d is blocked", typ)
		}
	}
}

// The twin of a Filter is a map of the blocked types.
func TestFilterAgainstMap(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 0))
	var f icmp6.Filter
	blocked := map[ipv6.ICMPType]bool{}
	for step := range 5000 {
		typ := ipv6.ICMPType(r.IntN(256))
		switch r.IntN(40) {
		case 0:
			f.BlockAll()
			for typ := range ipv6.ICMPType(256) {
				blocked[typ] = true
			}
		case 1:
			f.AcceptAll()
			clear(blocked)
		default:
			if r.IntN(2) == 0 {
				f.Block(typ)
				blocked[typ] = true
			} else {
				f.Accept(typ)
				delete(blocked, typ)
			}
		}
		for typ := range ipv6.ICMPType(256) {
			if f.WillBlock(typ) != blocked[typ] {
				t.Fatalf("step %d: WillBlock(%d) = %t, want %t", step, typ, f.WillBlock(typ), blocked[typ])
			}
		}
	}
}

func TestFilterTypesThatDoNotExist(t *testing.T) {
	for _, typ := range []ipv6.ICMPType{-1, -256, 256, 288, 1 << 20} {
		var f, blocked icmp6.Filter
		f.Block(typ)
		if f != (icmp6.Filter{}) {
			t.Errorf("Block(%d) has changed the filter", typ)
		}
		f.BlockAll()
		blocked.BlockAll()
		f.Accept(typ)
		if f != blocked {
			t.Errorf("Accept(%d) has changed the filter", typ)
		}
		if f.WillBlock(typ) {
			t.Errorf("WillBlock(%d) = true", typ)
		}
	}
}

// Where x/net's filter has bits, conversion keeps each of them; elsewhere both
// directions say so.
func TestFilterAndXNet(t *testing.T) {
	if f, err := icmp6.FilterOf(nil); err != nil || f != (icmp6.Filter{}) {
		t.Errorf("FilterOf(nil) = %v, %v", f, err)
	}
	var probe ipv6.ICMPFilter
	probe.SetAll(true)
	if !probe.WillBlock(128) {
		_, err := icmp6.FilterOf(&probe)
		_, err2 := icmp6.Filter{}.ICMPFilter()
		if !errors.Is(err, errors.ErrUnsupported) || !errors.Is(err2, errors.ErrUnsupported) {
			t.Errorf("got %v and %v, want errors.ErrUnsupported", err, err2)
		}
		return
	}

	r := rand.New(rand.NewPCG(8, 0))
	for round := range 100 {
		var x ipv6.ICMPFilter
		x.SetAll(round%2 == 0)
		for range r.IntN(60) {
			x.Block(ipv6.ICMPType(r.IntN(256)))
			x.Accept(ipv6.ICMPType(r.IntN(256)))
		}
		f, err := icmp6.FilterOf(&x)
		if err != nil {
			t.Fatal(err)
		}
		back, err := f.ICMPFilter()
		if err != nil {
			t.Fatal(err)
		}
		if *back != x {
			t.Errorf("round %d: there and back: got %v, want %v", round, *back, x)
		}
		for typ := range ipv6.ICMPType(256) {
			if f.WillBlock(typ) != x.WillBlock(typ) {
				t.Errorf("round %d: WillBlock(%d) = %t, x/net says %t", round, typ, f.WillBlock(typ), x.WillBlock(typ))
			}
		}
	}
}
