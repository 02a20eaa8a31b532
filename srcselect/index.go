package srcselect

import "slices"

// An index is the addresses of a host, arranged so that a choice looks at few of
// them however many there are.
type index struct {
	interfaces interfaces
	all        *group // the addresses of all interfaces; nil while those are few
	exact      entry  // every record, by address and interface
	count      int
}

// A group is the addresses of one interface, or of all, in partitions: the
// addresses of one have their class and their routers in common, and so one rank
// for every destination.
//
// The partitions are in the order of rules 2 to 4 for a destination of global scope,
// the best first, so that a choice need not look at all of them. Those that may not
// speak are at the end.
type group struct {
	edit       uint64
	partitions []partition
	speaking   int // how many partitions are neither skip-as-source nor tentative
}

// admitted returns how many partitions from the first on D may admit.
func (g *group) admitted(D *destination) int {
	if D.mask&flagSkip != 0 {
		return g.speaking
	}
	return len(g.partitions)
}

// order returns what a group sorts by: the highest first.
func (c *class) order() uint32 {
	return bit(c.speaks())<<31 | c.fixed | uint32(c.scope)<<shift2
}

func (c *class) speaks() bool { return c.flags&(flagSkip|flagTentative) == 0 }

type partition struct {
	class
	count int
	root  entry // on level byPrefix; never empty
}

// fewInterfaces is how many groups a choice may look at. Where there are more
// interfaces, the index holds each address in the group of all interfaces as well.
const fewInterfaces = 8

// anyInterface is the interface of the classes in the group of all interfaces.
const anyInterface = -1

func (c class) onAnyInterface() class {
	c.iface = anyInterface
	return c
}

// address returns an address of p, whose Routers are those of all of them.
func (p *partition) address() *Address { return &p.root.best.address }

// put puts r into ix, in the place of old if that is not nil.
func (ix *index) put(ed *edit, old, r *record) {
	ix.exact = ed.put(ix.exact, byAddress, r)
	if old == nil {
		ix.count++
	}
	g := ix.interfaces.get(r.iface)
	ix.interfaces.set(ed, r.iface, g.put(ed, r.class, old, r))
	switch {
	case ix.all != nil:
		ix.all = ix.all.put(ed, r.class.onAnyInterface(), old, r)
	case ix.interfaces.count > fewInterfaces:
		for _, r := range ix.exact.appendTo(nil) {
			ix.all = ix.all.put(ed, r.class.onAnyInterface(), nil, r)
		}
	}
}

// remove removes r, which is in ix.
func (ix *index) remove(ed *edit, r *record) {
	ix.exact = ed.remove(ix.exact, r)
	ix.count--
	ix.interfaces.set(ed, r.iface, ix.interfaces.get(r.iface).remove(ed, r.class, r))
	if ix.interfaces.count <= fewInterfaces/2 {
		ix.all = nil
	}
	if ix.all != nil {
		ix.all = ix.all.remove(ed, r.class.onAnyInterface(), r)
	}
}

// find returns the record of a slot, nil if there is none.
func (ix *index) find(addr uint128, iface int32) *record {
	return ix.exact.find(byAddress, addr).find(byInterface, interfaceKey(iface)).best
}

// put returns g, which may be nil, with r in it, in the place of old if that is not
// nil. c is r's class in g.
func (g *group) put(ed *edit, c class, old, r *record) *group {
	g = g.own(ed)
	if old != nil {
		was := old.class
		if c.iface == anyInterface {
			was = was.onAnyInterface()
		}
		if was == c && old.limit == r.limit && slices.Equal(old.address.Routers, r.address.Routers) {
			p := g.find(c, r)
			p.root = ed.put(p.root, byPrefix, r)
			return g
		}
		g.take(ed, was, old)
	}
	p := g.find(c, r)
	if p == nil {
		at := 0
		for at < len(g.partitions) && g.partitions[at].order() > c.order() {
			at++
		}
		g.partitions = slices.Insert(g.partitions, at, partition{class: c})
		g.speaking += int(bit(c.speaks()))
		p = &g.partitions[at]
	}
	p.count++
	p.root = ed.put(p.root, byPrefix, r)
	return g
}

// remove returns g without r, which is in it with class c; nil if nothing is left.
func (g *group) remove(ed *edit, c class, r *record) *group {
	g = g.own(ed)
	g.take(ed, c, r)
	if len(g.partitions) == 0 {
		return nil
	}
	return g
}

// take takes r, which is in g with class c, out of g, which is ed's own.
func (g *group) take(ed *edit, c class, r *record) {
	p := g.find(c, r)
	if p.count--; p.count > 0 {
		p.root = ed.remove(p.root, r)
		return
	}
	at := slices.IndexFunc(g.partitions, func(one partition) bool { return one.root == p.root })
	g.partitions = slices.Delete(g.partitions, at, at+1)
	g.speaking -= int(bit(c.speaks()))
}

// find returns the partition for r, whose class in g is c; nil if there is none.
func (g *group) find(c class, r *record) *partition {
	for i := range g.partitions {
		p := &g.partitions[i]
		if p.class == c && slices.Equal(p.address().Routers, r.address.Routers) {
			return p
		}
	}
	return nil
}

// own returns g if ed made it, else a copy that it may change.
func (g *group) own(ed *edit) *group {
	switch {
	case g == nil:
		return &group{edit: ed.id}
	case g.edit == ed.id:
		return g
	}
	return &group{ed.id, append(make([]partition, 0, len(g.partitions)+1), g.partitions...), g.speaking}
}
