package updates

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/suite"
)

// A bulk is a host with a thousand addresses of each family, registered and removed again by a Registrar, and by
// nsupdate in a process of its own that is told everything at once.
type bulk struct {
	ctx         context.Context
	server      *server
	tools       *toolbox
	host        *host
	add, remove string // what nsupdate is told: one message a zone, or as many as it makes of it
	err         error
}

func openBulk(ctx context.Context, k kind) (*suite.Bench, error) {
	if err := installed(tools...); err != nil {
		return nil, err
	}
	b := &bulk{ctx: ctx}
	b.add, b.remove = scripts(thousand)
	var err error
	if b.server, err = k.open(hostZones); err != nil {
		return nil, err
	}
	if b.tools, err = newToolbox(b.server); err != nil {
		return nil, errors.Join(err, b.server.close())
	}
	return &suite.Bench{
		Contenders: []measure.Contender{
			{Name: "hextet", Limit: 1, Before: b.fresh, Run: b.register, After: b.deregister},
			{Name: "nsupdate", Limit: 1, Run: b.tell, After: b.take},
		},
		Rows:  []suite.Row{{Ours: 0, Peer: 1}},
		Err:   func() error { return b.err },
		Close: func() { b.tools.close(); b.server.close() },
	}, nil
}

// do keeps the first error, and does nothing after it.
func (b *bulk) do(f func() error) {
	if b.err == nil {
		b.err = f()
	}
}

// fresh makes a Registrar that knows nothing.
func (b *bulk) fresh(int) {
	b.do(func() (err error) {
		if b.host, err = newHost(b.server, hostName, unlimited); err == nil {
			b.host.table.Set(population(thousand, false)...)
		}
		return err
	})
}

func (b *bulk) register(int) { b.do(func() error { return b.host.registrar.Sync(b.ctx) }) }

func (b *bulk) deregister(int) {
	b.do(func() error { return b.count(thousand) })
	b.do(func() error { return b.host.registrar.Deregister(b.ctx) })
	b.do(func() error { return b.count(0) })
}

func (b *bulk) tell(int) { b.do(func() error { return b.tools.once(b.ctx, b.add) }) }

func (b *bulk) take(int) {
	b.do(func() error { return b.count(thousand) })
	b.do(func() error { return b.tools.once(b.ctx, b.remove) })
	b.do(func() error { return b.count(0) })
}

// count says if the name doesn't have so many addresses of each family.
func (b *bulk) count(want int) error {
	for _, network := range []string{"ip4", "ip6"} {
		got, err := b.server.addresses(b.ctx, network, hostName)
		if err != nil {
			return err
		}
		if len(got) != want {
			return fmt.Errorf("updates: %d addresses of %s, not %d", len(got), network, want)
		}
	}
	return nil
}

// scripts are the commands that add n addresses of each family with their PTR records, and that remove them.
func scripts(n int) (add, remove string) {
	var parts, gone [3]strings.Builder
	for i, z := range hostZones {
		fmt.Fprintf(&parts[i], "zone %s\n", z)
		fmt.Fprintf(&gone[i], "zone %s\n", z)
	}
	fmt.Fprintf(&gone[0], "update delete %s\n", hostName)
	for _, a := range population(n, false) {
		addr := a.Prefix.Addr()
		rtype, zone := "AAAA", 2
		if addr.Is4() {
			rtype, zone = "A", 1
		}
		reverse, err := dns.ReverseAddr(addr.String())
		if err != nil {
			panic(err) // it is an address
		}
		fmt.Fprintf(&parts[0], "update add %s 1200 %s %s\n", hostName, rtype, addr)
		fmt.Fprintf(&parts[zone], "update add %s 1200 PTR %s.\n", reverse, hostName)
		fmt.Fprintf(&gone[zone], "update delete %s PTR\n", reverse)
	}
	for i := range hostZones {
		add += parts[i].String() + "send\n"
		remove += gone[i].String() + "send\n"
	}
	return add, remove
}
