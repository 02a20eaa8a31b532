package udp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/hextet/hextet/bench/internal/measure"
)

const (
	// batch is the number of datagrams in a turn: many windows.
	batch = 2048

	// window is the most that are under way: less than any queue between the sockets
	// holds, so that nothing needs to be lost.
	window = 512

	// step is after how many datagrams the reader tells the writer of room.
	step = 64

	// patience is how long a turn may take before what is missing counts as lost.
	patience = 5 * time.Second
)

// A flow is a socket that writes and one that reads what it wrote.
type flow struct {
	name    string
	from    net.Conn
	to      net.PacketConn
	read    func(b []byte) (int, error) // of to
	payload []byte                      // begins with the number of the datagram in its batch

	lost int
	err  error // the first one
}

// newFlow returns a flow of datagrams of size bytes of payload, read by ReadFrom.
func newFlow(name string, p *pair, size int) *flow {
	return &flow{name: name, from: p.from, to: p.to, payload: make([]byte, size), read: func(b []byte) (int, error) {
		n, _, err := p.to.ReadFrom(b)
		return n, err
	}}
}

func (f *flow) contender() measure.Contender {
	return measure.Contender{Name: f.name, Ops: batch, Run: func(n int) {
		for range n {
			f.turn()
		}
	}}
}

// turn sends a batch and returns when it was read, or when something was lost.
func (f *flow) turn() {
	if err := f.to.SetReadDeadline(time.Now().Add(patience)); err != nil {
		f.err = err
		return
	}
	r := &reader{flow: f, room: make(chan struct{}, 1), done: make(chan struct{})}
	go r.run()
	err := f.write(r)
	if err != nil {
		f.to.SetReadDeadline(time.Unix(1, 0)) // no more to come
	}
	<-r.done
	f.lost += batch - r.n
	for _, err := range []error{err, r.err} {
		if err != nil && f.err == nil {
			f.err = fmt.Errorf("udp: %s: %w", f.name, err)
		}
	}
}

// write keeps a window of datagrams under way. It ends early when the reader does.
func (f *flow) write(r *reader) error {
	for i := range batch {
		for int64(i)-r.told.Load() >= window {
			select {
			case <-r.room:
			case <-r.done:
				return nil
			}
		}
		binary.BigEndian.PutUint64(f.payload, uint64(i))
		if _, err := f.from.Write(f.payload); err != nil {
			return err
		}
	}
	return nil
}

// A reader reads a batch.
type reader struct {
	*flow
	told atomic.Int64  // how many need no more room, as far as the writer was told
	room chan struct{} // holds a token when told has changed
	done chan struct{} // closed at the end
	n    int           // how many were read, once done
	err  error         // what should not happen; a loss is none
}

// run reads until the last datagram of the batch, or until the deadline.
func (r *reader) run() {
	defer close(r.done)
	b := make([]byte, len(r.payload)+1)
	for next := 0; next < batch; {
		size, err := r.read(b)
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
			return
		}
		if err != nil {
			r.err = err
			return
		}
		i := binary.BigEndian.Uint64(b)
		if size != len(r.payload) || i < uint64(next) || i >= batch {
			r.err = fmt.Errorf("datagram %d, of %d bytes, instead of %d", i, size, next)
			return
		}
		next = int(i) + 1
		if r.n++; r.n%step == 0 {
			r.told.Store(int64(next))
			select {
			case r.room <- struct{}{}:
			default:
			}
		}
	}
}
