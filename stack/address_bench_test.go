package stack_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

// go test ./stack -run '^$' -bench Address -benchtime 1x

// crowd is as many addresses as one interface is to carry.
const crowd = 65536

// crowdOf returns that many addresses of one prefix.
func crowdOf(prefix string, n int) []stack.Address {
	p := netip.MustParsePrefix(prefix)
	as := make([]stack.Address, n)
	addr := p.Addr()
	for k := range as {
		addr = addr.Next()
		as[k] = stack.Address{Prefix: netip.PrefixFrom(addr, p.Bits())}
	}
	return as
}

// orders are those in which addresses may be added and removed.
var orders = []struct {
	name  string
	apply func([]stack.Address)
}{
	{"ascending", func([]stack.Address) {}},
	{"descending", slices.Reverse[[]stack.Address]},
	{"shuffled", func(as []stack.Address) {
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(as), func(i, j int) { as[i], as[j] = as[j], as[i] })
	}},
}

// BenchmarkAddresses adds 65,536 addresses, waits until they are assigned, and removes them. The aims
// are one second without duplicate address detection, three with it, MLD in both.
func BenchmarkAddresses(b *testing.B) {
	if testing.Short() {
		b.Skip("SKIP(short): it takes seconds")
	}
	for _, family := range []string{"2001:db8::/64", "10.0.0.0/8"} {
		for _, dad := range []bool{false, true} {
			if dad && family[0] == '1' {
				continue
			}
			for _, o := range orders {
				b.Run(fmt.Sprintf("%s/dad=%v/%s", family[:4], dad, o.name), func(b *testing.B) {
					benchCrowd(b, dad, crowdOf(family, crowd), o.apply)
				})
			}
		}
	}
}

func benchCrowd(b *testing.B, dad bool, as []stack.Address, order func([]stack.Address)) {
	var add, remove time.Duration
	var memory int64
	for b.Loop() {
		l := &sink{closed: make(chan struct{})}
		s := newStack(b, stack.Config{NoTCP: true})
		i, err := s.Attach(stack.InterfaceConfig{Link: l, DAD: dad})
		if err != nil {
			b.Fatal(err)
		}
		order(as)
		before := heap()
		start := time.Now()
		if err := i.AddAddresses(as); err != nil {
			b.Fatal(err)
		}
		if err := i.WaitAssigned(b.Context()); err != nil {
			b.Fatal(err)
		}
		add += time.Since(start)
		memory += heap() - before
		addrs := make([]netip.Addr, len(as))
		for k, a := range as {
			addrs[k] = a.Prefix.Addr()
		}
		start = time.Now()
		if err := i.RemoveAddresses(addrs); err != nil {
			b.Fatal(err)
		}
		remove += time.Since(start)
		s.Close()
	}
	b.ReportMetric(add.Seconds()/float64(b.N), "s-to-add")
	b.ReportMetric(remove.Seconds()/float64(b.N), "s-to-remove")
	b.ReportMetric(float64(memory)/float64(b.N*len(as)), "B/address")
}

