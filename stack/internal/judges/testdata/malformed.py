"""Sends packets that are not as they should be, and judges what comes back.

usage: malformed.py DEVICE [TARGET-MAC]

First hand-made ones, each with the answer that its RFC asks for, then COUNT random ones from a fixed
SEED. An echo request behind each shows that the target has dealt with it and lives. Prints a line for
each wrong answer, a summary, and exits with 1 if there was one.

Linux 6.18 as the target gives the same answers, but replies to an echo from 192.0.2.255.
"""
import errno
import random
import socket
import struct
import sys
import time

from scapy.all import (ARP, ICMP, IP, TCP, UDP, Ether, ICMPv6DestUnreach, ICMPv6EchoReply,
                       ICMPv6EchoRequest, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, ICMPv6ND_NA,
                       ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6ND_Redirect, ICMPv6ParamProblem,
                       ICMPv6TimeExceeded, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                       IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, HBHOptUnknown, PadN, Raw, checksum,
                       in6_chksum, raw)

SEED, COUNT, ALIVE_EVERY = 20250911, 4096, 64
ME4, ME6, YOU4, YOU6 = "192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::2"
MY_MAC = "02:00:00:00:00:01"
ID = 0xbeef  # of the echo requests that ask whether the target lives
NOTHING = ""


def ip6(**kw):
    return IPv6(src=ME6, dst=YOU6, **kw)


def ip4(**kw):
    return IP(src=ME4, dst=YOU4, **kw)


def ping6(**kw):
    return ICMPv6EchoRequest(id=1, seq=1, data=b"malformed", **kw)


def ping4(**kw):
    return ICMP(type=8, id=1, seq=1, **kw) / b"malformed"


def broken(p, at, value):
    """The bytes of p with one of them replaced: no layer mends the rest."""
    b = bytearray(raw(p))
    b[at] = value
    return bytes(b)


def option(kind):
    return HBHOptUnknown(otype=kind, optlen=4, optdata=b"abcd")


def fragments(*parts):
    """Fragments of an echo request: (offset in 8 bytes, more, payload)."""
    return [ip6() / IPv6ExtHdrFragment(nh=58, id=0x77770000 + random.getrandbits(16), offset=o, m=m) / Raw(d)
            for o, m, d in parts]


def same_id(packets):
    for p in packets:
        p[IPv6ExtHdrFragment].id = packets[0][IPv6ExtHdrFragment].id
    return packets


def echo_bytes(n):
    """A correct echo request of n bytes."""
    return raw(ip6() / ICMPv6EchoRequest(id=1, seq=1, data=bytes(n - 8)))[40:]


