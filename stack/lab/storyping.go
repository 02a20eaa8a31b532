package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/icmp6/checksum"
)

const (
	storyEchoID   = 0x5354
	maxStoryPing  = 65000
	maxStoryPings = 1000
)

func (tl *tale) playPing(l *storyLine) (string, error) {
	p, i, err := tl.find(l, l.args[0])
	if err != nil {
		return "", err
	}
	count, size := l.number("count", 1), l.number("size", 32)
	if size > maxStoryPing || count > maxStoryPings {
		return "", l.wrong(storyWord{}, "at most %d bytes and %d requests are expected", maxStoryPing, maxStoryPings)
	}
	to := netip.MustParseAddr(l.args[1])
	if to.IsLinkLocalUnicast() && to.Zone() == "" {
		to = to.WithZone(i.Name())
	}
	network, local := "ip6:ipv6-icmp", "::"
	if to.Is4() {
		network, local = "ip4:icmp", "0.0.0.0"
	}
	if from := l.options["from"]; from != "" {
		local = from
	}
	pc, err := p.ListenPacket(tl.ctx, network, local)
	if err != nil {
		return outcome(err), nil
	}
	defer pc.Close()
	var all []string
	for range count {
		all = append(all, tl.ping(p, pc, to, size, l.duration("within", time.Second)))
	}
	return strings.Join(all, "\n"), nil
}

// ping sends one echo request and says what became of it.
func (tl *tale) ping(p *player, pc net.PacketConn, to netip.Addr, size int, within time.Duration) string {
	tl.pings++
	request, kind := echoMessage(to, tl.pings, size), uint8(128)
	if to.Is4() {
		kind = 8
	}
	sent := tl.l.Now()
	if _, err := pc.WriteTo(request, &net.IPAddr{IP: to.AsSlice(), Zone: to.Zone()}); err != nil {
		return outcome(err)
	}
	pc.SetReadDeadline(sent.Add(within))
	buf := make([]byte, 65535)
	for {
		n, who, err := pc.ReadFrom(buf)
		if err != nil {
			return fmt.Sprintf("%s > %v: no reply within %v", tl.sourceOf(p, to, kind), to, within)
		}
		if answer := echoAnswer(to, buf[:n], tl.pings); answer != "" {
			ip, _ := netip.AddrFromSlice(who.(*net.IPAddr).IP)
			return fmt.Sprintf("%s > %v: %s from %v in %v", tl.sourceOf(p, to, kind), to, answer, ip.Unmap(), tl.l.Now().Sub(sent))
		}
	}
}

// echoMessage is an echo request (RFC 792, RFC 4443 section 4.1); ICMPv6's checksum is the stack's.
func echoMessage(to netip.Addr, seq, size int) []byte {
	b := make([]byte, 8+size)
	b[0] = 128
	binary.BigEndian.PutUint16(b[4:], storyEchoID)
	binary.BigEndian.PutUint16(b[6:], uint16(seq))
	for i := range b[8:] {
		b[8+i] = byte('a' + i%26)
	}
	if to.Is4() {
		b[0] = 8
		binary.BigEndian.PutUint16(b[2:], ^checksum.Sum(b, 0))
	}
	return b
}

// icmpErrors are the ICMPv6 types of RFC 4443 section 3 and the ICMP types of RFC 792.
var icmpErrors = map[bool]map[uint8]string{
	false: {1: "unreachable", 2: "packet too big", 3: "time exceeded", 4: "parameter problem"},
	true:  {3: "unreachable", 11: "time exceeded", 12: "parameter problem"},
}

