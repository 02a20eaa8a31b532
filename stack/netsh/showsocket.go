package netsh

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/hextet/hextet/stack"
)

func showTCPNode() *node {
	port := integerKind(0, 65535)
	return &node{name: "tcpconnections", help: "Shows the TCP connections and listeners of IPv4.", params: []param{
		{name: "localaddress", kind: addressKind(v4, false), help: "The address of this end.", def: "any"},
		{name: "localport", kind: port, help: "The port of this end.", def: "any"},
		{name: "remoteaddress", kind: addressKind(v4, false), help: "The address of the other end.", def: "any"},
		{name: "remoteport", kind: port, help: "The port of the other end.", def: "any"},
		rrParam,
	}, run: showTCP}
}

func showUDPNode() *node {
	return &node{name: "udpconnections", help: "Shows the UDP sockets of IPv4.", params: []param{
		{name: "localaddress", kind: addressKind(v4, false), help: "The address of this end.", def: "any"},
		{name: "localport", kind: integerKind(0, 65535), help: "The port of this end.", def: "any"},
		rrParam,
	}, run: showUDP}
}

// sockets are those of a network that IPv4 packets reach and the parameters describe, with the ends as IPv4
// has them.
func (c *call) sockets(network string) (found []stack.Socket) {
	for _, k := range c.sh.stack.Sockets() {
		k.Local, k.Remote = unmapped(k.Local), unmapped(k.Remote)
		if k.Network == network && k.Local.Addr().Is4() && c.matches("local", k.Local) && c.matches("remote", k.Remote) {
			found = append(found, k)
		}
	}
	return found
}

func unmapped(ap netip.AddrPort) netip.AddrPort {
	if !ap.IsValid() {
		return netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// matches reports whether one end of a socket is what parameters want.
func (c *call) matches(end string, ap netip.AddrPort) bool {
	if a, ok := get[addrLen](c, end+"address"); ok && a.addr != ap.Addr() {
		return false
	}
	port, ok := get[int](c, end+"port")
	return !ok || port == int(ap.Port())
}

// tcpStates are the names that Windows has for those of RFC 9293 section 3.3.2.
var tcpStates = map[string]string{
	"LISTEN": "Listen", "SYN-SENT": "Syn Sent", "SYN-RECEIVED": "Syn Received", "ESTABLISHED": "Established", "FIN-WAIT-1": "Fin Wait1",
	"FIN-WAIT-2": "Fin Wait2", "CLOSE-WAIT": "Close Wait", "CLOSING": "Closing", "LAST-ACK": "Last Ack", "TIME-WAIT": "Time Wait", "CLOSED": "Closed",
}

func showTCP(c *call) error {
	fmt.Fprintf(c.out, "\nMIB-II TCP Connection Entry\nLocal Address   Local Port      Remote Address  Remote Port     State\n%s\n", strings.Repeat("-", 77))
	for _, k := range c.sockets("tcp") {
		fmt.Fprintf(c.out, "%15s%9d%22s%11d       %s\n", k.Local.Addr(), k.Local.Port(), k.Remote.Addr(), k.Remote.Port(), tcpStates[k.State])
	}
	fmt.Fprintln(c.out)
	return nil
}

func showUDP(c *call) error {
	fmt.Fprintf(c.out, "\nMIB-II UDP Listener Entry\nLocal Address   Local Port\n%s\n", strings.Repeat("-", 26))
	for _, k := range c.sockets("udp") {
		fmt.Fprintf(c.out, "%15s%9d\n", k.Local.Addr(), k.Local.Port())
	}
	fmt.Fprintln(c.out)
	return nil
}
