package srcselect

import (
	"errors"
	"net/netip"
	"reflect"
	"testing"
)

// byteReader hands out fuzz input; beyond its end there are zeros.
type byteReader []byte

func (r *byteReader) byte() byte {
	if len(*r) == 0 {
		return 0
	}
	b := (*r)[0]
	*r = (*r)[1:]
	return b
}

func (r *byteReader) flag() bool { return r.byte()&1 == 1 }

// addr returns any address at all: invalid, IPv4, IPv6, mapped, with a zone.
func (r *byteReader) addr() netip.Addr {
	kind := r.byte()
	var b [16]byte
	for i := range kind >> 4 {
		b[i] = r.byte()
	}
	b[15] = r.byte()
	switch kind & 7 {
	case 0:
		return netip.Addr{}
	case 1:
		return netip.AddrFrom4([4]byte{b[0], b[1], b[2], b[15]})
	case 2:
		return netip.AddrFrom16([16]byte{10: 0xff, 11: 0xff, 12: b[0], 13: b[1], 14: b[2], 15: b[15]})
	case 3:
		return netip.AddrFrom16(b).WithZone(string(rune(r.byte())))
	case 4:
		return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80 | b[1], 15: b[15]}).WithZone([]string{"", "1", "2"}[r.byte()%3])
	}
	return netip.AddrFrom16(b)
}

func (r *byteReader) address() Address {
	a := Address{
		Prefix:       netip.PrefixFrom(r.addr(), int(r.byte())),
		Interface:    int(int8(r.byte())) % 4,
		SkipAsSource: r.flag(), Tentative: r.flag(), Optimistic: r.flag(), Deprecated: r.flag(), Temporary: r.flag(),
		HomeAddress: r.flag(), CareOf: r.flag(), Preferred: r.flag(),
	}
	for range r.byte() % 3 {
		a.Routers = append(a.Routers, r.addr())
	}
	return a
}

func (r *byteReader) query() Query {
	return Query{
		Destination:  r.addr(),
		Interface:    int(int8(r.byte())) % 4,
		NextHop:      r.addr(),
		Source:       r.addr(),
		Prefer:       Preferences(r.byte()),
		Encapsulated: r.flag(),
		Unreachable:  r.flag(),
	}
}

// Whatever is added and asked: no panic, every error is of a known kind, nothing
// refused leaves a trace, and Select, Explain and the reference agree.
func FuzzSelector(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x07\x01\xf5 \x01\x0d\xb8123456789ab\x01\x40\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\xf5 \x01\x0d\xb8123456789ab\x02"))
	f.Add([]byte("\x03\x01\x31\x0a\x00\x01\x02\x18\x01\x01\x00\x00\x00\x00\x00\x00\x00\x01\x31\x0a\x00\x01\x03\x18\x01"))
	f.Fuzz(func(t *testing.T, input []byte) {
		r := byteReader(input)
		mode := r.byte()
		cfg := Config{AnyInterface: mode&1 != 0, PreferPublic: mode&2 != 0, LastResort: mode&4 != 0}
		if mode&8 != 0 {
			cfg.Policy = UpdatePolicy()
		}
		options := r.byte()
		cfg.HonorPreferred = options&1 != 0
		cfg.TieBreak, cfg.IPv4 = TieBreak(options>>1%3), IPv4Choice(options>>4%3)
		s := NewSelector(cfg)
		for len(r) > 0 && len(s.Addresses()) < 40 {
			switch r.byte() % 8 {
			case 0:
				s.Remove(int(r.byte()), r.addr())
			case 1, 2, 3, 4:
				before := s.Addresses()
				if err := s.Add(r.address(), r.address()); err != nil {
					if !errors.Is(err, ErrInvalid) || !reflect.DeepEqual(before, s.Addresses()) {
						t.Fatalf("error %v: before %v, after %v", err, before, s.Addresses())
					}
				}
			default:
				fuzzQuery(t, s, r.query(), r.query())
			}
		}
		fuzzQuery(t, s, r.query(), r.query())
	})
}

func fuzzQuery(t *testing.T, s *Selector, q, other Query) {
	t.Helper()
	w := &world{cfg: *s.load().cfg, s: s, list: s.Addresses()}
	if _, err := s.Select(q); err == nil || errors.Is(err, ErrNoSource) {
		checkExplanation(t, w, q, s.Explain(q))
		if err := w.ask(&reference{cfg: *s.load().cfg}, q); err != nil {
			t.Fatal(err)
		}
	} else if !errors.Is(err, ErrInvalid) || s.Explain(q).Err == nil {
		t.Fatalf("%+v: error %v", q, err)
	}
	if got := s.SortDestinations([]Query{q, other, q}); len(got) != 3 {
		t.Fatalf("%d destinations of 3", len(got))
	}
}
