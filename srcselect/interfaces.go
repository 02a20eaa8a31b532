package srcselect

// interfaces maps interface indexes to groups. It is a radix tree over the index,
// four bits at a time and as high as the highest index asks for. Like a trie it
// never changes but by an edit, which copies its path.
type interfaces struct {
	root   *interfacePage
	height int // of root in pages, at least 1 if there is one
	count  int // of groups
}

type interfacePage struct {
	edit   uint64
	used   int                // how many are not nil below
	pages  [16]*interfacePage // above the lowest pages
	groups [16]*group         // in them
}

// get returns the group of an interface, nil if there is none.
func (t *interfaces) get(iface int32) *group {
	if iface < 0 || t.height < 8 && iface>>(4*t.height) != 0 {
		return nil
	}
	p := t.root
	for h := t.height - 1; h > 0 && p != nil; h-- {
		p = p.pages[iface>>(4*h)&15]
	}
	if p == nil {
		return nil
	}
	return p.groups[iface&15]
}

// set sets the group of an interface, or removes it if g is nil.
func (t *interfaces) set(ed *edit, iface int32, g *group) {
	had := t.get(iface) != nil
	if !had && g == nil {
		return
	}
	if t.root == nil {
		t.height = 1
	}
	for t.height < 8 && iface>>(4*t.height) != 0 {
		if t.root != nil {
			t.root = &interfacePage{edit: ed.id, used: 1, pages: [16]*interfacePage{t.root}}
		}
		t.height++
	}
	t.root = t.root.set(ed, iface, t.height-1, g)
	switch {
	case g == nil:
		t.count--
	case !had:
		t.count++
	}
}

// set returns p, which may be nil, after the change; nil if nothing is left.
func (p *interfacePage) set(ed *edit, iface int32, h int, g *group) *interfacePage {
	switch {
	case p == nil:
		p = &interfacePage{edit: ed.id}
	case p.edit != ed.id:
		own := *p
		own.edit = ed.id
		p = &own
	}
	at := iface >> (4 * h) & 15
	had, has := p.pages[at] != nil || p.groups[at] != nil, g != nil
	if h > 0 {
		p.pages[at] = p.pages[at].set(ed, iface, h-1, g)
		has = p.pages[at] != nil
	} else {
		p.groups[at] = g
	}
	p.used += int(bit(has)) - int(bit(had))
	if p.used == 0 {
		return nil
	}
	return p
}

// appendTo appends all groups to list, in order of their interfaces.
func (t *interfaces) appendTo(list []*group) []*group { return t.root.appendTo(list) }

func (p *interfacePage) appendTo(list []*group) []*group {
	if p == nil {
		return list
	}
	for i, g := range p.groups {
		if g != nil {
			list = append(list, g)
		} else {
			list = p.pages[i].appendTo(list)
		}
	}
	return list
}
