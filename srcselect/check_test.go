package srcselect

import (
	"fmt"
	"slices"
)

// check looks for anything in a snapshot that must not be.
func (snap *snapshot) check() error {
	ix := &snap.index
	if ix.count == 0 {
		if len(snap.list) > mostInList || *ix != (index{}) {
			return fmt.Errorf("a list of %d, and %+v", len(snap.list), ix)
		}
		return nil
	}
	tb := snap.cfg.TieBreak
	all := ix.exact.appendTo(nil)
	if len(snap.list) != 0 || ix.count < leastInIndex || len(all) != ix.count {
		return fmt.Errorf("an index of %d (%d), and a list of %d", ix.count, len(all), len(snap.list))
	}
	if err := ix.exact.check(byAddress, tb); err != nil {
		return err
	}
	if err := ix.interfaces.root.check(); err != nil {
		return err
	}
	groups, n := ix.interfaces.appendTo(nil), 0
	for _, g := range groups {
		count, err := g.check(tb, g.partitions[0].iface)
		if err != nil {
			return err
		}
		n += count
	}
	switch {
	case len(groups) != ix.interfaces.count || n != ix.count:
		return fmt.Errorf("%d groups of %d, with %d addresses of %d", len(groups), ix.interfaces.count, n, ix.count)
	case ix.all == nil && len(groups) > fewInterfaces:
		return fmt.Errorf("%d groups and none of all", len(groups))
	case ix.all != nil && len(groups) <= fewInterfaces/2:
		return fmt.Errorf("%d groups and one of all", len(groups))
	case ix.all != nil:
		if n, err := ix.all.check(tb, anyInterface); n != ix.count || err != nil {
			return fmt.Errorf("the group of all has %d addresses of %d: %w", n, ix.count, err)
		}
	}
	return nil
}

func (p *interfacePage) check() error {
	used := 0
	for i := range p.pages {
		if p.pages[i] != nil {
			used++
			if err := p.pages[i].check(); err != nil {
				return err
			}
		}
		if p.groups[i] != nil {
			used++
		}
	}
	if used == 0 || used != p.used {
		return fmt.Errorf("page %+v has %d of %d in use", p, used, p.used)
	}
	return nil
}

func (g *group) check(tb TieBreak, iface int32) (n int, err error) {
	speaking, last := 0, ^uint32(0)
	for i := range g.partitions {
		p := &g.partitions[i]
		rs := p.root.appendTo(nil)
		if len(rs) != p.count || p.count == 0 || p.iface != iface || p.order() > last {
			return n, fmt.Errorf("partition %+v of %d records", p, len(rs))
		}
		for _, r := range rs {
			own := r.class
			if iface == anyInterface {
				own = own.onAnyInterface()
			}
			if own != p.class || !slices.Equal(r.address.Routers, p.address().Routers) {
				return n, fmt.Errorf("%+v in partition %+v", r, p)
			}
		}
		if err := p.root.check(byPrefix, tb); err != nil {
			return n, err
		}
		last = p.order()
		speaking += int(bit(p.speaks()))
		n += p.count
	}
	if speaking != g.speaking {
		return n, fmt.Errorf("%d partitions speak, not %d", speaking, g.speaking)
	}
	return n, nil
}

// check checks e, whose strings start on level l.
func (e entry) check(l level, tb TieBreak) error {
	if e.node == nil {
		return nil
	}
	n := e.node
	if n.level < l || n.depth%4 != 0 || n.depth > 124 || len(n.entries) < 2 || len(n.entries) != n.at(32) {
		return fmt.Errorf("node %+v on level %d", n, l)
	}
	if best := n.first(allSlots, tb); best != e.best {
		return fmt.Errorf("best of %+v is %+v, not %+v", n, best, e.best)
	}
	at := 0
	for s := range uint32(32) {
		if n.slots>>s&1 == 0 {
			continue
		}
		for _, r := range n.entries[at].appendTo(nil) {
			key, bits := r.key(n.level)
			if commonBits(key, n.prefix) < int(n.depth) || bits < int(n.depth) || slot(key, bits, n.depth) != s {
				return fmt.Errorf("%+v in slot %d of %+v", r, s, n)
			}
		}
		if err := n.entries[at].check(n.level, tb); err != nil {
			return err
		}
		at++
	}
	return nil
}
