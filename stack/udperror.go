package stack

import "github.com/hextet/hextet/stack/internal/engine"

// SetReceiveErrors says whether the socket is told of every ICMP error about a datagram that it can have
// sent, as IPV6_RECVERR and IP_RECVERR have it elsewhere: each is the error of one of the next
// calls that read or write, which then did neither, with a *ICMPError inside, whose Payload begins with
// the ports.
//
// At most 16 wait; further ones are dropped and counted (Stats). An error comes before every datagram that
// came after it, and may come before earlier ones.
//
// On a new socket it is off. Then only a connected socket is told, and only of what is not expected to
// pass: port unreachable, administratively prohibited, parameter problem and the like; Packet
// Too Big if it must not fragment (SetDontFragment).
func (c *UDPConn) SetReceiveErrors(on bool) error {
	return c.set(func(o *udpOptions) error {
		o.receiveErrors = on
		return nil
	})
}

// tell tells the socket that sent the datagram that m is about, or would get the answer to it.
func (t *udpTable) tell(m engine.ErrorMessage, id tuple) {
	answer := engine.Datagram{Src: id.remote, Dst: id.local, Interface: m.Interface}
	if c := t.find(&answer); c != nil {
		c.tell(m)
	}
}

// tell queues an error for the next call.
//
// RFC 1122 section 4.1.3.3: "UDP MUST pass to the application layer all ICMP error messages that it
// receives from the IP layer." Who is not connected could not tell which of its datagrams is meant,
// unless it asked to be told and looks.
func (c *UDPConn) tell(m engine.ErrorMessage) {
	o := c.opt.Load()
	hard := engine.IsHardError(m.IPv4, m.Type, m.Code) || isTooBig(m) && o.dontFragment
	if !o.receiveErrors && !(hard && c.remote.IsValid()) {
		return
	}
	if !c.errs.push(newICMPError(m)) {
		c.errors.Add(1)
		return
	}
	c.queue.wake()
}
