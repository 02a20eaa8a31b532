package stack

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// The standard library's resolver asks for A and AAAA records from a goroutine each, and its ids are random. Where
// somebody decides about turns, that would be up to chance: so whoever of the two comes first asks for both,
// at the same time, with ids of the stack's own, and the other one is given its answer. That one so does
// nothing that anybody notices, and the first has the turn of the caller, who waits for both.
//
// For this the two must do the same things: so whoever asks by UDP and is told to ask by TCP does that at once,
// and has the answer ready for when the standard library comes to ask by TCP.

// rounds are the questions of a Resolver's that are under way, or were answered at this moment. Whoever was
// given an answer may go on to ask again, while the other one is still to come for his.
type rounds struct {
	mu   sync.Mutex
	open map[string][]*round // by name, oldest first
}

// round is one or two questions about a name.
type round struct {
	taken map[slot]bool // who has come for his answer, of those that there are to be
	done  chan struct{} // closed when the rest is there
	at    time.Time     // when that was; zero: it is not there yet
	got   map[slot]reply
}

// slot is what is asked for, and how.
type slot struct {
	typ    dnsmessage.Type
	stream bool
}

type reply struct {
	msg []byte // with the id of the question that went out
	err error
}

// truncated reports whether the question is to be repeated over TCP (RFC 1035 section 4.2.1).
func (r reply) truncated() bool { return r.err == nil && r.msg[2]&0x02 != 0 }

// final reports whether the standard library takes the reply for one, and does not ask once more: it is an
// error, or a referral to nobody.
func (r reply) final() bool {
	if r.err != nil {
		return false
	}
	switch dnsmessage.RCode(r.msg[3] & 0xf) {
	case dnsmessage.RCodeNameError:
		return true
	case dnsmessage.RCodeSuccess:
		authoritative, recursive := r.msg[2]&0x04 != 0, r.msg[3]&0x80 != 0
		answers, additional := binary.BigEndian.Uint16(r.msg[6:]), binary.BigEndian.Uint16(r.msg[10:])
		return authoritative || recursive || answers != 0 || additional != 0
	}
	return false
}

// oneFamily is the key of a context in which only A records are asked for, or only AAAA.
type oneFamily struct{}

// caller is the key of the context with which a lookup was called.
type caller struct{}

// inTurn hides from the standard library that ctx may end: it would go on at once, beside whoever has the turn.
// The questions that it asks end with ctx, and it with them.
func inTurn(ctx context.Context) context.Context {
	return context.WithValue(context.WithoutCancel(ctx), caller{}, ctx)
}

// callers returns the context with which the lookup was called.
func callers(ctx context.Context) context.Context {
	if c, ok := ctx.Value(caller{}).(context.Context); ok {
		return c
	}
	return ctx
}

// current returns the rounds about a name that go on until now. A later time is a new lookup. An earlier one is that
// of a goroutine that was late: it had looked at the clock before the other one had all answers.
func (r *rounds) current(name string, now time.Time) []*round {
	for n, rds := range r.open {
		if last := rds[len(rds)-1]; !last.at.IsZero() && last.at.Before(now) {
			delete(r.open, n)
		}
	}
	return r.open[name]
}

// join returns the round in which the question is answered. If there are types, in order, it is the caller who
// has to ask for them.
func (r *rounds) join(now time.Time, alone, stream bool, q dnsmessage.Question) (rd *round, types []dnsmessage.Type) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name, own := strings.ToLower(q.Name.String()), slot{q.Type, stream}
	rds := r.current(name, now)
	for _, rd := range rds {
		if taken, there := rd.taken[own]; there && !taken {
			rd.taken[own] = true
			return rd, nil
		}
	}
	rd = &round{taken: map[slot]bool{own: true}, done: make(chan struct{})}
	types = []dnsmessage.Type{q.Type}
	// The other one comes too, unless it is content with what it has.
	if other, ok := pairedType(q.Type); ok && !alone && !content(rds, other) {
		types = append(types, other)
		rd.taken[slot{other, stream}] = false
	}
	slices.Sort(types)
	if r.open == nil {
		r.open = make(map[string][]*round)
	}
	r.open[name] = append(rds, rd)
	return rd, types
}

// content reports whether there is a final reply of a type.
func content(rds []*round, t dnsmessage.Type) bool {
	for _, rd := range rds {
		for _, stream := range []bool{false, true} {
			if got, ok := rd.got[slot{t, stream}]; ok && got.final() && (stream || !got.truncated()) {
				return true
			}
		}
	}
	return false
}

// pairedType is what is asked for together with t.
func pairedType(t dnsmessage.Type) (dnsmessage.Type, bool) {
	switch t {
	case dnsmessage.TypeA:
		return dnsmessage.TypeAAAA, true
	case dnsmessage.TypeAAAA:
		return dnsmessage.TypeA, true
	}
	return 0, false
}

// end gives the replies to who waits for them.
func (r *rounds) end(rd *round, now time.Time, got map[slot]reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rd.got, rd.at = got, now
	for s := range got {
		if _, there := rd.taken[s]; !there {
			rd.taken[s] = false // over TCP, besides
		}
	}
	close(rd.done)
}
