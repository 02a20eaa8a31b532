package dnsreg

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// transport exchanges messages with servers. Every exchange has a fresh id and a fresh socket.
type transport struct {
	clock    Clock
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
	if t.tcp {
		network = "tcp"
	}
	for {
		msg.Id = randomID()
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

func randomID() uint16 {
	var b [2]byte
	rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint16(b[:])
}

// roundTrip returns the first acceptable reply. Whatever else arrives is counted and listened past.
func (t *transport) roundTrip(ctx context.Context, network string, req *request) (*reply, error) {
	conn, err := t.dial(ctx, network, req.server)
	if err != nil {
		return nil, because(ctx, err)
	}
	in, stop := receive(conn, network)
	defer stop()
	defer context.AfterFunc(ctx, func() { conn.Close() })() // frees a blocked write too

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
		got, err := t.listen(ctx, in, network, req, wait)
		if got != nil || err != nil {
			return got, err
		}
	}
}

// listen waits for the reply. It returns nothing when nothing came in time, and an error when nothing
// acceptable did: the last thing heard is the best guess at what is wrong.
func (t *transport) listen(ctx context.Context, in <-chan incoming, network string, req *request, wait time.Duration) (*reply, error) {
	elapsed, release := after(t.clock, wait)
	defer release()
	var doubt error
	for {
		select {
		case m := <-in:
			got, why := t.judge(req, m)
			switch {
			case got != nil && (why == nil || got.Truncated && network == "udp"):
				return got, nil // over TCP the reply will have to be authentic
			case got != nil && got.Rcode != dns.RcodeSuccess:
				doubt = fmt.Errorf("%w: %w", why, req.refusal(got))
			case why != nil:
				doubt = why
			}
			if m.err != nil && network == "tcp" {
				return nil, because(ctx, doubt) // nothing more can come
			}
		case <-elapsed:
			return nil, doubt
		case <-ctx.Done():
			return nil, because(ctx, doubt)
		}
	}
}

// judge counts and sorts one incoming message or read error.
func (t *transport) judge(req *request, m incoming) (got *reply, why error) {
	if m.err != nil {
		return nil, m.err
	}
	got, why = req.accept(m.wire, t.clock.Now())
	switch {
	case got == nil:
		t.counters.ignored.Add(1)
	case why != nil:
		t.counters.unauthentic.Add(1)
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

// incoming is a message or the error that came instead of it.
type incoming struct {
	wire []byte
	err  error
}

// receive reads messages until stop is called, which closes conn and waits for the reader. A datagram
// socket goes on after an error, which may be any router's opinion (ECONNREFUSED by ICMP).
func receive(conn net.Conn, network string) (in <-chan incoming, stop func()) {
	messages, quit, ended := make(chan incoming), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, dns.MaxMsgSize)
		for failures := 0; failures < 8; {
			n, err := readMessage(conn, network, buf)
			select {
			case messages <- incoming{bytes.Clone(buf[:n]), err}:
			case <-quit:
				return
			}
			if err != nil {
				failures++
				if network == "tcp" || errors.Is(err, net.ErrClosed) {
					return
				}
			}
		}
	}()
	return messages, func() {
		close(quit)
		conn.Close()
		<-ended
	}
}

func readMessage(conn net.Conn, network string, buf []byte) (int, error) {
	if network == "udp" {
		return conn.Read(buf)
	}
	if _, err := io.ReadFull(conn, buf[:2]); err != nil {
		return 0, err
	}
	return io.ReadFull(conn, buf[:binary.BigEndian.Uint16(buf)])
}
