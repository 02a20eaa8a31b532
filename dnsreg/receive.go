package dnsreg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// receiver reads messages from a connection, on the goroutine that wants them: whoever waits, waits for the
// connection and for nothing else, so that a clock that stands still while anybody is busy knows when to go on.
type receiver struct {
	conn     net.Conn
	network  string
	buf      []byte
	have     int // over TCP: how much of a message is in buf, its length included
	failures int
}

// next returns the next message, which is the caller's. After an error of time being up it may be called again,
// also in the midst of a message.
func (r *receiver) next() ([]byte, error) {
	if r.network == "udp" {
		n, err := r.conn.Read(r.buf)
		if err != nil {
			return nil, err
		}
		return bytes.Clone(r.buf[:n]), nil
	}
	for r.have < r.size() {
		n, err := r.conn.Read(r.buf[r.have:r.size()])
		r.have += n
		if err == io.EOF && r.have > 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil && r.have < r.size() {
			return nil, err
		}
	}
	wire := bytes.Clone(r.buf[2:r.have])
	r.have = 0
	return wire, nil
}

// size is that of the message in buf, as far as it is known.
func (r *receiver) size() int {
	if r.have < 2 {
		return 2
	}
	return 2 + int(binary.BigEndian.Uint16(r.buf))
}

// over reports whether an error of next was the last. A datagram socket goes on after one, which may be any
// router's opinion (ECONNREFUSED by ICMP), but not for ever.
func (r *receiver) over(err error) bool {
	if err == nil {
		return false
	}
	r.failures++
	return r.network == "tcp" || errors.Is(err, net.ErrClosed) || r.failures >= 8
}

// until makes next fail once d has passed, which elapsed tells. release takes that back.
func (r *receiver) until(c Clock, d time.Duration) (elapsed func() bool, release func()) {
	var (
		mu             sync.Mutex
		over, released bool
	)
	stop := c.AfterFunc(d, func() {
		mu.Lock()
		defer mu.Unlock()
		if !released {
			over = true
			r.conn.SetReadDeadline(time.Unix(1, 0)) // long ago, by any clock
		}
	})
	elapsed = func() bool {
		mu.Lock()
		defer mu.Unlock()
		return over
	}
	return elapsed, func() {
		stop()
		mu.Lock()
		defer mu.Unlock()
		released = true
		if over {
			r.conn.SetReadDeadline(time.Time{})
		}
	}
}
