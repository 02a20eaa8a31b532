package lab

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hextet/hextet/stack/capture"
)

// A Packet is a frame as a host put it on a segment, before anything happened to it on the way.
type Packet struct {
	Number  int // in the order of sending, from 1
	Time    time.Time
	Segment string
	From    string // host and interface, as in "web/eth0"
	Data    []byte // the Ethernet frame

	// Choice, which packets share, is why the source address is what it is, if the host itself sends from one of its
	// addresses and chose it: nil for neighbour discovery and group management, whose sources are
	// given, and for what it forwards.
	Choice *Choice

	fates []fates
	gone  []gone
	bad   error // what is wrong with its checksums
}

// Summary describes the headers in one line, as capture.Summary does.
func (p Packet) Summary() string {
	return capture.Summary(capture.Packet{LinkType: capture.Ethernet, Data: p.Data})
}

// String is one line: number, time, segment, sender and Summary.
func (p Packet) String() string {
	return fmt.Sprintf("%d %s %s %s %s", p.Number, p.Time.UTC().Format("15:04:05.000000"), p.Segment, p.From, p.Summary())
}

const (
	defaultMaxTrace = 64 << 20
	recordSize      = 300 // of a record without its data, about
)

// trace is what was sent in the lab, in order, as far as it is kept.
type trace struct {
	max   int // bytes
	start time.Time
	fresh atomic.Bool // there is something in unseen, or for a watcher

	mu      sync.Mutex
	records []*record // the latest that were sent
	first   int       // number of records[0]
	bytes   int       // of records
	sum     hash.Hash // over everything, kept or not
	unseen  []*record // to be looked at
	bad     []Packet  // the first of those with bad checksums
	badMore int       // and how many came after them
	watch   []*watcher
}

func (t *trace) init(cfg Config) {
	t.max, t.start, t.first, t.sum = cfg.MaxTrace, cfg.Start, 1, sha256.New()
	if t.max == 0 {
		t.max = defaultMaxTrace
	}
}

// record is a Packet in the making, until settle.
type record struct {
	t     *trace
	p     Packet // under the trace's lock from settle on
	from  *port
	state uint64 // of what the sender chose the source by
	h     headers
	size  int
	fates fateList
}

// record begins one. Like all that a sender calls it runs below locks of its stack, which it does not ask.
func (t *trace) record(now time.Time, from *port, frame []byte) *record {
	r := &record{t: t, from: from, state: from.h.turns.state(), h: parse(frame)}
	r.p = Packet{Time: now, Segment: from.segment.name, From: from.name, Data: frame, bad: r.h.checksums()}
	return r
}

// settle adds the record to the trace: what becomes of the packet is known. It returns the packet, which has
// no Choice yet. The segment's lock is held, so that nobody answers before.
func (r *record) settle() Packet {
	r.p.fates = r.fates.close(r.from)
	r.fates = fateList{}
	r.size = len(r.p.Data) + recordSize + 48*len(r.p.fates)
	t := r.t
	t.mu.Lock()
	defer t.mu.Unlock()
	r.p.Number = t.first + len(t.records)
	t.digest(r.p)
	t.records = append(t.records, r)
	t.grow(r.size)
	t.unseen = append(t.unseen, r)
	for _, w := range t.watch {
		w.queue = append(w.queue, r)
	}
	t.fresh.Store(true)
	return r.p
}

// grow leaves out what is too much. The lock is held.
func (t *trace) grow(n int) {
	t.bytes += n
	for t.bytes > t.max && len(t.records) > 0 {
		t.bytes -= t.records[0].size
		t.records[0] = nil
		t.records = t.records[1:]
		t.first++
	}
}

// digest adds a packet to the hash. The lock is held.
func (t *trace) digest(p Packet) {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(p.Time.Sub(t.start)))
	binary.BigEndian.PutUint64(b[8:], uint64(len(p.Data)))
	t.sum.Write(b[:])
	fmt.Fprintf(t.sum, "%q%q", p.Segment, p.From)
	t.sum.Write(p.Data)
}

// since returns the packets from number n on.
func (t *trace) since(n int) []Packet {
	t.mu.Lock()
	defer t.mu.Unlock()
	records := t.records[min(max(n-t.first, 0), len(t.records)):]
	pkts := make([]Packet, len(records))
	for i, r := range records {
		pkts[i] = r.p
	}
	return pkts
}

// Packets returns what hosts have sent so far and all the filters pass, in order, as far as it is kept:
// see LeftOut. The data is not to be changed.
func (l *Lab) Packets(filters ...Filter) []Packet {
	l.explainUnseen()
	all := l.trace.since(0)
	if len(filters) == 0 {
		return all
	}
	passed := all[:0]
	for _, p := range all {
		if passes(p, filters) {
			passed = append(passed, p)
		}
	}
	return passed
}

// LeftOut returns how many packets are no longer in the trace, which are the oldest (Config.MaxTrace).
func (l *Lab) LeftOut() int {
	l.trace.mu.Lock()
	defer l.trace.mu.Unlock()
	return l.trace.first - 1
}

// TraceHash is a digest of all that was sent so far, left out or not: when, where, by whom and every byte.
func (l *Lab) TraceHash() string {
	l.trace.mu.Lock()
	defer l.trace.mu.Unlock()
	return fmt.Sprintf("%x", l.trace.sum.Sum(nil))
}
