package srcselect

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
)

// A world is a Selector next to a plain list of the same addresses in order of
// age, both changed at random from a seed.
type world struct {
	*rand.Rand
	cfg    Config
	s      *Selector
	list   []Address
	ifaces int  // how many interfaces there are
	crowd  bool // many addresses, of many prefixes
	quiet  bool // most of them are skip-as-source
}

var worldPrefixes = []string{
	"2001:db8:1::", "2001:db8:1:1::", "2001:db8:2::", "2001:db8:ffff::", "3ffe::", "2002:c633:6401::", "2001:0:1::",
	"fd11:1111:1111::", "fd22::", "fec0::", "fec0:0:0:1::", "fe80::", "fe80::ff:0:0:0", "64:ff9b::", "::", "::ffff:192.0.2.0",
	"192.0.2.0", "192.0.3.0", "10.0.0.0", "169.254.1.0", "127.0.0.0",
}

var worldGroups = []string{
	"ff00::1", "ff01::1", "ff02::1", "ff03::1", "ff04::2", "ff05::2", "ff08::2", "ff0e::1", "224.0.0.1", "239.1.2.3",
}

var manyRows = func() []PolicyEntry {
	rows := DefaultPolicy().Rows()
	for i := range 30 {
		prefix := netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, byte(i), 0, 1}), 64).Masked()
		rows = append(rows, PolicyEntry{Prefix: prefix, Precedence: 40, Label: uint8(100 + i%2)})
	}
	return rows
}()

var worldRouters = []string{"fe80::a", "fe80::b", "fe80::c"}

func newWorld(seed uint64) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 6724))}
	w.cfg = Config{AnyInterface: w.oneIn(2), PreferPublic: w.oneIn(3), LastResort: w.oneIn(3), HonorPreferred: w.oneIn(3)}
	w.cfg.TieBreak = []TieBreak{TieOldest, TieOldest, TieNewest, TieLowest}[w.IntN(4)]
	w.cfg.IPv4 = []IPv4Choice{IPv4RFC6724, IPv4RFC6724, IPv4NextHop, IPv4First, IPv4OnLink}[w.IntN(5)]
	if w.oneIn(4) {
		w.cfg.SIIT = []netip.Prefix{netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("2001:db8:1:1::/64")}
	}
	row := func(prefix string, precedence, label uint8, iface int) PolicyEntry {
		return PolicyEntry{netip.MustParsePrefix(prefix), precedence, label, iface}
	}
	switch w.IntN(5) {
	case 0:
		w.cfg.Policy = UpdatePolicy()
	case 1:
		w.cfg.Policy = policyOf(append(DefaultPolicy().Rows(),
			row("2001:db8:1::/48", 45, 1, 2), row("2001:db8:1::/48", 44, 77, 0), row("::/0", 7, 99, 3), row("2001:db8:1:1::/64", 45, 99, 1))...)
	case 2:
		w.cfg.Policy = policyOf(row("2001:db8:1::/48", 1, 0, 0), row("::ffff:192.0.2.0/120", 2, 0, 0), row("fd11::/16", 3, 1, 0))
	case 3: // so many that they are looked up in a tree
		w.cfg.Policy = policyOf(append(slices.Clone(manyRows), row("2001:db8:1::/48", 45, 1, 2), row("2001:db8:1:1::/64", 45, 99, 1), row("::/0", 7, 99, 3))...)
	}
	w.s = NewSelector(w.cfg)
	w.ifaces = 3
	w.quiet = w.oneIn(5)
	if w.oneIn(4) {
		w.ifaces = 2 + w.IntN(3*fewInterfaces)
	}
	return w
}

func (w *world) oneIn(n int) bool { return w.IntN(n) == 0 }

func (w *world) pick(texts []string) string { return texts[w.IntN(len(texts))] }

// host returns an address of one of the prefixes with a small number added.
func (w *world) host() netip.Addr {
	a := netip.MustParseAddr(w.pick(worldPrefixes))
	b := a.AsSlice()
	b[len(b)-1] |= byte(1 + w.IntN(7))
	if w.oneIn(2) {
		b[len(b)-2] |= byte(w.IntN(3))
	}
	if w.crowd {
		b[len(b)-3], b[len(b)-1] = byte(w.IntN(4)), byte(1+w.IntN(200))
		if len(b) == 16 && b[0] != 0 && w.oneIn(2) {
			b[6], b[7] = byte(w.IntN(3)), byte(w.IntN(256))
		}
	}
	a, _ = netip.AddrFromSlice(b)
	return a
}

// host4 returns an IPv4 address such as host returns.
func (w *world) host4() netip.Addr {
	for {
		if a := w.host(); a.Unmap().Is4() {
			return a
		}
	}
}

func (w *world) address() Address {
	a := Address{Prefix: w.prefix(w.host()), Interface: 1 + w.IntN(w.ifaces)}
	w.flip(&a)
	w.advertise(&a)
	return a
}

// prefix gives an address a length.
func (w *world) prefix(a netip.Addr) netip.Prefix {
	bits := []int{64, 64, 128, 48, 49, 33, 96, 0, 127}[w.IntN(9)]
	if a.Is4() {
		bits = []int{24, 24, 16, 32, 23, 0}[w.IntN(6)]
	} else if a.Is4In6() {
		bits = 96 + w.IntN(33)
	}
	return netip.PrefixFrom(a, bits)
}

