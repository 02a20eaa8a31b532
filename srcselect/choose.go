package srcselect

import (
	"cmp"
	"slices"
)

// choose is scan for an index: it ranks the partitions, and looks into the best
// ones only.
func (ix *index) choose(D *destination) choice {
	var room [fewInterfaces]*group
	groups, own := ix.groupsFor(D, room[:0])
	var h heats
	for _, g := range groups {
		h.enter(D, g, own)
	}
	if h.top == 0 {
		return choice{}
	}
	var c contest
	if ix.enterSameAddress(&c, D); c.best != nil {
		if candidates(D, groups, own) > 1 {
			c.runnerUp = max(c.runnerUp, 1<<shiftKey) // rule 1 put all the others out
		}
		return c.decide(D)
	}
	if h.n <= len(h.best) {
		for _, p := range h.best[:h.n] {
			c.enterPartition(D, p, h.top)
		}
	} else {
		for _, g := range groups {
			c.enterGroup(D, g, h.top)
		}
	}
	c.runnerUp = max(c.runnerUp, h.next)
	return c.decide(D)
}

// groupsFor appends the groups to list that hold the candidates. If one of them is
// that of all interfaces, own is the outgoing interface's, or nil, and comes before
// it: its addresses are in both, and rule 5 ranks them rightly in own only.
func (ix *index) groupsFor(D *destination, list []*group) (_ []*group, own *group) {
	if D.only == 0 && ix.all == nil {
		return ix.interfaces.appendTo(list), nil
	}
	g := ix.interfaces.get(cmp.Or(D.only, D.iface))
	if g != nil {
		list = append(list, g)
	}
	if D.only != 0 {
		return list, nil
	}
	return append(list, ix.all), g
}

// candidates returns how many addresses D admits.
func candidates(D *destination, groups []*group, own *group) (n int) {
	for _, g := range groups {
		for i := range g.admitted(D) {
			if p := &g.partitions[i]; g != own && D.admits(&p.class) {
				n += p.count
			}
		}
	}
	return n
}

// heats is what the ranks of the partitions say before anyone looks into one.
type heats struct {
	top, next uint32        // the two highest ranks of partitions that D admits; 0 for none
	best      [8]*partition // those of rank top, or the first of them
	n         int           // how many there are
}

// enter lets the partitions of g take part.
func (h *heats) enter(D *destination, g, own *group) {
	top, next := h.top, h.next
	sorted := D.scope >= ScopeGlobal && D.reverse&reverse4 == 0
	admitted := g.partitions[:g.admitted(D)]
	for i := range admitted {
		p := &admitted[i]
		if p.flags&D.mask != D.flags {
			continue
		}
		rank := D.rank(&p.class) // inlined, which partitionRank is not
		if p.flags&D.routers != 0 {
			rank = D.partitionRank(p)
		}
		switch {
		case rank <= next && sorted && rank>>shift4 < next>>shift4:
			h.top, h.next = top, next
			return // all that follow have lost by rules 2 to 4
		case rank <= next:
		case rank > top:
			top, next = rank, top
			h.best[0], h.n = p, 1
		case rank == top:
			if h.n < len(h.best) {
				h.best[h.n] = p
			}
			h.n++
		case own == nil || g == own || own.countLike(p) < p.count:
			next = rank
		}
	}
	h.top, h.next = top, next
}

// countLike returns how many addresses of p, which is of the group of all
// interfaces, are g's.
func (g *group) countLike(p *partition) int {
	for i := range g.partitions {
		own := &g.partitions[i]
		if own.class.onAnyInterface() == p.class && slices.Equal(own.address().Routers, p.address().Routers) {
			return own.count
		}
	}
	return 0
}

// A contest is the choice while candidates enter it, in any order.
type contest struct {
	best          *record
	key, runnerUp uint32 // best's, and the highest of all others; 0 for none
}

// enter lets r take part with its key.
func (c *contest) enter(D *destination, r *record, key uint32) {
	if key > c.key || key == c.key && D.tieBreak.before(r, c.best) {
		c.best, c.key, key = r, key, c.key
	}
	c.runnerUp = max(c.runnerUp, key)
}

// enterSameAddress lets the candidates take part that rule 1 prefers.
func (ix *index) enterSameAddress(c *contest, D *destination) {
	if D.ranks&(1<<shift1) == 0 {
		return
	}
	same := ix.exact.find(byAddress, D.addr)
	if D.only != 0 {
		same = same.find(byInterface, interfaceKey(D.only))
	}
	c.enterAll(D, same)
}

// enterAll lets all candidates below e take part.
func (c *contest) enterAll(D *destination, e entry) {
	switch {
	case e.node != nil:
		for _, below := range e.node.entries {
			c.enterAll(D, below)
		}
	case e.best != nil && D.admits(&e.best.class):
		c.enter(D, e.best, D.key(&e.best.candidate, &e.best.address))
	}
}

// enterGroup lets all candidates of g take part whose partitions have the given rank.
func (c *contest) enterGroup(D *destination, g *group, rank uint32) {
	for i := range g.admitted(D) {
		if p := &g.partitions[i]; D.admits(&p.class) && D.partitionRank(p) == rank {
			c.enterPartition(D, p, rank)
		}
	}
}

// enterTied lets r take part with its key, and if it is tied, others with the same
// key that the tie-break puts behind it.
func (c *contest) enterTied(D *destination, r *record, key uint32, tied bool) {
	if tied {
		c.runnerUp = max(c.runnerUp, key)
	}
	c.enter(D, r, key)
}

// enterPartition lets all records of p take part, whose rank is given. Of those
// that are not the best one it enters as much of the highest key as it takes to say
// which rule puts them out.
func (c *contest) enterPartition(D *destination, p *partition, rank uint32) {
	if p.count > 1 {
		c.runnerUp = max(c.runnerUp, rank)
	}
	t := subtree{p.root, allSlots}
	switch {
	case D.holdsVia:
		if e := p.root.holding(D.via); e.best != nil {
			c.enterTied(D, e.best, rank|uint32(e.best.limit)<<shiftVia, e.node != nil)
			return
		}
	case D.matchVia:
		via := t.nearest(D.via, D.tieBreak)
		t = via.subtree
		rank |= uint32(via.bits) << shiftVia
		if via.tied {
			c.runnerUp = max(c.runnerUp, rank)
		}
	}
	if D.ranks&(1<<shift8) == 0 { // nothing looks at the destination's bits
		c.enterTied(D, p.root.best, rank, p.count > 1)
		return
	}
	near := t.nearest(D.addr, D.tieBreak)
	c.enterTied(D, near.best, rank|uint32(near.bits)<<shift8, near.tied)
}

// decide returns the choice, once all have entered.
func (c *contest) decide(D *destination) choice {
	if c.runnerUp == 0 {
		return choice{c.best, c.key, RuleOnly}
	}
	return choice{c.best, c.key, D.decider(c.key, c.runnerUp)}
}
