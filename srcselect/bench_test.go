package srcselect

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"testing"
)

var benchSizes = []int{1, 4, 8, 64, 1_000, 10_000, 100_000}

// A mix is a kind of host: how its i-th address looks.
type mix struct {
	name    string
	cfg     Config
	address func(i int) Address
}

var mixes = []mix{
	{"distinct", Config{}, func(i int) Address { // a /64 of its own for each address, on one interface
		return Address{Prefix: hostPrefix("2001:db8::", i, 64), Interface: 1}
	}},
	{"one64", Config{}, func(i int) Address { // all in one /64
		base := netip.MustParseAddr("2001:db8::").As16()
		base[12], base[13], base[14], base[15] = byte(i>>24), byte(i>>16), byte(i>>8), byte(i)|1
		base[11] = byte(i & 1)
		return Address{Prefix: netip.PrefixFrom(netip.AddrFrom16(base), 64), Interface: 1}
	}},
	{"mixed", Config{}, func(i int) Address { // three interfaces, all labels, flags and lengths
		prefix := []string{"2001:db8::", "fd00::", "2002:c633::", "fec0::", "fe80::"}[i%5]
		a := Address{Prefix: hostPrefix(prefix, i, []int{64, 48, 128}[i/5%3]), Interface: 1 + i/15%3}
		a.Deprecated, a.Temporary, a.SkipAsSource = i%4 == 1, i%7 == 2, i%11 == 3
		return a
	}},
	{"interfaces", Config{AnyInterface: true}, func(i int) Address { // an interface for each address, on a weak host
		return Address{Prefix: hostPrefix("2001:db8::", i, 64), Interface: 1 + i}
	}},
}

// hostPrefix puts i into bits 40 to 63 of an address.
func hostPrefix(prefix string, i, bits int) netip.Prefix {
	b := netip.MustParseAddr(prefix).As16()
	b[5], b[6], b[7], b[15] = byte(i>>16), byte(i>>8), byte(i), 1
	return netip.PrefixFrom(netip.AddrFrom16(b), bits)
}

func (m mix) addresses(n int) []Address {
	as := make([]Address, n)
	for i := range as {
		as[i] = m.address(i)
	}
	return as
}

// host returns a Selector of n addresses.
func (m mix) host(t testing.TB, n int) *Selector {
	t.Helper()
	s := NewSelector(m.cfg)
	if err := s.Add(m.addresses(n)...); err != nil {
		t.Fatal(err)
	}
	return s
}

// queries returns destinations far from and near to what a host of n addresses has.
func (m mix) queries(n int) []Query {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	qs := make([]Query, 64)
	for i := range qs {
		b := netip.MustParseAddr("2001:db8::").As16()
		near := rng.IntN(2 * n)
		b[5], b[6], b[7], b[12], b[15] = byte(near>>16), byte(near>>8), byte(near), 1, 9
		qs[i] = Query{Destination: netip.AddrFrom16(b), Interface: 1}
	}
	return qs
}

func eachMix(b *testing.B, sizes []int, f func(b *testing.B, m mix, n int)) {
	for _, m := range mixes {
		for _, n := range sizes {
			b.Run(fmt.Sprintf("%s/n=%d", m.name, n), func(b *testing.B) { f(b, m, n) })
		}
	}
}

