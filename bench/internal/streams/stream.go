package streams

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"
)

const (
	turnBytes = 1 << 20   // of a turn
	callBytes = 256 << 10 // of a Read or a Write

	// patience is how long a round may take; connections that stall end the case.
	patience = time.Minute
)

// A stream is a connection that carries bytes one way. A goroutine of its own reads.
type stream struct {
	from, to net.Conn
	buf      []byte     // to write
	want     chan int64 // bytes to read
	got      chan error
	err      error // the first
}

func newStream(from, to net.Conn) *stream {
	s := &stream{from: from, to: to, buf: make([]byte, callBytes), want: make(chan int64), got: make(chan error)}
	go s.read()
	return s
}

// read reads as many bytes as it is told, again and again.
func (s *stream) read() {
	buf := make([]byte, callBytes)
	for left := range s.want {
		var err error
		for left > 0 && err == nil {
			var n int
			n, err = s.to.Read(buf)
			left -= int64(n)
		}
		if left < 0 {
			err = fmt.Errorf("streams: %d bytes too many", -left)
		}
		s.got <- err
	}
	close(s.got)
}

// run carries n MiB over, and returns when the last byte was read.
func (s *stream) run(n int) {
	if s.err != nil {
		return
	}
	if s.err = s.patient(); s.err != nil {
		return
	}
	s.want <- int64(n) * turnBytes
	var err error
	for left := n * turnBytes; left > 0 && err == nil; left -= callBytes {
		_, err = s.from.Write(s.buf)
	}
	s.err = errors.Join(err, <-s.got)
}

// warm carries one MiB over: who was idle for as long as the other contenders' turns
// begins with a congestion window of ten segments (RFC 5681 section 4.1).
func (s *stream) warm(int) { s.run(1) }

// patient makes calls fail after some time.
func (s *stream) patient() error {
	end := time.Now().Add(patience)
	return errors.Join(s.from.SetDeadline(end), s.to.SetDeadline(end))
}

// check carries random bytes over and compares them.
func (s *stream) check() error {
	if err := s.patient(); err != nil {
		return err
	}
	data := random(2*turnBytes + 4321)
	sent := make(chan error, 1)
	go func() {
		_, err := s.from.Write(data)
		sent <- err
	}()
	got := make([]byte, len(data))
	if _, err := io.ReadFull(s.to, got); err != nil {
		return errors.Join(err, s.from.Close(), <-sent)
	}
	if !bytes.Equal(got, data) {
		return errors.New("streams: other bytes arrive than were sent")
	}
	return <-sent
}

// close ends the reading goroutine; the connection is its pair's.
func (s *stream) close() {
	close(s.want)
	<-s.got
}

// random returns n bytes that are the same each time.
func random(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(b)
	return b
}
