package lab

import (
	"fmt"
	"time"

	"github.com/hextet/hextet/stack"
)

// What a page shows of the lab's hosts. Stacks forget their addresses when they are closed, so hosts are asked before.

type pageHost struct {
	Name  string     `json:"name"`
	Ports []pagePort `json:"ports"`
}

type pagePort struct {
	Name      string        `json:"name"` // of the interface
	Segment   int           `json:"segment"`
	Hardware  string        `json:"hw"`
	Addresses []pageAddress `json:"addresses"`
}

type pageAddress struct {
	Prefix string `json:"prefix"`
	Flags  string `json:"flags,omitempty"`
}

const maxPageAddresses = 32 // of an interface

// remember keeps what the hosts are like, for pages that are written after they are closed.
func (l *Lab) remember() {
	seen := l.survey()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = seen
	}
}

// survey asks the hosts, unless they are closed.
func (l *Lab) survey() []pageHost {
	l.mu.Lock()
	seen, hosts := l.seen, l.hosts[:len(l.hosts):len(l.hosts)]
	index := make(map[*Segment]int)
	for i, s := range l.segments {
		index[s] = i
	}
	l.mu.Unlock()
	if seen != nil {
		return seen
	}
	seen = []pageHost{}
	for _, h := range hosts {
		ph := pageHost{Name: h.name, Ports: []pagePort{}}
		for _, mine := range h.cabled() {
			p := mine.p
			s := mine.Segment()
			if s == nil {
				continue
			}
			pp := pagePort{Name: p.iface, Segment: index[s], Hardware: p.hw.String(), Addresses: []pageAddress{}}
			for _, i := range h.Interfaces() {
				if i.Name() == p.iface {
					pp.Addresses = pageAddresses(i.Addresses(), l.Now())
				}
			}
			ph.Ports = append(ph.Ports, pp)
		}
		seen = append(seen, ph)
	}
	return seen
}

func pageAddresses(infos []stack.AddressInfo, now time.Time) []pageAddress {
	all := []pageAddress{}
	for i, a := range infos {
		if i == maxPageAddresses {
			return append(all, pageAddress{Prefix: fmt.Sprintf("and %d more", len(infos)-i)})
		}
		all = append(all, pageAddress{Prefix: a.Prefix.String(), Flags: flagsOf(a)})
	}
	return all
}

// flagsOf names what sets an address apart.
func flagsOf(a stack.AddressInfo) string {
	s := ""
	for _, f := range []struct {
		on   bool
		word string
	}{
		{a.SkipAsSource, "skip"}, {a.Deprecated, "deprecated"}, {a.Temporary, "temporary"}, {a.HomeAddress, "home"},
		{a.State == stack.Tentative, "tentative"}, {a.State == stack.Duplicate, "duplicate"},
	} {
		if f.on && s != "" {
			s += " "
		}
		if f.on {
			s += f.word
		}
	}
	return s
}