func BenchmarkSelect(b *testing.B) {
	eachMix(b, benchSizes, func(b *testing.B, m mix, n int) {
		s, qs := m.host(b, n), m.queries(n)
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if _, err := s.Select(qs[i&63]); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
}

// The slow twin: a scan of all addresses, for the same queries.
func BenchmarkScan(b *testing.B) {
	eachMix(b, benchSizes, func(b *testing.B, m mix, n int) {
		s, qs := m.host(b, n), m.queries(n)
		snap := &snapshot{cfg: s.load().cfg, list: records(s.load())}
		s.current.Store(snap)
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if _, err := s.Select(qs[i&63]); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
}

// records returns all records of a snapshot, as a list that scan reads.
func records(snap *snapshot) []record {
	var list []record
	for _, r := range snap.byAge() {
		list = append(list, *r)
	}
	return list
}

func BenchmarkSelectParallel(b *testing.B) {
	eachMix(b, []int{8, 100_000}, func(b *testing.B, m mix, n int) {
		s, qs := m.host(b, n), m.queries(n)
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				if _, err := s.Select(qs[i&63]); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// A router whose link-local address is the same on all of its interfaces, as MAC
// addresses are, and which names it as the source of what it multicasts.
func BenchmarkSharedLinkLocal(b *testing.B) {
	for _, n := range []int{4, 64, 4_000} {
		b.Run(fmt.Sprintf("interfaces=%d", n), func(b *testing.B) {
			s := NewSelector(Config{})
			for i := range n {
				add(b, s, Address{Prefix: netip.MustParsePrefix("fe80::1/64"), Interface: 1 + i})
			}
			q := Query{Destination: netip.MustParseAddr("ff02::1"), Interface: n, Source: netip.MustParseAddr("fe80::1")}
			for b.Loop() {
				if _, err := s.Select(q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// An address more, an address less, and a flag changed, here and there.
func BenchmarkAdd(b *testing.B) {
	benchUpdates(b, func(b *testing.B, s *Selector, a Address) { remove(b, s, a) }, add)
}

func BenchmarkRemove(b *testing.B) {
	benchUpdates(b, func(*testing.B, *Selector, Address) {}, remove)
}

// BenchmarkRemoveAddresses empties a host at once.
func BenchmarkRemoveAddresses(b *testing.B) {
	for _, n := range []int{1_000, 65_536} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := mixes[0].host(b, n)
			full := s.load()
			var addrs []netip.Addr
			for _, a := range mixes[0].addresses(n) {
				addrs = append(addrs, a.Prefix.Addr())
			}
			for b.Loop() {
				s.current.Store(full)
				if s.RemoveAddresses(1, addrs...) != n {
					b.Fatal("not there")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/address")
		})
	}
}

func BenchmarkFlip(b *testing.B) {
	benchUpdates(b, func(*testing.B, *Selector, Address) {}, func(b *testing.B, s *Selector, a Address) {
		a.SkipAsSource = !a.SkipAsSource
		add(b, s, a)
	})
}

func add(b *testing.B, s *Selector, a Address) {
	if err := s.Add(a); err != nil {
		b.Fatal(err)
	}
}

func remove(b *testing.B, s *Selector, a Address) {
	if !s.Remove(a.Interface, a.Prefix.Addr()) {
		b.Fatal("not there")
	}
}

// benchUpdates times change of 64 addresses: on a host each while hosts are small.
// prepare comes before, and afterwards the addresses are as they were.
func benchUpdates(b *testing.B, prepare, change func(*testing.B, *Selector, Address)) {
	eachMix(b, []int{4, 1_000, 100_000}, func(b *testing.B, m mix, n int) {
		as := m.addresses(n)
		hosts := []*Selector{m.host(b, n)}
		for n < 64 && len(hosts) < 64 {
			hosts = append(hosts, m.host(b, n))
		}
		b.ReportAllocs()
		b.ResetTimer()
		b.StopTimer()
		for done := 0; done < b.N; done += 64 {
			each := func(f func(*testing.B, *Selector, Address)) {
				for i := range min(64, b.N-done) {
					f(b, hosts[i%len(hosts)], as[(done+i)*7919%n])
				}
			}
			each(prepare)
			b.StartTimer()
			each(change)
			b.StopTimer()
			each(add)
		}
	})
}

// How much memory an address takes, all told.
func BenchmarkMemory(b *testing.B) {
	eachMix(b, []int{64, 100_000}, func(b *testing.B, m mix, n int) {
		as := m.addresses(n)
		var bytes uint64
		for b.Loop() {
			before := liveBytes()
			s := NewSelector(m.cfg)
			if err := s.Add(as...); err != nil {
				b.Fatal(err)
			}
			bytes += liveBytes() - before
			runtime.KeepAlive(s)
		}
		b.ReportMetric(float64(bytes)/float64(b.N)/float64(n), "B/address")
		runtime.KeepAlive(as)
	})
}

func liveBytes() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
