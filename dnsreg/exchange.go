package dnsreg

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// transport exchanges messages with servers. Every exchange has a fresh id and a fresh socket.
type transport struct {
	clock    Clock
	dice     *rand.Rand
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	timeout  time.Duration
	tcp      bool
	counters counters
}

// counters are Counters in the making.
type counters struct {
	queries, queryBytes, updates, updateBytes, probes, retransmits, overTCP, ignored, unauthentic, conflicts atomic.Uint64
}

// maxUDP is what RFC 1035 section 4.2.1 lets a datagram carry; longer messages go over TCP.
const maxUDP = dns.MinMsgSize

// firstTry is how long a datagram may remain unanswered before it is sent again; each further try waits twice as long.
const firstTry = time.Second

// exchange sends msg to server and waits for the reply: over UDP, then, if that was truncated, over TCP;
// at once over TCP if the message is long. The error is a *ServerError when the reply says no, else a
// *NoReplyError, unless the request can't be built.
func (t *transport) exchange(ctx context.Context, server string, msg *dns.Msg, key Key) (*dns.Msg, error) {
	ctx, cancel := withTimeout(ctx, t.clock, t.timeout)
	defer cancel()
	network := "udp"
	if t.tcp || once(key) {
		network = "tcp" // where nothing is sent again
	}
	for {
		msg.Id = uint16(t.dice.Uint32())
		req, err := newRequest(server, msg, key, t.clock.Now())
		if err != nil {
			return nil, err
		}
		if len(req.wire) > maxUDP {
			network = "tcp"
		}
		got, err := t.roundTrip(ctx, network, req)
		switch {
		case err != nil:
			return nil, &NoReplyError{Server: server, Op: req.op, Name: req.name, Err: err}
		case got.Truncated && network == "udp":
			network = "tcp"
		default:
			return got.Msg, req.refusal(got)
		}
	}
}

// buffers are for messages as they come in; what is done with a message works on a copy.
var buffers = sync.Pool{New: func() any { return new([2 + dns.MaxMsgSize]byte) }}

// roundTrip returns the first acceptable reply. Whatever else arrives is counted and listened past.
func (t *transport) roundTrip(ctx context.Context, network string, req *request) (*reply, error) {
	conn, err := t.dial(ctx, network, req.server)
	if err != nil {
		return nil, because(ctx, err)
	}
	defer conn.Close()
	defer onEnd(ctx, t.clock, func() { conn.Close() })() // frees who reads or writes
	buf := buffers.Get().(*[2 + dns.MaxMsgSize]byte)
	defer buffers.Put(buf)
	in := &receiver{conn: conn, network: network, buf: buf[:]}

	for wait := firstTry; ; wait *= 2 {
		if network == "udp" || wait == firstTry {
			if err := t.send(conn, network, req); err != nil {
				return nil, because(ctx, err)
			}
			if wait > firstTry {
				t.counters.retransmits.Add(1)
			}
		}
		// Once something answers, only not in a way that can be trusted, repeating the request would
		// bring more of the same: the wait of this try is completed, and that was it.
		got, err := t.listen(ctx, in, req, wait)
		if got != nil || err != nil {
			return got, err
		}
	}
}

// listen waits for the reply. It returns nothing when nothing came in time, and an error when nothing
// acceptable did: the last thing heard is the best guess at what is wrong.
func (t *transport) listen(ctx context.Context, in *receiver, req *request, wait time.Duration) (*reply, error) {
	elapsed, release := in.until(t.clock, wait)
	defer release()
	var doubt error
	for {
		wire, err := in.next()
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return nil, because(ctx, doubt)
		case elapsed():
			return nil, doubt
		}
		got, why := t.judge(req, wire, err)
		switch {
		case got != nil && (why == nil || got.Truncated && in.network == "udp"):
			return got, nil // over TCP the reply will have to be authentic
		case got != nil && got.Rcode != dns.RcodeSuccess:
			doubt = fmt.Errorf("%w: %w", why, req.refusal(got))
		case why != nil && (err == nil || doubt == nil): // that the connection has ended says less than what came by it
			doubt = why
		}
		if in.over(err) {
			return nil, because(ctx, doubt) // nothing more can come
		}
	}
}

// judge counts and sorts one incoming message or read error.
func (t *transport) judge(req *request, wire []byte, err error) (got *reply, why error) {
	if err != nil {
		return nil, err
	}
	got, why = req.accept(wire, t.clock.Now())
	switch {
	case got == nil:
		t.counters.ignored.Add(1)
	case why != nil:
		t.counters.unauthentic.Add(1)
		why = fmt.Errorf("%w: %w", ErrUntrusted, why)
	}
	return got, why
}

func (t *transport) send(conn net.Conn, network string, req *request) error {
	wire := req.wire
	if network == "tcp" { // RFC 1035 section 4.2.2: "prefixed with a two byte length field"
		wire = append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)
		t.counters.overTCP.Add(1)
	}
	size := uint64(len(req.wire))
	if req.op == "update" {
		t.counters.updates.Add(1)
		t.counters.updateBytes.Add(size)
		if len(req.msg.Ns) == 0 {
			t.counters.probes.Add(1)
		}
	} else {
		t.counters.queries.Add(1)
		t.counters.queryBytes.Add(size)
	}
	_, err := conn.Write(wire)
	return err
}

// because puts the reason why ctx ended before what that did to the connection.
func because(ctx context.Context, err error) error {
	reason := context.Cause(ctx)
	switch {
	case reason == nil:
		return err
	case err == nil || errors.Is(err, net.ErrClosed) || errors.Is(err, reason):
		return reason
	}
	return fmt.Errorf("%w; %w", reason, err)
}
