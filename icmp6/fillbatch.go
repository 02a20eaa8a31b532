package icmp6

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"syscall"

	"golang.org/x/net/ipv6"
)

// A batch holds copies of messages to send: a caller's slices are only for reading.
// Its size is the bound on what is passed on at once.
type batch struct {
	n      int // messages in use
	used   int // bytes of buf in use
	ms     [32]ipv6.Message
	pieces [32][1][]byte // their Buffers
	buf    [maxPayload]byte
}

var batches = sync.Pool{New: func() any { return new(batch) }}

// release keeps nothing of the caller's.
func (b *batch) release() {
	clear(b.ms[:b.n])
	b.n, b.used = 0, 0
	batches.Put(b)
}

// WriteBatch sends copies, in order. A message that can't be sent ends the batch:
// those before it are sent, and the error is returned with their number.
func (f *fillConn) WriteBatch(ms []ipv6.Message, flags int) (int, error) {
	o := Offset(f.offset.Load())
	if o < 0 || len(ms) == 0 {
		return f.Conn.WriteBatch(ms, flags)
	}
	source := once(f.source)
	sent := 0
	for sent < len(ms) {
		n, err := f.writeSome(ms[sent:], flags, o, source)
		sent += n
		if n == 0 || err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// once asks only once about destinations that come in a row.
func once(source func(netip.Addr) (netip.Addr, error)) func(netip.Addr) (netip.Addr, error) {
	var lastDst, lastSrc netip.Addr
	return func(dst netip.Addr) (netip.Addr, error) {
		if dst == lastDst {
			return lastSrc, nil
		}
		src, err := source(dst)
		if err == nil {
			lastDst, lastSrc = dst, src
		}
		return src, err
	}
}

// writeSome sends the first messages, as many as one batch takes, and returns how
// many it sent, with an error if it is known that the next can't be sent.
func (f *fillConn) writeSome(ms []ipv6.Message, flags int, o Offset, source func(netip.Addr) (netip.Addr, error)) (int, error) {
	b := batches.Get().(*batch)
	defer b.release()
	var next error
	for i := range ms[:min(len(ms), len(b.ms))] {
		full, err := f.add(b, &ms[i], o, source)
		if next = err; full || err != nil {
			break
		}
	}
	if b.n == 0 {
		return 0, next
	}
	n, err := f.Conn.WriteBatch(b.ms[:b.n], flags)
	n = max(n, 0) // golang.org/x/net may return -1 with an error
	for i := range n {
		ms[i].N, ms[i].NN = b.ms[i].N, len(ms[i].OOB)
	}
	if err == nil && n == b.n {
		err = next
	}
	return n, err
}

// add puts a copy of m, with its checksum, into the batch, or reports that the batch
// is full.
func (f *fillConn) add(b *batch, m *ipv6.Message, o Offset, source func(netip.Addr) (netip.Addr, error)) (full bool, err error) {
	length := 0
	for _, p := range m.Buffers {
		length += len(p)
	}
	switch {
	case length > maxPayload:
		return false, f.opError(m.Addr, fmt.Errorf("%w: %d bytes", ErrJumbo, length))
	case length > maxPayload-b.used:
		return true, nil
	}
	packet := b.buf[b.used : b.used : b.used+length]
	for _, p := range m.Buffers {
		packet = append(packet, p...)
	}
	cm, err := parseControl(m.OOB)
	if err != nil {
		return false, f.opError(m.Addr, err)
	}
	h := header{cm: cm}
	if err := f.address(&h, m.Addr, source); err != nil {
		return false, f.opError(m.Addr, err)
	}
	if err := o.Fill(h.src, h.dst, f.proto, packet); err != nil {
		return false, f.opError(m.Addr, err)
	}
	oob := m.OOB
	if h.pinned {
		oob = h.cm.Marshal()
	}
	b.pieces[b.n][0] = packet
	b.ms[b.n] = ipv6.Message{Buffers: b.pieces[b.n][:], OOB: oob, Addr: m.Addr}
	b.n++
	b.used += length
	return false, nil
}

// parseControl reads what ipv6.ControlMessage.Marshal has written, and refuses what
// holds anything else.
func parseControl(oob []byte) (cm ipv6.ControlMessage, err error) {
	if len(oob) == 0 {
		return cm, nil
	}
	if err := cm.Parse(oob); err != nil {
		return cm, fmt.Errorf("icmp6: %d bytes of control messages: %w: %w", len(oob), syscall.EINVAL, err)
	}
	// RFC 3542 section 6.2: the address of the packet information is the source of
	// what is sent, and the destination of what is received, as Parse has it.
	cm.Src, cm.Dst = cm.Dst, nil
	if n := len(cm.Marshal()); n != len(oob) {
		return cm, fmt.Errorf("icmp6: %d bytes of control messages, of which %d are understood: %w", len(oob), n, errors.ErrUnsupported)
	}
	return cm, nil
}
