package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/stack/lab"
)

// before is the host of KB975808 as it was: nothing is flagged.
func (n *network) before() error {
	n.title("BEFORE: %d IPv4 and %d IPv6 addresses, none flagged; the firewall passes %v and %v", many, many, passed4, passed6)
	traffic, err := n.register()
	if err != nil {
		return err
	}
	n.claim(n.registered() == "50 A, 50 AAAA, 100 PTR", "registered", "%s", n.registered())
	n.say("update traffic", "%d messages, %d bytes", traffic.Updates, traffic.UpdateBytes)
	n.all = traffic
	if err := n.clientDials(2 * many); err != nil {
		return err
	}
	n.serverDials("blocked")
	n.say("firewall", "dropped %d packets", n.wall.Counters().Dropped)
	return nil
}

// after is the host with the flag of KB975808 on all addresses but those that the firewall passes.
func (n *network) after() error {
	n.unflagged, _ = n.LastPacket(lab.Match(""))
	for _, a := range addresses() {
		if err := n.server.Interfaces()[0].SetSkipAsSource(a, blocked(a)); err != nil {
			return err
		}
	}
	n.title("AFTER: SkipAsSource on %d of each", many-1)
	dropped := n.wall.Counters().Dropped
	traffic, err := n.register()
	if err != nil {
		return err
	}
	n.claim(n.registered() == "1 A, 1 AAAA, 2 PTR", "registered", "%s", n.registered())
	n.say("update traffic", "%d messages, %d bytes, once, to take back the rest", traffic.Updates, traffic.UpdateBytes)
	if err := n.registrar.Deregister(n.Context()); err != nil {
		return err
	}
	if traffic, err = n.register(); err != nil {
		return err
	}
	n.claim(traffic.UpdateBytes*5 < n.all.UpdateBytes && n.registered() == "1 A, 1 AAAA, 2 PTR",
		"from then on", "%d messages, %d bytes to register from nothing", traffic.Updates, traffic.UpdateBytes)
	if err := n.clientDials(2); err != nil {
		return err
	}
	n.serverDials("connected")
	for _, try := range []struct{ from, to netip.Addr }{{skipped4, dns4}, {skipped6, dns6}} {
		err := n.connect(n.server, netip.AddrPortFrom(try.from, bound), try.to, 53)
		n.claim(err == nil, "server binds a skipped one", "from %v: connected (explicit choice)", try.from)
	}
	dropped = n.wall.Counters().Dropped - dropped
	n.claim(dropped == 0, "firewall", "dropped %d packets", dropped)
	return nil
}

// checksum is the program of KB974927: it leaves the checksum to the stack, or writes nonsense there.
func (n *network) checksum() error {
	n.title("KB974927: an ICMPv6 echo request on a raw socket")
	raw, err := n.server.ListenRaw(icmp6.Protocol, netip.Addr{})
	if err != nil {
		return err
	}
	defer raw.Close()
	raw.SetReadDeadline(n.Now().Add(time.Second))
	var only icmp6.Filter
	only.BlockAll()
	only.Accept(129) // Echo Reply
	raw.SetFilter(only)
	for seq, written := range []uint16{0, 0xdead} {
		request := binary.BigEndian.AppendUint16([]byte{128, 0}, written) // RFC 4443 section 4.1
		request = append(request, 0x69, 0x74, 0, byte(seq))
		if _, err := raw.WriteTo(append(request, "left blan"...), nil, &net.IPAddr{IP: client6.AsSlice()}); err != nil {
			return err
		}
		_, _, _, err := raw.ReadFrom(make([]byte, 1500))
		sent, ok := n.LastPacket(lab.Match("type echo-request and from server and not badsum"))
		sum := uint16(0)
		if ok {
			sum = binary.BigEndian.Uint16(sent.Data[14+40+2:])
		}
		n.claim(err == nil && ok && sum != written, "written", "icmp6_cksum %04x; on the wire %04x, valid, answered", written, sum)
	}
	return nil
}

// onTheWire is what the packets say of it all.
func (n *network) onTheWire() {
	n.title("ON THE WIRE")
	messages, bad := n.Count(lab.Match("icmp6")), n.Count(lab.Match("icmp6 and badsum"))
	n.claim(messages > 0 && bad == 0, "ICMPv6 messages", "%d, %d with a wrong checksum", messages, bad)
	flagged := lab.After(n.unflagged)
	tried := n.which("from client and syn and not ack and dst", flagged.Not())
	answered := n.which("to client and syn and ack and src", flagged.Not())
	n.claim(len(tried) == 2*many && len(answered) == 2, "before the flag", "the client tried %d addresses of the server, %d answered", len(tried), len(answered))
	sources := n.which(fmt.Sprintf("from server and syn and not ack and not src port %d and src", bound), flagged)
	n.claim(len(sources) == 2 && !blocked(sources[0]) && !blocked(sources[1]),
		"after the flag", "the server opened connections from %v, beside its explicit binds", sources)
}