def cases():
    """(what, packets, the answer): an answer is what answer_of makes of one, or NOTHING."""
    # RFC 4443 section 2.3, RFC 8200 section 8.1: checksums.
    yield "ICMPv6 checksum wrong", [ip6() / ping6(cksum=0x1234)], NOTHING
    yield "ICMPv6 checksum 0", [ip6() / ping6(cksum=0)], NOTHING
    yield "UDP checksum 0 over IPv6", [ip6() / UDP(sport=9, dport=9, chksum=0) / b"x"], NOTHING
    yield "UDP checksum wrong", [ip6() / UDP(sport=9, dport=9, chksum=0x1234) / b"x"], NOTHING
    yield "TCP checksum wrong", [ip6() / TCP(sport=9, dport=9, chksum=0x1234)], NOTHING
    yield "UDP to nobody", [ip6() / UDP(sport=9, dport=9) / b"x"], "unreachable 4"
    yield "TCP to nobody", [ip6() / TCP(sport=9, dport=9, flags="S")], "reset"

    # Lengths.
    yield "payload length beyond the packet", [ip6(plen=2000) / ping6()], NOTHING
    yield "payload length 0 and no jumbo option", [ip6(plen=0) / ping6()], NOTHING
    yield "ICMPv6 of 3 bytes", [ip6(nh=58) / b"\x80\0\0"], NOTHING
    yield "UDP length beyond the packet", [ip6() / UDP(sport=9, dport=9, len=1000) / b"x"], NOTHING
    yield "UDP length 4", [ip6() / UDP(sport=9, dport=9, len=4) / b"x"], NOTHING
    yield "TCP data offset 4", [ip6() / TCP(sport=9, dport=9, dataofs=4)], NOTHING
    yield "TCP data offset 15", [ip6() / TCP(sport=9, dport=9, dataofs=15)], NOTHING
    yield "TCP of 12 bytes", [ip6(nh=6) / raw(TCP(sport=9, dport=9))[:12]], NOTHING
    yield "an Ethernet trailer", [ip6() / ping6() / Raw(b"")], "echo reply"

    # RFC 8200 section 4: "...the Next Header value in the current header is unrecognized by the node".
    yield "next header 150", [ip6(nh=150) / b"12345678"], "parameter problem 1 at 6"
    yield "next header 150 behind options", [ip6() / IPv6ExtHdrHopByHop(nh=150) / b"12345678"], "parameter problem 1 at 40"
    yield "no next header", [ip6(nh=59) / b"12345678"], NOTHING
    # Section 4.3: hop-by-hop options come first and nowhere else.
    yield "hop-by-hop options second", [ip6() / IPv6ExtHdrDestOpt() / IPv6ExtHdrHopByHop() / ping6()], "parameter problem 1 at 40"
    # Section 4.2: the two highest bits of an option that is not known.
    for name, header in ("hop-by-hop", IPv6ExtHdrHopByHop), ("destination", IPv6ExtHdrDestOpt):
        yield f"{name} option 0x1e", [ip6() / header(options=[option(0x1e)]) / ping6()], "echo reply"
        yield f"{name} option 0x5e", [ip6() / header(options=[option(0x5e)]) / ping6()], NOTHING
        yield f"{name} option 0x9e", [ip6() / header(options=[option(0x9e)]) / ping6()], "parameter problem 2 at 42"
        yield f"{name} option 0xde", [ip6() / header(options=[option(0xde)]) / ping6()], "parameter problem 2 at 42"
        yield f"{name} options beyond the packet", [ip6() / header(len=200) / ping6()], NOTHING
        yield f"{name} padding", [ip6() / header(options=[PadN(optdata=b"\0" * 4)]) / ping6()], "echo reply"
    # Section 4.4: "If Segments Left is non-zero, the node must discard the packet and send an ICMP
    # Parameter Problem, Code 0, message ... pointing to the unrecognized Routing Type."
    for kind in 0, 77:
        yield f"routing header {kind}, a segment left", [ip6() / IPv6ExtHdrRouting(type=kind, segleft=1, addresses=[YOU6]) / ping6()], "parameter problem 0 at 42"
        yield f"routing header {kind}, at its end", [ip6() / IPv6ExtHdrRouting(type=kind, segleft=0, addresses=[YOU6]) / ping6()], "echo reply"

    # Section 4.5: fragments.
    e = echo_bytes(48)
    yield "an atomic fragment", fragments((0, 0, e)), "echo reply"
    yield "two fragments", same_id(fragments((0, 1, e[:24]), (3, 0, e[24:]))), "echo reply"
    yield "two fragments, last first", same_id(fragments((3, 0, e[24:]), (0, 1, e[:24]))), "echo reply"
    yield "overlapping fragments", same_id(fragments((0, 1, e[:24]), (2, 0, e[16:]))), NOTHING
    yield "a fragment of 9 bytes with more to come", fragments((0, 1, e[:9])), "parameter problem 0 at 4"
    yield "a fragment that ends beyond 65535", fragments((8191, 1, e[:24])), "parameter problem 0 at 42"
    yield "a lone last fragment", fragments((100, 0, e[:24])), NOTHING

    # RFC 4291 section 2.7: "Multicast addresses must not be used as source addresses".
    for src in "ff02::1", "::1", "ff0e::1":
        yield f"echo from {src}", [IPv6(src=src, dst=YOU6) / ping6()], NOTHING
    # RFC 8200 section 3: "A node that is the destination of a packet should not discard a packet with a
    # Hop Limit equal to zero".
    yield "hop limit 0", [ip6(hlim=0) / ping6()], "echo reply"
    # RFC 4443 section 2.4 (a) and (e): no answer to unknown errors, and none to what was sent to a group.
    yield "unknown ICMPv6 error", [ip6(nh=58) / icmp6(99)], NOTHING
    yield "unknown ICMPv6 query", [ip6(nh=58) / icmp6(222)], NOTHING
    yield "UDP to all nodes", [IPv6(src=ME6, dst="ff02::1") / UDP(sport=9, dport=9) / b"x"], NOTHING
    yield "TCP to all nodes", [IPv6(src=ME6, dst="ff02::1") / TCP(sport=9, dport=9, flags="S")], NOTHING
    yield "an error about nothing that was sent", [ip6() / ICMPv6DestUnreach(code=4) / raw(IPv6(src=YOU6, dst=ME6) / TCP(sport=1, dport=2))], NOTHING
    yield "an error with an empty quotation", [ip6() / ICMPv6ParamProblem()], NOTHING

    # RFC 4861 section 7.1.1: what a valid solicitation is.
    ns, near = ICMPv6ND_NS(tgt=YOU6), dict(hlim=255)
    lladdr = ICMPv6NDOptSrcLLAddr(lladdr=MY_MAC)
    yield "neighbour solicitation", [ip6(**near) / ns / lladdr], "advertisement"
    yield "neighbour solicitation from afar", [ip6(hlim=254) / ns / lladdr], NOTHING
    yield "neighbour solicitation, code 1", [ip6(**near) / ICMPv6ND_NS(tgt=YOU6, code=1) / lladdr], NOTHING
    yield "neighbour solicitation, option length 0", [ip6(**near) / ns / ICMPv6NDOptSrcLLAddr(lladdr=MY_MAC, len=0)], NOTHING
    yield "neighbour solicitation for a group", [ip6(**near) / ICMPv6ND_NS(tgt="ff02::1") / lladdr], NOTHING
    yield "detection with an option", [IPv6(src="::", dst="ff02::1:ff00:2", hlim=255) / ns / lladdr], NOTHING
    yield "detection by unicast", [IPv6(src="::", dst=YOU6, hlim=255) / ns], NOTHING
    yield "router advertisement from afar", [IPv6(src="fe80::1", dst="ff02::1", hlim=64) / ICMPv6ND_RA()], NOTHING
    yield "redirect from a neighbour", [ip6(**near) / ICMPv6ND_Redirect(tgt=ME6, dst="2001:db8::9")], NOTHING
    yield "advertisement that nobody asked for", [ip6(**near) / ICMPv6ND_NA(tgt="2001:db8::9", R=0, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr=MY_MAC)], NOTHING

    yield from cases4()


