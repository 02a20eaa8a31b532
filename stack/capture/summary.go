package capture

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// Summary describes the headers of p in one line, for people:
//
//	2001:db8::1 > 2001:db8::2 ICMPv6 EchoRequest id 7 seq 1, 16 bytes
//	192.0.2.1:49152 > 192.0.2.2:80 TCP SYN seq 1 ack 0 win 65535, 0 bytes
//
// What cannot be decoded is named, never a reason to fail.
func Summary(p Packet) (s string) {
	// The decoders of ARP and DNS in gopacket v1.1.19 index past the end of some
	// malformed packets.
	defer func() {
		if recover() != nil {
			s = malformed(p.Data)
		}
	}()
	switch p.LinkType {
	case Raw, 0:
		return summarizeIP(p.Data)
	case Ethernet:
		return summarizeFrame(p.Data)
	}
	return fmt.Sprintf("link type %d, %d bytes", p.LinkType, len(p.Data))
}

func malformed(b []byte) string { return fmt.Sprintf("malformed, %d bytes", len(b)) }

func summarizeFrame(b []byte) string {
	var eth layers.Ethernet
	if eth.DecodeFromBytes(b, gopacket.NilDecodeFeedback) != nil {
		return malformed(b)
	}
	switch eth.EthernetType {
	case layers.EthernetTypeIPv4, layers.EthernetTypeIPv6:
		return summarizeIP(eth.Payload)
	case layers.EthernetTypeARP:
		return summarizeARP(eth.Payload)
	}
	return fmt.Sprintf("%s > %s type %#04x, %d bytes", eth.SrcMAC, eth.DstMAC, uint16(eth.EthernetType), len(eth.Payload))
}

func summarizeARP(b []byte) string {
	var arp layers.ARP
	if arp.DecodeFromBytes(b, gopacket.NilDecodeFeedback) != nil {
		return malformed(b)
	}
	from, to := ipAddr(arp.SourceProtAddress), ipAddr(arp.DstProtAddress)
	if arp.Operation == layers.ARPReply {
		return fmt.Sprintf("ARP %s is at %s", from, net.HardwareAddr(arp.SourceHwAddress))
	}
	return fmt.Sprintf("ARP who has %s? tell %s", to, from)
}

// A datagram is what the IP header says about its payload.
type datagram struct {
	src, dst netip.Addr
	protocol layers.IPProtocol
	payload  []byte
	fragment string // of a fragment other than the first
}

func summarizeIP(b []byte) string {
	var d datagram
	ok := false
	if len(b) > 0 {
		switch b[0] >> 4 {
		case 4:
			d, ok = parseIPv4(b)
		case 6:
			d, ok = parseIPv6(b)
		}
	}
	if !ok {
		return malformed(b)
	}
	if d.fragment != "" {
		return fmt.Sprintf("%s > %s %s, %d bytes", d.src, d.dst, d.fragment, len(d.payload))
	}
	return d.transport()
}

func parseIPv4(b []byte) (datagram, bool) {
	var ip layers.IPv4
	if ip.DecodeFromBytes(b, gopacket.NilDecodeFeedback) != nil {
		return datagram{}, false
	}
	d := datagram{src: ipAddr(ip.SrcIP), dst: ipAddr(ip.DstIP), protocol: ip.Protocol, payload: ip.Payload}
	if ip.FragOffset > 0 {
		d.fragment = fmt.Sprintf("fragment id %d at %d", ip.Id, int(ip.FragOffset)*8)
	}
	return d, true
}

// parseIPv6 walks the extension headers itself: gopacket v1.1.19 rejects an
// empty payload and misjudges the length after a hop-by-hop header.
func parseIPv6(b []byte) (datagram, bool) {
	if len(b) < 40 {
		return datagram{}, false
	}
	d := datagram{src: ipAddr(b[8:24]), dst: ipAddr(b[24:40]), protocol: layers.IPProtocol(b[6])}
	d.payload = b[40:min(len(b), 40+int(binary.BigEndian.Uint16(b[4:])))]
	for d.fragment == "" {
		n := 8
		switch d.protocol {
		case layers.IPProtocolIPv6HopByHop, layers.IPProtocolIPv6Routing, layers.IPProtocolIPv6Destination:
			if len(d.payload) >= 2 {
				n = 8 * (int(d.payload[1]) + 1)
			}
		case layers.IPProtocolIPv6Fragment:
			if len(d.payload) < n {
				return datagram{}, false
			}
			if offset := binary.BigEndian.Uint16(d.payload[2:]) &^ 7; offset > 0 {
				d.fragment = fmt.Sprintf("fragment id %d at %d", binary.BigEndian.Uint32(d.payload[4:]), offset)
			}
		default:
			return d, true
		}
		if len(d.payload) < n {
			return datagram{}, false
		}
		d.protocol, d.payload = layers.IPProtocol(d.payload[0]), d.payload[n:]
	}
	return d, true
}

