package dnsreg

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
)

// A hostLife is what a host wants as long as its configuration stays the same; when it changes, or after a crash, the
// next hostLife has another Registrar.
type hostLife struct {
	Names  []string // first labels, in example.test
	Table  string   // as host has it, with / before the flag: "192.0.2.1 192.0.2.2/skip"
	TTL    int      // in seconds; 0: 1200
	Owner  string   // id of a TXT mark; empty: none
	Remove bool     // Deregister instead of Sync
}

func (l hostLife) table() []string {
	lines := strings.Fields(l.Table)
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(line, "/", " ")
	}
	return lines
}

// continues reports whether the life is part of the one before, with the same Registrar.
func (l hostLife) continues(before hostLife) bool {
	return slices.Equal(l.Names, before.Names) && l.TTL == before.TTL && l.Owner == before.Owner
}

func (l hostLife) String() string {
	s := fmt.Sprintf("%v %s", l.Names, l.Table)
	if l.TTL != 0 {
		s += fmt.Sprint(" ttl ", l.TTL)
	}
	if l.Owner != "" {
		s += " owner " + l.Owner
	}
	if l.Remove {
		s += " removed"
	}
	return s
}

// zones are the records of zones by zone, as master file lines, sorted.
type zones map[string][]string

// zonesOf reads those of a server in memory.
func zonesOf(s *dnsregtest.Server) zones {
	z := make(zones)
	for _, zone := range append([]string{"example.test"}, reverseZones...) {
		for _, r := range s.Zone(zone) {
			if r.Type != "SOA" {
				z[zone] = append(z[zone], fmt.Sprintf("%s %d IN %s %s", r.Name, r.TTL, r.Type, r.Data))
			}
		}
		slices.Sort(z[zone])
	}
	return z
}

// with returns the zones with the records of a life beside what is there, which has none of ours.
func (z zones) with(l hostLife) zones {
	after := make(zones)
	for name, lines := range z {
		after[name] = slices.Clone(lines)
	}
	add := func(zone, name, rtype, data string) {
		after[zone] = append(after[zone], fmt.Sprintf("%s %d IN %s %s", name, z.ttl(zone, name, rtype, l), rtype, data))
	}
	var speaking []netip.Addr
	for _, line := range l.table() {
		if addr, flags, _ := strings.Cut(line, " "); flags == "" && !l.Remove {
			speaking = append(speaking, netip.MustParseAddr(addr))
		}
	}
	for i, label := range l.Names {
		name := label + ".example.test."
		for _, addr := range speaking {
			rtype, reverse := "A", reverseZones[0]
			if addr.Is6() {
				rtype, reverse = "AAAA", reverseZones[1]
			}
			add("example.test", name, rtype, addr.String())
			if i == 0 {
				add(reverse, reverseName(addr), "PTR", name)
			}
		}
		if l.Owner != "" && len(speaking) > 0 {
			add("example.test", name, "TXT", `"heritage=hextet,owner=`+l.Owner+`"`)
		}
	}
	for _, lines := range after {
		slices.Sort(lines)
	}
	return after
}

// ttl is that of a record of ours: that of the records beside it, if there are any, since they are not ours.
func (z zones) ttl(zone, name, rtype string, l hostLife) (ttl int) {
	for _, line := range z[zone] {
		if f := strings.Fields(line); f[0] == name && f[3] == rtype {
			fmt.Sscan(f[1], &ttl)
			return ttl
		}
	}
	return cmp.Or(l.TTL, 1200)
}

// differ returns how two states of the zones differ, "" if they don't.
func (z zones) differ(want zones) string {
	var b strings.Builder
	for _, name := range append([]string{"example.test"}, reverseZones...) {
		if got := z[name]; !slices.Equal(got, want[name]) {
			fmt.Fprintf(&b, "%s:\n", name)
			for _, line := range got {
				if !slices.Contains(want[name], line) {
					fmt.Fprintf(&b, "  must go: %s\n", line)
				}
			}
			for _, line := range want[name] {
				if !slices.Contains(got, line) {
					fmt.Fprintf(&b, "  lacks:   %s\n", line)
				}
			}
		}
	}
	return b.String()
}
