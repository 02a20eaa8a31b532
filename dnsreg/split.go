package dnsreg

import (
	"slices"
	"sort"

	"github.com/miekg/dns"
)

// maxUpdate is the length of an update before it is signed: what RFC 1035 section 4.2.2 lets a stream
// carry, less room for the longest of signatures.
const maxUpdate = dns.MaxMsgSize - 1024

// change is what an update does to one record: it deletes it, adds it, or both, for another TTL.
type change struct {
	edit     int // index of the edit that it is part of
	data     rdata
	del, add bool
}

// fit returns as much of the edits as one message holds, and the rest. One message is atomic, several are
// not: removals come first, since a record that must not be there is worse than one that is not there yet.
// now is empty when not even the first change fits.
func fit(edits []edit, build func([]edit) *dns.Msg) (now, rest []edit) {
	if build(edits).Len() <= maxUpdate {
		return edits, nil
	}
	changes := changesOf(edits)
	n := sort.Search(len(changes), func(n int) bool {
		now, _ := cut(edits, changes[:n+1])
		return build(now).Len() > maxUpdate
	})
	if n == 0 {
		return nil, edits
	}
	return cut(edits, changes[:n])
}

// changesOf lists the changes of all edits, removals first.
func changesOf(edits []edit) []change {
	var removals, others []change
	for i, e := range edits {
		for _, d := range e.deletes {
			if !slices.Contains(e.adds, d) {
				removals = append(removals, change{i, d, true, false})
			}
		}
		for _, d := range e.adds {
			others = append(others, change{i, d, slices.Contains(e.deletes, d), true})
		}
		if e.empty() { // only confirmed
			others = append(others, change{edit: i})
		}
	}
	return append(removals, others...)
}

// cut returns the edits that make these changes, each with the RRsets beside it, and those that make all
// others.
func cut(edits []edit, changes []change) (now, rest []edit) {
	parts := slices.Clone(edits)
	for i := range parts {
		parts[i].deletes, parts[i].adds = nil, nil
	}
	touched := make(map[string]bool)
	for _, c := range changes {
		e := &parts[c.edit]
		touched[e.key.name] = true
		if c.del {
			e.deletes = append(e.deletes, c.data)
		}
		if c.add {
			e.adds = append(e.adds, c.data)
		}
	}
	for i, e := range parts {
		left := edits[i]
		if !touched[e.key.name] {
			rest = append(rest, left)
			continue
		}
		now = append(now, e)
		left.deletes, left.adds = without(left.deletes, e.deletes), without(left.adds, e.adds)
		left.before = slices.Concat(without(left.before, e.deletes), e.adds)
		slices.SortFunc(left.before, compareRdata)
		left.free = false
		if !left.empty() {
			rest = append(rest, left)
		}
	}
	return now, rest
}

// without returns the elements of all that are not in some.
func without(all, some []rdata) []rdata {
	gone := make(map[rdata]bool, len(some))
	for _, d := range some {
		gone[d] = true
	}
	return slices.DeleteFunc(slices.Clone(all), func(d rdata) bool { return gone[d] })
}