func (d datagram) transport() string {
	switch d.protocol {
	case layers.IPProtocolTCP:
		return d.tcp()
	case layers.IPProtocolUDP:
		return d.udp()
	case layers.IPProtocolICMPv6:
		return d.icmp6()
	case layers.IPProtocolICMPv4:
		return d.icmp4()
	}
	return fmt.Sprintf("%s > %s protocol %d, %d bytes", d.src, d.dst, uint8(d.protocol), len(d.payload))
}

func (d datagram) malformed(what string) string {
	return fmt.Sprintf("%s > %s %s malformed, %d bytes", d.src, d.dst, what, len(d.payload))
}

func (d datagram) tcp() string {
	var t layers.TCP
	if t.DecodeFromBytes(d.payload, gopacket.NilDecodeFeedback) != nil {
		return d.malformed("TCP")
	}
	var flags []string
	for _, f := range []struct {
		set  bool
		name string
	}{{t.SYN, "SYN"}, {t.FIN, "FIN"}, {t.RST, "RST"}, {t.PSH, "PSH"}, {t.ACK, "ACK"}, {t.URG, "URG"}} {
		if f.set {
			flags = append(flags, f.name)
		}
	}
	return fmt.Sprintf("%s TCP %s seq %d ack %d win %d, %d bytes", d.ports(uint16(t.SrcPort), uint16(t.DstPort)),
		strings.Join(flags, ","), t.Seq, t.Ack, t.Window, len(t.Payload))
}

func (d datagram) udp() string {
	var u layers.UDP
	if u.DecodeFromBytes(d.payload, gopacket.NilDecodeFeedback) != nil {
		return d.malformed("UDP")
	}
	s := fmt.Sprintf("%s UDP, %d bytes", d.ports(uint16(u.SrcPort), uint16(u.DstPort)), len(u.Payload))
	if u.SrcPort == 53 || u.DstPort == 53 {
		s += ": " + summarizeDNS(u.Payload)
	}
	return s
}

func (d datagram) ports(src, dst uint16) string {
	return fmt.Sprintf("%s > %s", netip.AddrPortFrom(d.src, src), netip.AddrPortFrom(d.dst, dst))
}

func (d datagram) icmp6() string {
	var i layers.ICMPv6
	if i.DecodeFromBytes(d.payload, gopacket.NilDecodeFeedback) != nil {
		return d.malformed("ICMPv6")
	}
	s := fmt.Sprintf("%s > %s ICMPv6 %s", d.src, d.dst, i.TypeCode)
	body := i.Payload
	switch i.TypeCode.Type() {
	case layers.ICMPv6TypeEchoRequest, layers.ICMPv6TypeEchoReply:
		if len(body) >= 4 {
			s += fmt.Sprintf(" id %d seq %d", binary.BigEndian.Uint16(body), binary.BigEndian.Uint16(body[2:]))
		}
	case layers.ICMPv6TypeNeighborSolicitation, layers.ICMPv6TypeNeighborAdvertisement:
		if len(body) >= 20 {
			s += " " + ipAddr(body[4:20]).String()
		}
	}
	return fmt.Sprintf("%s, %d bytes", s, len(d.payload))
}

func (d datagram) icmp4() string {
	var i layers.ICMPv4
	if i.DecodeFromBytes(d.payload, gopacket.NilDecodeFeedback) != nil {
		return d.malformed("ICMP")
	}
	s := fmt.Sprintf("%s > %s ICMP %s", d.src, d.dst, i.TypeCode)
	if t := i.TypeCode.Type(); t == layers.ICMPv4TypeEchoRequest || t == layers.ICMPv4TypeEchoReply {
		s += fmt.Sprintf(" id %d seq %d", i.Id, i.Seq)
	}
	return fmt.Sprintf("%s, %d bytes", s, len(d.payload))
}

// summarizeDNS needs the header and the question only, which are decoded before
// a record that gopacket does not understand, as updates have them.
func summarizeDNS(b []byte) (s string) {
	var dns layers.DNS
	defer func() {
		if recover() != nil {
			s = "DNS malformed"
		}
	}()
	err := dns.DecodeFromBytes(b, gopacket.NilDecodeFeedback)
	if err != nil && len(dns.Questions) == 0 {
		return "DNS malformed"
	}
	s = fmt.Sprintf("DNS %s id %d", dns.OpCode, dns.ID)
	for _, q := range dns.Questions {
		s += fmt.Sprintf(" %q %s", q.Name, q.Type)
	}
	if dns.QR {
		s += fmt.Sprintf(" response %s, answers %d", dns.ResponseCode, dns.ANCount)
	}
	return s
}

// ipAddr returns the zero Addr, which prints as "invalid IP", when b is neither
// 4 nor 16 bytes.
func ipAddr(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a
}
