package vxlan

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
)

// A Link is an end of a segment, with the methods of stack.Link. Its methods may be
// called from several goroutines at once.
//
// Both directions queue 512 packets, and drop what comes when a queue is full.
type Link struct {
	endpoint *Endpoint
	segment  Segment
	in, out  *queue
	stations stations

	mu    sync.Mutex // of the writers of peers
	peers atomic.Pointer[[]netip.AddrPort]

	counters counters
}

// newLink returns a Link that e does not know yet.
func newLink(e *Endpoint, s Segment) (*Link, error) {
	s, err := s.complete(e.local.Addr())
	if err != nil {
		return nil, err
	}
	l := &Link{endpoint: e, segment: s, in: newQueue(), out: newQueue()}
	l.stations.limit, l.stations.age = s.MaxStations, s.Age
	l.peers.Store(&s.Peers)
	return l, nil
}

// VNI is the number of the segment.
func (l *Link) VNI() uint32 { return l.segment.VNI }

// MTU is the size of the largest IP packet, in bytes.
func (l *Link) MTU() int { return l.segment.MTU }

// HardwareAddr is the stack's own address. The caller may keep and change it.
func (l *Link) HardwareAddr() net.HardwareAddr { return slices.Clone(l.segment.HardwareAddr) }

// ReadPackets waits for a frame, takes what else is there, one frame into each of
// bufs, its length into sizes. A frame larger than its buffer is cut: buffers should
// hold the MTU and 14 bytes more. It fails with net.ErrClosed after Close, and when the
// socket has failed, whose own error is then beside it.
func (l *Link) ReadPackets(bufs [][]byte, sizes []int) (n int, err error) {
	limit := min(len(bufs), len(sizes))
	if limit == 0 {
		return 0, errors.New("vxlan: no buffer to read into")
	}
	open := l.in.take(func(p packet) bool {
		if n == limit {
			return false
		}
		sizes[n] = copy(bufs[n], p.data)
		n++
		return true
	})
	if !open {
		return 0, l.fault("read", l.endpoint.whyClosed())
	}
	return n, nil
}

// WritePackets queues frames to be sent, without waiting, and reports how many it
// took: it stops at the first for which the queue has no room. Those that can't go
// anywhere, larger than the MTU, shorter than a header or with a VLAN tag, it takes and
// drops, and counts. It fails with net.ErrClosed after Close.
func (l *Link) WritePackets(bufs [][]byte) (n int, err error) {
	var room [headerLen]byte
	header := appendHeader(room[:0], l.segment.VNI)
	for i, frame := range bufs {
		switch {
		case len(frame) < ethernetLen:
			l.counters.writeInvalid.Add(1)
			continue
		case len(frame) > l.segment.MTU+ethernetLen:
			l.counters.writeTooLarge.Add(1)
			continue
		case tagged(frame):
			l.counters.writeVLAN.Add(1)
			continue
		}
		var to netip.AddrPort
		if s := destinationOf(frame); !s.group() {
			to, _ = l.stations.find(s, l.endpoint.now())
		}
		if err := l.out.put(header, frame, to); err != nil {
			return i, l.fault("write", err)
		}
	}
	return len(bufs), nil
}

// send sends what is queued until the link is closed.
func (l *Link) send() {
	var p packet
	for l.out.swap(&p) {
		if p.to.IsValid() {
			l.sendTo(p, p.to)
			continue
		}
		peers := *l.peers.Load()
		if len(peers) == 0 {
			l.counters.writeNoPeer.Add(1)
			continue
		}
		l.counters.flooded.Add(1)
		for _, to := range peers {
			l.sendTo(p, to)
		}
	}
}

func (l *Link) sendTo(p packet, to netip.AddrPort) {
	if _, err := l.endpoint.udp.WriteToUDPAddrPort(p.data, to); err != nil {
		l.counters.writeErrors.Add(1)
		return
	}
	l.counters.packetsWritten.Add(1)
	l.counters.bytesWritten.Add(uint64(len(p.data) - headerLen))
}

// receive queues a frame that came from a peer, and learns from it.
func (l *Link) receive(frame []byte, from netip.AddrPort) {
	source := sourceOf(frame)
	peers := l.peers.Load()
	to, known := peerOf(*peers, from)
	drop := &l.counters.readInvalid
	switch {
	case l.segment.PeersOnly && !known:
		drop = &l.counters.foreignPeer
	case source.group() || source == station{}:
	case source == station(l.segment.HardwareAddr):
		drop = &l.counters.ownFrame
	case tagged(frame):
		drop = &l.counters.readVLAN
	case len(frame) > l.segment.MTU+ethernetLen:
		drop = &l.counters.readTooLarge
	default:
		if !l.segment.NoLearning && !l.stations.learn(source, to, l.endpoint.now()) {
			l.counters.notLearned.Add(1)
		}
		if now := l.peers.Load(); known && now != peers && !slices.Contains(*now, to) {
			l.stations.forgetPeer(to) // RemovePeer did so before this one was learned
		}
		if drop = &l.counters.readQueueFull; l.in.put(nil, frame, from) == nil {
			l.counters.packetsRead.Add(1)
			l.counters.bytesRead.Add(uint64(len(frame)))
			return
		}
	}
	drop.Add(1)
}

// peerOf returns the peer that sends from an address, and whether it is one of the
// peers that were named: of those with that address the one with that port, or else
// the first.
func peerOf(peers []netip.AddrPort, from netip.AddrPort) (p netip.AddrPort, known bool) {
	p = netip.AddrPortFrom(from.Addr(), Port)
	for _, peer := range peers {
		switch {
		case peer == from:
			return peer, true
		case peer.Addr() == from.Addr() && !known:
			p, known = peer, true
		}
	}
	return p, known
}

// Close ends ReadPackets, closes the segment and drops what is queued; a frame that the
// socket is taking at this moment may still go out. Its VNI may be opened again.
// Closing twice is no error.
func (l *Link) Close() error {
	l.endpoint.forget(l)
	l.shut()
	return nil
}

func (l *Link) shut() {
	l.in.close()
	l.out.close()
}

// fault names the segment in an error.
func (l *Link) fault(op string, err error) error {
	return fmt.Errorf("vxlan: %s on VNI %d: %w", op, l.segment.VNI, err)
}
