package stack

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hextet/hextet/stack/internal/engine"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// rawDemux finds the raw sockets of a packet. Looking takes no lock, since gVisor's are held then.
type rawDemux struct {
	mu    sync.Mutex
	table atomic.Pointer[map[rawKey][]*rawSocket] // replaced under mu, never changed
}

type rawKey struct {
	ipv4  bool
	proto uint8
}

func (d *rawDemux) init() { d.table.Store(new(map[rawKey][]*rawSocket)) }

func (d *rawDemux) add(c *rawSocket) {
	d.edit(c.key, func(cs []*rawSocket) []*rawSocket { return append(cs, c) })
}

func (d *rawDemux) remove(c *rawSocket) {
	d.edit(c.key, func(cs []*rawSocket) []*rawSocket {
		return slices.DeleteFunc(cs, func(other *rawSocket) bool { return other == c })
	})
}

func (d *rawDemux) edit(k rawKey, change func([]*rawSocket) []*rawSocket) {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := maps.Clone(*d.table.Load())
	if next == nil {
		next = make(map[rawKey][]*rawSocket)
	}
	if cs := change(slices.Clone(next[k])); len(cs) > 0 {
		next[k] = cs
	} else {
		delete(next, k)
	}
	d.table.Store(&next)
}

// open is the engine's hook: it reports whether there is an IPv6 socket of a protocol.
func (d *rawDemux) open(proto uint8) bool {
	return len((*d.table.Load())[rawKey{proto: proto}]) > 0
}

// openTCP is the engine's hook: it reports whether there is a socket of TCP, for one of the families.
func (d *rawDemux) openTCP(v4 bool) bool {
	return len((*d.table.Load())[rawKey{v4, uint8(header.TCPProtocolNumber)}]) > 0
}

// deliver is the engine's hook for a packet to this host. It reports whether a socket exists for it,
// one that then drops it too: the protocol is known, and the sender gets no error about that.
func (d *rawDemux) deliver(p engine.RawPacket) bool {
	found := false
	for _, c := range (*d.table.Load())[rawKey{p.Dst.Is4(), p.Protocol}] {
		if c.wants(&p) {
			found = true
			c.receive(&p)
		}
	}
	return found
}