// alter changes something of a, or some of it, but what identifies it.
func (w *world) alter(a *Address) {
	switch w.IntN(4) {
	case 0:
		a.Prefix = w.prefix(a.Prefix.Addr())
	case 1:
		w.advertise(a)
	default:
		w.flip(a)
	}
}

// flip gives a new flags.
func (w *world) flip(a *Address) {
	a.SkipAsSource, a.Tentative, a.Optimistic = w.oneIn(4) || w.quiet && !w.oneIn(50), w.oneIn(8), w.oneIn(8)
	a.Deprecated, a.Temporary = w.oneIn(4), w.oneIn(3)
	a.HomeAddress, a.CareOf, a.Preferred = w.oneIn(4), w.oneIn(4), w.oneIn(4)
}

// advertise gives a new routers.
func (w *world) advertise(a *Address) {
	a.Routers = nil
	for range w.IntN(3) * w.IntN(2) {
		if !a.Prefix.Addr().Is4() && !a.Prefix.Addr().Is4In6() {
			a.Routers = append(a.Routers, netip.MustParseAddr(w.pick(worldRouters)))
		}
	}
}

func (w *world) query() Query {
	q := Query{Interface: w.IntN(w.ifaces + 1)}
	switch n := w.IntN(10); {
	case n < 2:
		q.Destination = netip.MustParseAddr(w.pick(worldGroups))
	case n < 5 && len(w.list) > 0:
		q.Destination = w.list[w.IntN(len(w.list))].Prefix.Addr()
	default:
		q.Destination = w.host()
	}
	if q.Destination.Is6() && q.Interface == 0 && w.oneIn(2) {
		q.Destination = q.Destination.WithZone([]string{"1", "2", "eth0", "99"}[w.IntN(4)])
	}
	if w.oneIn(2) {
		q.NextHop = netip.MustParseAddr(w.pick(worldRouters))
		if q.Destination.Unmap().Is4() && !w.oneIn(4) {
			q.NextHop = w.host4()
		}
	}
	q.Prefer = []Preferences{0, 0, PreferTemporary, PreferPublic, PreferHome, PreferCareOf, PreferPublic | PreferCareOf}[w.IntN(7)]
	if w.oneIn(8) {
		q.Source = w.host()
		if len(w.list) > 0 && !w.oneIn(4) {
			q.Source = w.list[w.IntN(len(w.list))].Prefix.Addr()
		}
		if q.Source.Is6() && w.oneIn(3) {
			q.Source = q.Source.WithZone([]string{"1", "2", "eth0"}[w.IntN(3)])
		}
	}
	return q
}

// mutate makes one change to both sides and returns an error where they differ.
func (w *world) mutate() error {
	switch n := w.IntN(10); {
	case n == 0 && w.oneIn(3): // remove a part of an interface's
		return w.removeSome(1+w.IntN(w.ifaces), w.IntN(4))
	case n < 2 && len(w.list) > 0: // remove
		i := w.IntN(len(w.list))
		a := w.list[i]
		w.list = slices.Delete(w.list, i, i+1)
		if !w.s.Remove(a.Interface, a.Prefix.Addr()) {
			return fmt.Errorf("Remove(%d, %v) found nothing", a.Interface, a.Prefix)
		}
		return nil
	case n < 5 && len(w.list) > 0: // change one in its place
		i := w.IntN(len(w.list))
		w.alter(&w.list[i])
		return w.s.Add(w.list[i])
	}
	var batch []Address
	for range 1 + w.IntN(3) {
		a := w.address()
		same := func(b Address) bool {
			return b.Interface == a.Interface && b.Prefix.Addr() == unmapPlainly(a).Prefix.Addr()
		}
		if slices.ContainsFunc(batch, func(b Address) bool { return same(unmapPlainly(b)) }) {
			continue
		}
		batch = append(batch, a)
		if i := slices.IndexFunc(w.list, same); i >= 0 {
			w.list[i] = unmapPlainly(a)
		} else {
			w.list = append(w.list, unmapPlainly(a))
		}
	}
	return w.s.Add(batch...)
}

// removeSome removes a quarter of an interface's addresses for each of quarters, at
// once with addresses that nobody has and with the first of them a second time.
func (w *world) removeSome(iface, quarters int) error {
	addrs := []netip.Addr{netip.MustParseAddr("2001:db8:dead::"), {}, netip.MustParseAddr("10.9.8.7")}
	kept := w.list[:0:0]
	for _, a := range w.list {
		if a.Interface == iface && w.IntN(4) < quarters {
			addrs = append(addrs, a.Prefix.Addr())
		} else {
			kept = append(kept, a)
		}
	}
	want := len(w.list) - len(kept)
	w.list = kept
	if want > 0 {
		addrs = append(addrs, addrs[3])
	}
	if got := w.s.RemoveAddresses(iface, addrs...); got != want {
		return fmt.Errorf("RemoveAddresses(%d, %v) removed %d, want %d", iface, addrs, got, want)
	}
	return nil
}

// unmapPlainly returns a with an IPv4-mapped prefix as an IPv4 one.
func unmapPlainly(a Address) Address {
	if ip := a.Prefix.Addr(); ip.Is4In6() {
		a.Prefix = netip.PrefixFrom(ip.Unmap(), a.Prefix.Bits()-96)
	}
	return a
}