def cases4():
    yield "IPv4 header checksum wrong", [ip4(chksum=0x1234) / ping4()], NOTHING
    yield "header length 4", [broken(ip4() / ping4(), 0, 0x44)], NOTHING
    yield "header length 15 of 29 bytes", [broken(ip4() / b"", 0, 0x4f)], NOTHING
    yield "total length beyond the packet", [ip4(len=2000) / ping4()], NOTHING
    yield "total length 19", [ip4(len=19) / ping4()], NOTHING
    yield "ICMP checksum wrong", [ip4() / ping4(chksum=0x1234)], NOTHING
    yield "UDP checksum wrong over IPv4", [ip4() / UDP(sport=9, dport=9, chksum=0x1234) / b"x"], NOTHING
    # RFC 768: "An all zero transmitted checksum value means that the transmitter generated no checksum".
    yield "UDP checksum 0 over IPv4", [ip4() / UDP(sport=9, dport=9, chksum=0) / b"x"], "unreachable 3"
    yield "TCP to nobody over IPv4", [ip4() / TCP(sport=9, dport=9, flags="S")], "reset"
    # RFC 1122 section 3.2.2.1: Protocol Unreachable; section 3.2.1.7: a TTL below 2 is good enough.
    yield "protocol 200", [ip4(proto=200) / b"12345678"], "unreachable 2"
    yield "TTL 0", [ip4(ttl=0) / ping4()], "echo reply"
    # Section 3.2.1.3: no source is a broadcast or a group; section 3.2.2: no error about a fragment
    # other than the first, nor about a packet to a broadcast address.
    for src in "255.255.255.255", "192.0.2.255", "224.0.0.1", "127.0.0.1":
        yield f"echo from {src}", [IP(src=src, dst=YOU4) / ping4()], NOTHING
    yield "UDP to a broadcast address", [IP(src=ME4, dst="192.0.2.255") / UDP(sport=9, dport=9) / b"x"], NOTHING
    yield "a later fragment of protocol 200", [ip4(proto=200, frag=4) / b"12345678"], NOTHING
    # Section 3.2.1.8: an option that can't be read is a Parameter Problem, and one that is not known is
    # ignored. Which octet of the option is at fault is not said: everybody names its first.
    yield "an option of length 0", [options4(b"\x07\x00\x04\x00")], "parameter problem 0 at 20"
    yield "an option of length 1", [options4(b"\x01\x07\x01\x00")], "parameter problem 0 at 21"
    yield "an option beyond the header", [options4(b"\x07\x27\x04\x00")], "parameter problem 0 at 20"
    yield "an option that nobody knows", [options4(b"\x5e\x04ab")], "echo reply"
    b = raw(ip4() / ping4() / bytes(39))[20:]
    yield "IPv4 fragments", [ip4(id=7, proto=1, flags="MF") / b[:24], ip4(id=7, proto=1, frag=3) / b[24:]], "echo reply"
    yield "overlapping IPv4 fragments", [ip4(id=8, proto=1, flags="MF") / b[:24], ip4(id=8, proto=1, frag=2) / b[16:]], NOTHING
    yield "an IPv4 fragment that ends beyond 65535", [ip4(id=9, proto=1, frag=8191) / b[:24]], NOTHING
    yield "a short IPv4 fragment with more to come", [ip4(id=10, proto=1, flags="MF") / b[:9]], NOTHING


