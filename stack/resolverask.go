package stack

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hextet/hextet/stack/internal/turn"
	"golang.org/x/net/dns/dnsmessage"
)

// defaultQueryTimeout is resolv.conf's. The standard library always sets one.
const defaultQueryTimeout = 5 * time.Second

// askConn is what the standard library takes for a conn to a name server.
type askConn struct {
	ns       *nameservers
	ctx      context.Context
	stream   bool
	mu       sync.Mutex
	deadline time.Time // of Config.Clock
	query    []byte
	rest     []byte // of the answer
	asked    bool
}

// askPacketConn is an askConn that is a net.PacketConn too, by which datagrams are told from a stream.
type askPacketConn struct{ *askConn }

func (ns *nameservers) ask(ctx context.Context, network string) net.Conn {
	c := &askConn{ns: ns, ctx: callers(ctx), stream: strings.HasPrefix(network, "tcp")}
	if c.stream {
		return c
	}
	return askPacketConn{c}
}

func networkOf(stream bool) string {
	if stream {
		return "tcp"
	}
	return "udp"
}

func (c *askConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.query = append(c.query, b...)
	return len(b), nil
}

// Read asks when it is called first.
func (c *askConn) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.asked {
		c.asked = true
		query := c.query
		if c.stream && len(query) >= 2 {
			query = query[2:]
		}
		if c.deadline.IsZero() {
			c.deadline = c.ns.s.clock.Now().Add(defaultQueryTimeout)
		}
		msg, err := c.ns.answer(c.ctx, c.stream, query, c.deadline)
		if err != nil {
			return 0, err
		}
		if c.stream {
			c.rest = binary.BigEndian.AppendUint16(nil, uint16(len(msg)))
		}
		c.rest = append(c.rest, msg...)
	}
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// SetDeadline is called with a real time, a number of seconds from now, or with the deadline of the context, which
// may be one of Config.Clock.
func (c *askConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.ns.s.clock.Now()
	c.deadline = now.Add((time.Until(t) + time.Second - 1).Truncate(time.Second))
	if own, ok := c.ctx.Value(turn.DeadlineKey{}).(time.Time); ok && own.Equal(t) {
		c.deadline = now.Add(min(own.Sub(now), defaultQueryTimeout))
	}
	return nil
}

func (c *askConn) SetReadDeadline(t time.Time) error  { return c.SetDeadline(t) }
func (c *askConn) SetWriteDeadline(t time.Time) error { return c.SetDeadline(t) }
func (c *askConn) Close() error                       { return nil }
func (c *askConn) LocalAddr() net.Addr                { return &net.UDPAddr{} }
func (c *askConn) RemoteAddr() net.Addr               { return &net.UDPAddr{} }

func (c askPacketConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := c.Read(b)
	return n, c.RemoteAddr(), err
}
func (c askPacketConn) WriteTo(b []byte, _ net.Addr) (int, error) { return c.Write(b) }

// answer returns the reply to a query, with the query's id.
func (ns *nameservers) answer(ctx context.Context, stream bool, query []byte, deadline time.Time) ([]byte, error) {
	var p dnsmessage.Parser
	h, err := p.Start(query)
	if err != nil {
		return nil, err
	}
	q, err := p.Question()
	if err != nil {
		return nil, err
	}
	if err := contextError(ctx); err != nil {
		return nil, err
	}
	start := ns.s.clock.Now()
	rd, types := ns.rounds.join(start, ctx.Value(oneFamily{}) != nil, stream, q)
	if len(types) > 0 {
		giveBack := ns.s.turn.Borrow()
		got := ns.exchange(ctx, stream, query, q, types, deadline.Sub(start))
		giveBack()
		ns.rounds.end(rd, ns.s.clock.Now(), got)
	}
	select {
	case <-rd.done:
	case <-ctx.Done():
		return nil, contextError(ctx)
	}
	got := rd.got[slot{q.Type, stream}]
	if got.err != nil { // if ctx ended, only because of that
		return nil, cmp.Or(contextError(ctx), got.err)
	}
	msg := slices.Clone(got.msg)
	binary.BigEndian.PutUint16(msg, h.ID)
	return msg, nil
}

