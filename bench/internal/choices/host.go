package choices

import (
	"fmt"
	"math/rand/v2"
	"net/netip"

	"github.com/hextet/hextet/srcselect"
)

// A mix is a kind of host, by what its i-th address looks like.
type mix struct {
	name    string
	address func(i int) srcselect.Address
}

var (
	distinctMix = mix{"distinct", distinct}
	mixes       = []mix{distinctMix, {"one64", one64}, {"mixed", mixed}}
)

// distinct has a /64 of its own for each address, on one interface.
func distinct(i int) srcselect.Address {
	return srcselect.Address{Prefix: numbered("2001:db8::", i, 64), Interface: 1}
}

// one64 has all addresses in one /64.
func one64(i int) srcselect.Address {
	b := netip.MustParseAddr("2001:db8::").As16()
	i++ // no ::
	b[12], b[13], b[14], b[15] = byte(i>>24), byte(i>>16), byte(i>>8), byte(i)
	return srcselect.Address{Prefix: netip.PrefixFrom(netip.AddrFrom16(b), 64), Interface: 1}
}

// mixed has three interfaces, all scopes and labels, flags and prefixes of three
// lengths.
func mixed(i int) srcselect.Address {
	prefix := []string{"2001:db8::", "fd00::", "2002:c633::", "fec0::", "fe80::"}[i%5]
	a := srcselect.Address{Prefix: numbered(prefix, i, []int{64, 48, 128}[i/5%3]), Interface: 1 + i/15%3}
	a.Deprecated, a.Temporary, a.SkipAsSource = i%4 == 1, i%7 == 2, i%11 == 3
	return a
}

// numbered puts i into bits 40 to 63 of an address.
func numbered(base string, i, bits int) netip.Prefix {
	b := netip.MustParseAddr(base).As16()
	b[5], b[6], b[7], b[15] = byte(i>>16), byte(i>>8), byte(i), 1
	return netip.PrefixFrom(netip.AddrFrom16(b), bits)
}

// addresses returns the first n.
func (m mix) addresses(n int) []srcselect.Address {
	as := make([]srcselect.Address, n)
	for i := range as {
		as[i] = m.address(i)
	}
	return as
}

// selector returns a Selector of the first n addresses.
func (m mix) selector(n int) (*srcselect.Selector, error) {
	s := srcselect.NewSelector(srcselect.Config{})
	return s, s.Add(m.addresses(n)...)
}

// queryCount is how many queries come before they repeat: a power of two.
const queryCount = 64

// queries returns destinations in the prefixes that a host of n addresses has, and as
// many in others.
func queries(n int) []srcselect.Query {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	qs := make([]srcselect.Query, queryCount)
	for i := range qs {
		qs[i] = srcselect.Query{Destination: numberedHost(rng.IntN(2 * n)), Interface: 1}
	}
	return qs
}

// numberedHost is a neighbour of what distinct and mixed put into prefix i.
func numberedHost(i int) netip.Addr {
	b := numbered("2001:db8::", i, 64).Addr().As16()
	b[12], b[15] = 1, 9
	return netip.AddrFrom16(b)
}

// certain returns queries for which the rules leave one address only: how to break a
// tie is up to each implementation.
func certain(s *srcselect.Selector, n int) ([]srcselect.Query, error) {
	rng := rand.New(rand.NewPCG(2, uint64(n)))
	var qs []srcselect.Query
	for range 1000 * queryCount {
		q := srcselect.Query{Destination: numberedHost(rng.IntN(2 * n)), Interface: 1}
		r, err := s.Select(q)
		if err != nil {
			return nil, fmt.Errorf("choices: %v: %w", q.Destination, err)
		}
		if r.Tied {
			continue
		}
		if qs = append(qs, q); len(qs) == queryCount {
			return qs, nil
		}
	}
	return nil, fmt.Errorf("choices: %d addresses leave too few destinations without a tie", n)
}

// certainChooser is a host of n addresses in distinct prefixes and certain queries.
func certainChooser(n int) (*chooser, error) {
	s, err := distinctMix.selector(n)
	if err != nil {
		return nil, err
	}
	qs, err := certain(s, n)
	return &chooser{s, qs}, err
}

// sameAs says for which of the first queries a peer, asked by the query's number, chooses
// another address.
func (c *chooser) sameAs(peer string, choose func(i int) (netip.Addr, error), first int) error {
	for i, q := range c.queries[:first] {
		r, err := c.Select(q)
		if err != nil {
			return err
		}
		got, err := choose(i)
		if err != nil {
			return err
		}
		if got != r.Address.Prefix.Addr() {
			return fmt.Errorf("choices: %v: %s chooses %v, ours %v", q.Destination, peer, got, r.Address.Prefix.Addr())
		}
	}
	return nil
}