def options4(options):
    """An echo request with 4 bytes of options, as they are."""
    h = raw(ip4(ihl=6, proto=1, len=24 + len(raw(ping4())), chksum=0))[:20] + options
    return h[:10] + struct.pack("!H", checksum(h)) + h[12:] + raw(ping4())


def icmp6(kind):
    """An ICMPv6 message of a type that scapy has no layer for, with the right checksum."""
    m = bytes([kind, 0, 0, 0]) + b"12345678"
    return Raw(m[:2] + struct.pack("!H", in6_chksum(58, ip6(nh=58, plen=len(m)), m)) + m[4:])


def answer_of(p):
    """Describes a packet as cases do, or returns None if it is nobody's answer."""
    if IPv6 in p and p[IPv6].src != YOU6 or IP in p and p[IP].src != YOU4:
        return None
    for layer, text in ((ICMPv6ParamProblem, "parameter problem {0.code} at {0.ptr}"),
                        (ICMPv6DestUnreach, "unreachable {0.code}"), (ICMPv6TimeExceeded, "time exceeded {0.code}"),
                        (ICMPv6EchoReply, "echo reply"), (ICMPv6ND_NA, "advertisement")):
        if layer in p:
            return text.format(p[layer])
    if ICMP in p:
        i = p[ICMP]
        return {0: "echo reply", 3: f"unreachable {i.code}", 11: f"time exceeded {i.code}",
                12: f"parameter problem {i.code} at {i.ptr}"}.get(i.type, f"ICMP {i.type}")
    if TCP in p and p[TCP].flags.R:
        return "reset"
    return p.summary() if TCP in p or UDP in p else None  # MLD, solicitations