// exchange asks for all types, over TCP too where that is needed.
func (ns *nameservers) exchange(ctx context.Context, stream bool, query []byte, q dnsmessage.Question, types []dnsmessage.Type, timeout time.Duration) map[slot]reply {
	got := make(map[slot]reply)
	for {
		var again []dnsmessage.Type
		for i, r := range ns.askAll(ctx, stream, query, q, types, timeout) {
			got[slot{types[i], stream}] = r
			if r.truncated() {
				again = append(again, types[i])
			}
		}
		if stream || len(again) == 0 {
			return got
		}
		stream, types = true, again
	}
}

// askAll asks for all types at the same time, and waits for all answers. It returns them in order.
func (ns *nameservers) askAll(ctx context.Context, stream bool, query []byte, q dnsmessage.Question, types []dnsmessage.Type, timeout time.Duration) []reply {
	asked, replies := make([]asking, len(types)), make([]reply, len(types))
	for i, t := range types {
		a := &asked[i]
		a.id, a.typ, a.stream = uint16(ns.s.rand.Uint32()), t, stream
		if a.Conn, a.server, replies[i].err = ns.connect(ctx, networkOf(stream)); replies[i].err != nil {
			continue
		}
		defer a.Close()
		defer ns.closeWith(ctx, a)()
		a.SetDeadline(ns.s.clock.Now().Add(timeout))
		replies[i].err = a.send(withType(query, t, a.id))
	}
	for i := range asked {
		a, r := &asked[i], &replies[i]
		if r.err == nil {
			r.msg, r.err = a.receive(q)
		}
		if r.err != nil && a.Conn != nil {
			ns.skip(a.server)
		}
	}
	return replies
}

// closeWith closes a when ctx is done, in its turn. To stop that comes before a is closed otherwise.
func (ns *nameservers) closeWith(ctx context.Context, a *asking) (stop func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	var stopped atomic.Bool
	ns.s.start(func() {
		ns.s.turn.Wait(func() bool { return stopped.Load() || turn.Ready(ctx.Done()) })
		if !stopped.Load() {
			a.Close()
		}
	})
	return func() { stopped.Store(true) }
}

// asking is a conn with one question under way.
type asking struct {
	net.Conn
	stream bool
	server uint32
	id     uint16
	typ    dnsmessage.Type
}

// withType is a query with another type and id. The question comes first, and its name is not compressed.
func withType(query []byte, t dnsmessage.Type, id uint16) []byte {
	b := slices.Clone(query)
	binary.BigEndian.PutUint16(b, id)
	at := 12
	for b[at] != 0 {
		at += 1 + int(b[at])
	}
	binary.BigEndian.PutUint16(b[at+1:], uint16(t))
	return b
}

func (a *asking) send(msg []byte) error {
	if a.stream {
		msg = append(binary.BigEndian.AppendUint16(nil, uint16(len(msg))), msg...)
	}
	_, err := a.Write(msg)
	return err
}

// receive waits for the reply. Of datagrams it lets pass what is none, as forgeries are.
func (a *asking) receive(q dnsmessage.Question) ([]byte, error) {
	buf := make([]byte, 1<<16)
	for {
		n, err := a.message(buf)
		switch {
		case err != nil:
			return nil, err
		case a.answered(buf[:n], q):
			return slices.Clone(buf[:n]), nil
		case a.stream:
			return nil, errors.New("stack: what came from the name server is no answer")
		}
	}
}

func (a *asking) message(buf []byte) (int, error) {
	if !a.stream {
		return a.Read(buf)
	}
	if _, err := io.ReadFull(a, buf[:2]); err != nil {
		return 0, err
	}
	return io.ReadFull(a, buf[:binary.BigEndian.Uint16(buf)])
}

// answered reports whether a message answers the question.
func (a *asking) answered(msg []byte, q dnsmessage.Question) bool {
	var p dnsmessage.Parser
	h, err := p.Start(msg)
	if err != nil || !h.Response || h.ID != a.id {
		return false
	}
	got, err := p.Question()
	return err == nil && got.Type == a.typ && got.Class == q.Class && strings.EqualFold(got.Name.String(), q.Name.String())
}
