package stack_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/offload"
)

// body is what bulk transfers carry: random bytes that repeat with a period that no segment size
// divides.
var body = func() []byte {
	b := make([]byte, 1<<20+7)
	rand.NewChaCha8([32]byte{8}).Read(b)
	return b
}()

// copyBody sends n bytes of the body's repetition from one conn to another and compares.
func copyBody(from, to net.Conn, n int) error {
	sent := make(chan error, 1)
	go func() {
		for left := n; left > 0; left -= len(body) {
			if _, err := from.Write(body[:min(left, len(body))]); err != nil {
				sent <- err
				return
			}
		}
		sent <- from.(interface{ CloseWrite() error }).CloseWrite()
	}()
	buf := make([]byte, len(body))
	for left := n; left > 0; left -= len(body) {
		k := min(left, len(body))
		if _, err := io.ReadFull(to, buf[:k]); err != nil {
			return fmt.Errorf("%d bytes before the end: %w", left, err)
		}
		if !bytes.Equal(buf[:k], body[:k]) {
			return fmt.Errorf("other bytes came than were sent, %d before the end", left)
		}
	}
	if k, err := to.Read(buf); k != 0 || err != io.EOF {
		return fmt.Errorf("behind the end: %d bytes, %w", k, err)
	}
	return <-sent
}

// dialled returns both ends of a connection from a to b, good for a while.
func dialled(t *testing.T, a, b *stack.Stack, dst string) (from, to net.Conn) {
	t.Helper()
	ctx := deadline(t)
	l, err := b.Listen(ctx, "tcp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if from, err = a.DialContext(ctx, "tcp", net.JoinHostPort(dst, "7")); err != nil {
		t.Fatal(err)
	}
	if to, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	limit := time.Now().Add(20 * time.Second)
	for _, c := range []net.Conn{from, to} {
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(limit)
	}
	return from, to
}

// A link that is gone for a moment, and with it all that a connection had under way, holds that
// connection up by a retransmission timeout or two, and not by one for every other segment.
func TestRecoveryFromAnOutage(t *testing.T) {
	const moment, timeout = 30 * time.Millisecond, 150 * time.Millisecond // gVisor's timeout is 200 ms at least
	var mu sync.Mutex
	var sent, lost, pauses int
	var outage, last time.Time
	w := &watched{write: func(l stack.OffloadLink, p offload.Packet) (int, error) {
		s, err := p.Segments()
		if err != nil {
			return 0, err
		}
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		if sent += s.Len(); sent > 4000 && outage.IsZero() {
			outage = now
		}
		if !outage.IsZero() && now.Sub(last) > timeout {
			pauses++
		}
		last = now
		if !outage.IsZero() && now.Sub(outage) < moment {
			lost += s.Len()
			return s.Len(), nil
		}
		return l.WriteOffload([]offload.Packet{p})
	}}
	a, b, _, _ := watchedPair(t, w)
	from, to := dialled(t, a, b, "2001:db8::2")
	if err := copyBody(from, to, 16_000_000); err != nil {
		t.Error(err)
	}
	if lost == 0 || pauses > 10 {
		t.Errorf("%d segments were lost, after which the sender paused %d times", lost, pauses)
	}
}
