package hosts

import (
	"math/rand/v2"
	"net/netip"
	"slices"
)

// An order is one in which addresses come and go.
type order struct {
	name  string
	apply func([]netip.Prefix)
}

var (
	up       = order{"up", func([]netip.Prefix) {}}
	down     = order{"down", slices.Reverse[[]netip.Prefix]}
	shuffled = order{"shuffled", func(ps []netip.Prefix) {
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(ps), func(i, j int) { ps[i], ps[j] = ps[j], ps[i] })
	}}
)

// A crowd is addresses of one prefix, in some order.
type crowd []netip.Prefix

func newCrowd(network netip.Prefix, n int, o order) crowd {
	var c crowd
	addr := network.Addr()
	for range n {
		addr = addr.Next()
		c = append(c, netip.PrefixFrom(addr, network.Bits()))
	}
	o.apply(c)
	return c
}