// heap returns how many bytes are in use.
func heap() int64 {
	runtime.GC()
	runtime.GC() // a sync.Pool lets go at the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkAddressesOneByOne calls AddAddress and RemoveAddress for each of 65,536.
func BenchmarkAddressesOneByOne(b *testing.B) {
	if testing.Short() {
		b.Skip("SKIP(short): it takes seconds")
	}
	as := crowdOf("2001:db8::/64", crowd)
	var add, remove time.Duration
	for b.Loop() {
		s := newStack(b, stack.Config{NoTCP: true})
		i := attach(b, s, "eth0", &sink{closed: make(chan struct{})})
		start := time.Now()
		for _, a := range as {
			if err := i.AddAddress(a); err != nil {
				b.Fatal(err)
			}
		}
		add += time.Since(start)
		start = time.Now()
		for k := range as {
			if err := i.RemoveAddress(as[len(as)-1-k].Prefix.Addr()); err != nil {
				b.Fatal(err)
			}
		}
		remove += time.Since(start)
		s.Close()
	}
	b.ReportMetric(add.Seconds()/float64(b.N), "s-to-add")
	b.ReportMetric(remove.Seconds()/float64(b.N), "s-to-remove")
}

// BenchmarkAddressesDetach takes an interface with 65,536 addresses away.
func BenchmarkAddressesDetach(b *testing.B) {
	if testing.Short() {
		b.Skip("SKIP(short): it takes seconds")
	}
	as := crowdOf("2001:db8::/64", crowd)
	var took time.Duration
	for b.Loop() {
		s := newStack(b, stack.Config{NoTCP: true})
		i := attach(b, s, "eth0", &sink{closed: make(chan struct{})}, as...)
		start := time.Now()
		if err := i.Detach(); err != nil {
			b.Fatal(err)
		}
		took += time.Since(start)
		s.Close()
	}
	b.ReportMetric(took.Seconds()/float64(b.N), "s-to-detach")
}

// sink is an Ethernet link that takes everything and delivers nothing.
type sink struct{ closed chan struct{} }

func (l *sink) MTU() int                                 { return 1500 }
func (l *sink) HardwareAddr() net.HardwareAddr           { return net.HardwareAddr{2, 0, 0, 0, 0, 1} }
func (l *sink) ReadPackets([][]byte, []int) (int, error) { <-l.closed; return 0, net.ErrClosed }
func (l *sink) WritePackets(bufs [][]byte) (int, error)  { return len(bufs), nil }
func (l *sink) Close() error                             { close(l.closed); return nil }

// BenchmarkAddressesSend: what a datagram and a connection cost is not to grow with the number of addresses,
// of which all but the first are flagged SkipAsSource.
func BenchmarkAddressesSend(b *testing.B) {
	for _, n := range []int{4, 10_000} {
		la, lb := stack.Pipe(1500)
		from, to := newStack(b, stack.Config{}), newStack(b, stack.Config{})
		as := append(crowdOf("2001:db8::1:0/64", n), crowdOf("10.1.0.0/8", n)...)
		for k := range as {
			as[k].SkipAsSource = k%n > 0
		}
		attach(b, from, "eth0", la, as...)
		attach(b, to, "eth0", lb, plain("2001:db8::2/64"), plain("10.0.0.2/8"))
		for _, dst := range []string{"2001:db8::2", "10.0.0.2"} {
			b.Run(fmt.Sprintf("udp/%s/%d", dst, n), func(b *testing.B) { benchSendTo(b, from, to, dst) })
			b.Run(fmt.Sprintf("tcp/%s/%d", dst, n), func(b *testing.B) { benchConnect(b, from, to, dst) })
		}
	}
}

// BenchmarkAddressesPrefixes: the same when each address has a /64 of its own, and neighbours have
// neighbouring ones.
func BenchmarkAddressesPrefixes(b *testing.B) {
	for _, n := range []int{4, crowd} {
		la, lb := stack.Pipe(1500)
		from, to := newStack(b, stack.Config{}), newStack(b, stack.Config{})
		as := make([]stack.Address, n)
		for k := range as {
			a := netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 1, byte(k >> 8), byte(k), 15: 1})
			as[k] = stack.Address{Prefix: netip.PrefixFrom(a, 64)}
		}
		i := attach(b, from, "eth0", la)
		start := time.Now()
		if err := i.AddAddresses(as); err != nil {
			b.Fatal(err)
		}
		added := time.Since(start)
		attach(b, to, "eth0", lb, plain("2001:db8:1:3::2/64"))
		if err := to.AddRoute(stack.Route{Destination: netip.MustParsePrefix("2001:db8:1::/48"), Interface: "eth0"}); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("udp/%d", n), func(b *testing.B) {
			benchSendTo(b, from, to, "2001:db8:1:3::2")
			b.ReportMetric(added.Seconds(), "s-to-add")
		})
		b.Run(fmt.Sprintf("tcp/%d", n), func(b *testing.B) { benchConnect(b, from, to, "2001:db8:1:3::2") })
	}
}

// benchSendTo sends by an unconnected socket, which asks for route and source each time, to one that is
// full.
func benchSendTo(b *testing.B, from, peer *stack.Stack, dst string) {
	l, err := peer.ListenPacket(b.Context(), "udp", ":9")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	c, err := from.ListenPacket(b.Context(), "udp", ":0")
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	to, buf := &net.UDPAddr{IP: net.ParseIP(dst), Port: 9}, make([]byte, 64)
	for b.Loop() {
		if _, err := c.WriteTo(buf, to); err != nil {
			b.Fatal(err)
		}
	}
}

func benchConnect(b *testing.B, from, to *stack.Stack, dst string) {
	l, err := to.Listen(b.Context(), "tcp", net.JoinHostPort(dst, "7"))
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	for b.Loop() {
		c, err := from.DialContext(b.Context(), "tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		s, err := l.Accept()
		if err != nil {
			b.Fatal(err)
		}
		c.(*stack.TCPConn).SetLinger(0)
		c.Close()
		s.Close()
	}
}
