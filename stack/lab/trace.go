package lab

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A Packet is a frame as a host put it on a segment, before anything happened to it on the way.
type Packet struct {
	Time    time.Time
	Segment string
	From    string // host and interface, as in "web/eth0"
	Data    []byte // the Ethernet frame
}

// trace is what was sent in the lab, in order.
type trace struct {
	mu   sync.Mutex
	pkts []Packet
}

func (t *trace) add(p Packet) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pkts = append(t.pkts, p)
}

// Packets returns what hosts have sent so far, in order. The data is not to be changed.
func (l *Lab) Packets() []Packet {
	l.trace.mu.Lock()
	defer l.trace.mu.Unlock()
	return slices.Clone(l.trace.pkts)
}

// TraceHash is a digest of all that was sent so far: when, where, by whom and every byte.
func (l *Lab) TraceHash() string {
	h := sha256.New()
	for _, p := range l.Packets() {
		var b [16]byte
		binary.BigEndian.PutUint64(b[:], uint64(p.Time.Sub(l.cfg.Start)))
		binary.BigEndian.PutUint64(b[8:], uint64(len(p.Data)))
		h.Write(b[:])
		fmt.Fprintf(h, "%q%q", p.Segment, p.From)
		h.Write(p.Data)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}