class Wire:
    def __init__(self, device, mac):
        self.mac, self.seq, self.sent = mac, 0, 0
        self.s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.s.bind((device, 3))

    def send(self, p):
        """Sends an IP packet, which may be bytes."""
        b = raw(p)
        self.send_frame(raw(Ether(src=MY_MAC, dst=self.mac, type=0x86dd if b[0] >> 4 == 6 else 0x800)) + b if self.mac else b)

    def send_frame(self, b):
        try:
            self.s.send(b)
            self.sent += 1
        except OSError as e:
            if e.errno not in (errno.EINVAL, errno.EMSGSIZE):  # no device carries it
                raise

    def answers(self):
        """What came back before the answer to an echo request that is sent now."""
        self.seq = (self.seq + 1) & 0xffff
        self.send(ip6() / ICMPv6EchoRequest(id=ID, seq=self.seq))
        found, limit = [], time.monotonic() + 10
        while True:
            self.s.settimeout(max(limit - time.monotonic(), 0.001))
            try:
                b, addr = self.s.recvfrom(65536)
            except socket.timeout:
                sys.exit(f"the target is dead after {self.sent} packets")
            if addr[2] == 4:  # outgoing
                continue
            p = Ether(b) if self.mac else IPv6(b) if b[0] >> 4 == 6 else IP(b)
            if ICMPv6EchoReply in p and p[ICMPv6EchoReply].id == ID:
                if p[ICMPv6EchoReply].seq == self.seq:
                    return found
                continue
            a = answer_of(p)
            if a:
                found.append(a)


def judge(wire):
    wrong = n = 0
    wire.answers()
    for what, packets, want in cases():
        for p in packets:
            wire.send(p)
        got = ", ".join(a for a in wire.answers() if a != "advertisement" or want == a)
        n += 1
        if got != want:
            wrong += 1
            print(f"{what}: got {got or 'nothing'}, want {want or 'nothing'}")
    print(f"{n} cases, {wrong} wrong")
    return wrong


def mutate(b):
    """Flips, overwrites, cuts and grows."""
    b = bytearray(b)
    for _ in range(random.choice((1, 1, 2, 4, 8))):
        at = random.randrange(len(b))
        kind = random.randrange(8)
        if kind < 3:
            b[at] ^= 1 << random.randrange(8)
        elif kind < 5:
            b[at] = random.choice((0, 1, 0x7f, 0x80, 0xff))
        elif kind < 6:
            b[at:at + 2] = random.randbytes(2)
        elif kind < 7:
            b[at:at] = random.randbytes(random.randrange(1, 40))
        else:
            del b[max(at, 1):]
    return bytes(b[:1500])


def mend(b):
    """The packet with right checksums, so that what else is wrong with it is looked at."""
    try:
        p = IPv6(b) if b[0] >> 4 == 6 else IP(b)
        layer = p
        while layer:
            for field in "chksum", "cksum":
                if field in layer.fields:
                    delattr(layer, field)
            layer = layer.payload
        return raw(p)
    except Exception:  # scapy can't make sense of it
        return b


def storm(wire):
    pool = [raw(p) for _, packets, _ in cases() for p in packets]
    arp = raw(Ether(src=MY_MAC, dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, hwsrc=MY_MAC, psrc=ME4, pdst=YOU4))
    for n in range(COUNT):
        b = mutate(random.choice(pool))
        if n % 2:
            b = mend(b)
        if not wire.mac or n % 8:
            wire.send(b)
        elif n % 16:
            wire.send_frame(mutate(arp))
        else:  # any EtherType, and to anyone
            wire.send_frame(mutate(raw(Ether(src=MY_MAC, dst=wire.mac, type=0x86dd))) + b)
        if n % ALIVE_EVERY == ALIVE_EVERY - 1:
            wire.answers()
    # Some of it looked as if we had moved. We have not.
    if wire.mac:
        wire.send_frame(arp)
        wire.send(ip6(hlim=255) / ICMPv6ND_NS(tgt=YOU6) / ICMPv6NDOptSrcLLAddr(lladdr=MY_MAC))
        wire.answers()


def main():
    random.seed(SEED)
    wire = Wire(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
    wrong = judge(wire)
    storm(wire)
    print(f"{wire.sent} sent")
    sys.exit(1 if wrong else 0)


main()
