package stack

import (
	"github.com/hextet/hextet/stack/internal/engine"
)

// SetReceiveErrors says whether the socket is told of every ICMP error about a packet that it can have
// sent, as IPV6_RECVERR and IP_RECVERR have it elsewhere: each is the error of one of the next
// calls that read or write, which then did neither, with a *ICMPError inside. Such a packet has the
// socket's protocol and, as far as the socket is bound or connected, its addresses; several sockets
// may be told. At most 16 wait; further ones are dropped and counted (Stats).
//
// An error comes before every packet that came after it, and may come before earlier ones.
//
// On a new socket it is off. Then only a connected socket is told, and only of what is not expected to
// pass: port unreachable, administratively prohibited, parameter problem and the like; Packet
// Too Big if it must not fragment (SetDontFragment).
func (c *rawSocket) SetReceiveErrors(on bool) error {
	return c.set(func(o *rawOptions) error {
		o.receiveErrors = on
		return nil
	})
}

// ReceiveErrors reports what SetReceiveErrors set.
func (c *rawSocket) ReceiveErrors() bool { return c.opt.Load().receiveErrors }

// knows reports whether there is a socket that can have sent the packet that m is about.
func (d *rawDemux) knows(m engine.ErrorMessage) bool {
	for _, c := range (*d.table.Load())[rawKey{m.IPv4, m.Protocol}] {
		if c.opt.Load().sent(m) {
			return true
		}
	}
	return false
}

// tell tells sockets of an error. lower says that it lowered what is known of a path.
func (d *rawDemux) tell(m engine.ErrorMessage, lower bool) {
	for _, c := range (*d.table.Load())[rawKey{m.IPv4, m.Protocol}] {
		if o := c.opt.Load(); o.sent(m) {
			c.tell(o, m, lower)
		}
	}
}

// sent reports whether the packet that m is about can be the socket's.
func (o *rawOptions) sent(m engine.ErrorMessage) bool {
	switch {
	case o.boundIf != 0 && o.boundIf != m.Interface,
		o.local.IsValid() && o.local != m.Src,
		o.remote.IsValid() && o.remote != m.Dst,
		o.remoteIf != 0 && o.remoteIf != m.Interface:
		return false
	}
	return true
}

// tell queues an error for the next call and, behind it, what it says of the path.
func (c *rawSocket) tell(o *rawOptions, m engine.ErrorMessage, lower bool) {
	hard := engine.IsHardError(m.IPv4, m.Type, m.Code) || isTooBig(m) && o.dontFragment
	if o.receiveErrors || hard && o.remote.IsValid() {
		if c.errs.push(newICMPError(m)) {
			c.queue.wakeAll()
		} else {
			c.stats.errors.Add(1)
		}
	}
	if lower && o.receivePathMTU {
		d := rawDatagrams.Get().(*rawDatagram)
		*d = rawDatagram{payload: d.payload[:0], dst: m.Dst, iface: m.Interface, pathMTU: nextHopMTU(m)}
		if !c.queue.push(d) {
			c.stats.queue.Add(1)
			d.release()
		}
	}
}