// echoAnswer says what a message is: the reply to the request of this number, or an error about it. "" is
// neither.
func echoAnswer(to netip.Addr, b []byte, seq int) string {
	reply, inner := uint8(129), 8+40
	if to.Is4() {
		reply, inner = 0, 8+20
	}
	mine := func(b []byte) bool {
		return len(b) >= 8 && binary.BigEndian.Uint16(b[4:]) == storyEchoID && binary.BigEndian.Uint16(b[6:]) == uint16(seq)
	}
	switch name := icmpErrors[to.Is4()]; {
	case len(b) < 8:
		return ""
	case b[0] == reply && mine(b):
		return "reply"
	case name[b[0]] != "" && len(b) > inner && mine(b[inner:]):
		return fmt.Sprintf("%s, code %d,", name[b[0]], b[1])
	}
	return ""
}

// sourceOf is the source of the latest ICMP message of a type that a host sent to an address.
func (tl *tale) sourceOf(p *player, to netip.Addr, kind uint8) string {
	pkt, ok := tl.l.LastPacket(func(q Packet) bool { return isFrom(q, p.name, to, kind) })
	if !ok {
		return "(nothing left)"
	}
	h := parse(pkt.Data)
	return h.src.String()
}

func isFrom(q Packet, host string, to netip.Addr, kind uint8) bool {
	h := parse(q.Data)
	return strings.HasPrefix(q.From, host+"/") && h.icmp && h.kind == kind && h.dst == to.WithZone("")
}

func (tl *tale) playSendRaw(l *storyLine) (string, error) {
	p, i, err := tl.find(l, l.args[0])
	if err != nil {
		return "", err
	}
	to, size := netip.MustParseAddr(l.args[1]), l.number("size", 17)
	switch {
	case !to.Is6():
		return "", l.wrong(l.word(l.args[1]), "an IPv6 address is expected")
	case size < 8 || size > maxStoryPing:
		return "", l.wrong(storyWord{}, "size= is expected between 8 and %d", maxStoryPing)
	case (to.IsLinkLocalUnicast() || to.IsMulticast()) && to.Zone() == "":
		to = to.WithZone(i.Name())
	}
	var from netip.Addr
	if a := l.addrs("from"); a != nil {
		from = a[0]
	}
	c, err := p.ListenRaw(icmp6.Protocol, from)
	if err != nil {
		return outcome(err), nil
	}
	defer c.Close()
	tl.pings++
	msg := echoMessage(to, tl.pings, size-8)
	kind := uint8(l.number("type", 128))
	msg[0], msg[1] = kind, uint8(l.number("code", 0))
	written := l.hex("checksum")
	binary.BigEndian.PutUint16(msg[2:], written)
	ctx, cancel := tl.l.WithTimeout(tl.ctx, 5*time.Second)
	defer cancel()
	mark := tl.l.sentSoFar()
	if _, err := c.WriteTo(msg, nil, &net.IPAddr{IP: to.AsSlice(), Zone: to.Zone()}); err != nil {
		return outcome(err), nil
	}
	pkt, err := tl.l.WaitPacket(ctx, After(Packet{Number: mark}).And(func(q Packet) bool { return isFrom(q, p.name, to, kind) }))
	if err != nil {
		return outcome(errors.New("nothing left")), nil
	}
	return whatLeft(pkt, written), nil
}

func (l *storyLine) hex(option string) uint16 {
	var n uint16
	fmt.Sscanf(l.options[option], "%x", &n) // checked by its kind
	return n
}

// sentSoFar is the number of the latest packet.
func (l *Lab) sentSoFar() int {
	if pkts := l.Packets(); len(pkts) > 0 {
		return pkts[len(pkts)-1].Number
	}
	return 0
}

// whatLeft describes an ICMPv6 message on the wire, and whether its checksum is right.
func whatLeft(pkt Packet, written uint16) string {
	h := parse(pkt.Data)
	verdict := "wrong"
	switch {
	case h.piece:
		verdict = "of fragments"
	case icmp6.Valid(h.src, h.dst, h.upper):
		verdict = "valid"
	}
	return fmt.Sprintf("%v > %v type %d code %d, %d bytes, checksum written %04x, on the wire %04x, %s",
		h.src, h.dst, h.kind, h.code, len(h.upper), written, binary.BigEndian.Uint16(h.upper[2:]), verdict)
}
