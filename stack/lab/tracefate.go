package lab

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Outcome is how a packet's way to one receiver ended.
type Outcome uint8

const (
	Delivered   Outcome = iota // or to be delivered at Fate.At
	Lost                       // Impairment.Loss
	QueueFull                  // Impairment.Queue
	TooLong                    // Impairment.MTU
	LinkDown                   // Impairment.Down
	Unplugged                  // the receiver was gone when it arrived
	Partitioned                // Segment.Partition
)

var outcomes = [...]string{"delivered", "lost", "queue full", "too long", "link down", "unplugged", "partitioned"}

// String returns the outcome in words, as in "queue full".
func (o Outcome) String() string {
	if int(o) < len(outcomes) {
		return outcomes[o]
	}
	return "unknown outcome"
}

// A Fate is what became of one copy of a packet.
type Fate struct {
	To      string // host and interface, as in "web/eth0"
	Outcome Outcome
	At      time.Time // when it arrives; where it did not, when it was dropped

	Corrupted bool // a bit of it was inverted
	Duplicate bool // it is the second of two
	Reordered bool // it was held back, so that others may overtake it
}

// String is as in "web/eth0: delivered, corrupted".
func (f Fate) String() string {
	s := f.To + ": " + f.Outcome.String()
	for _, m := range []struct {
		on   bool
		word string
	}{{f.Corrupted, "corrupted"}, {f.Duplicate, "duplicate"}, {f.Reordered, "reordered"}} {
		if m.on {
			s += ", " + m.word
		}
	}
	return s
}

// Fates returns what became of the packet at each receiver it was sent to, in the order in which they are
// plugged in. There are none if nobody else was on the segment.
func (p Packet) Fates() []Fate {
	var all []Fate
	for _, g := range p.fates {
		for _, to := range g.to {
			f := Fate{To: to.name, Outcome: g.outcome, At: p.Time.Add(g.after)}
			f.Corrupted, f.Duplicate, f.Reordered = g.marks&corrupted != 0, g.marks&duplicate != 0, g.marks&reordered != 0
			if f.Outcome == Delivered && slices.Contains(p.gone, gone{to, g.after}) {
				f.Outcome = Unplugged
			}
			all = append(all, f)
		}
	}
	return all
}

// mishaps describes the fates that are not plain deliveries, "" if all are.
func (p Packet) mishaps() string {
	var b strings.Builder
	n := 0
	for _, f := range p.Fates() {
		if f.Outcome == Delivered && !f.Corrupted && !f.Duplicate && !f.Reordered {
			continue
		}
		if n++; n > 8 {
			continue
		}
		if n > 1 {
			b.WriteString("; ")
		}
		b.WriteString(f.String())
	}
	if n > 8 {
		fmt.Fprintf(&b, "; and %d more", n-8)
	}
	return b.String()
}

type marks uint8

const (
	corrupted marks = 1 << iota
	duplicate
	reordered
)

// fates are receivers in a row who fare alike: of a group with a thousand members most do.
type fates struct {
	to      []*port
	after   time.Duration
	outcome Outcome
	marks   marks
}

// gone is a receiver that was away when a copy came.
type gone struct {
	to    *port
	after time.Duration
}

// fateList is fates in the making. All receivers are in one slice, which the fates share.
type fateList struct {
	to   []*port
	rows []fates // to is not set yet
	ends []int   // where in fateList.to each ends
}

// arrives notes what becomes of one copy. The lab's wires are locked.
func (r *record) arrives(to *port, a passage) {
	l := &r.fates
	row := fates{after: a.at.Sub(r.p.Time), outcome: a.outcome, marks: a.marks}
	l.to = append(l.to, to)
	if n := len(l.rows) - 1; n >= 0 && l.rows[n].after == row.after && l.rows[n].outcome == row.outcome && l.rows[n].marks == row.marks {
		l.ends[n]++
		return
	}
	l.rows, l.ends = append(l.rows, row), append(l.ends, len(l.to))
}

// close returns the rows.
func (l *fateList) close(from *port) []fates {
	// A sender's packets mostly go to whom the one before went.
	if slices.Equal(l.to, from.sent) {
		l.to = from.sent
	} else {
		from.sent = slices.Clip(l.to)
	}
	begin := 0
	for i, end := range l.ends {
		l.rows[i].to = l.to[begin:end:end]
		begin = end
	}
	return l.rows
}

// unplugged notes that a receiver is gone.
func (r *record) unplugged(to *port, after time.Duration) {
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	r.p.gone = append(r.p.gone, gone{to, after})
}
