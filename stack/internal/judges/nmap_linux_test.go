package judges_test

import (
	"net"
	"regexp"
	"testing"
)

// nmap tells open ports from closed ones, by SYN and by datagram, on chosen and on skipped addresses.
// It also finds the host by itself, by ARP, neighbour discovery and echo.
func TestNmap(t *testing.T) {
	onBoth(t, "nmap", func(t *testing.T, h *host) {
		h.listen(t, "22", "80")
		for _, addr := range []string{stack4, skipped4, stack6, skipped6} { // each answers by itself
			h.echoUDP(t, net.JoinHostPort(addr, "7"))
		}
		for _, scan := range []struct{ args, ports string }{
			{"-sS -p 1-100", "22/open/tcp//ssh///, 80/open/tcp//http///\tIgnored State: closed (98)"},
			{"-sU -p 7-9", "7/open/udp//echo///, 8/closed/udp/////, 9/closed/udp//discard///"},
			// RFC 9293 section 3.10.7.1: a segment without RST that meets no connection is answered by
			// one. Section 3.10.7.2: a listener drops FIN alone, and answers ACK with RST.
			{"-sF -p 79-80", "79/closed/tcp//finger///, 80/open|filtered/tcp//http///"},
			{"-sA -p 79-80", "79/unfiltered/tcp//finger///, 80/unfiltered/tcp//http///"},
		} {
			for _, targets := range []string{stack4 + " " + skipped4, "-6 " + stack6 + " " + skipped6} {
				command := "nmap -n -T4 -oG - " + scan.args + " " + targets
				out := run(t, command)
				if got := ports.FindAllString(out, -1); len(got) != 2 || got[0] != "Ports: "+scan.ports || got[1] != got[0] {
					t.Errorf("%s:\n%s\nwant twice\n%s", command, out, scan.ports)
				}
			}
		}
	})
}

// ports is what nmap's -oG says about one host.
var ports = regexp.MustCompile(`Ports: .*`)

// echoUDP answers datagrams.
func (h *host) echoUDP(t *testing.T, address string) {
	t.Helper()
	pc, err := h.ListenPacket(t.Context(), "udp", address)
	if err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the stack
		for b := make([]byte, 2000); ; {
			n, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			pc.WriteTo(append(b[:n:n], '.'), from) // one more, or two of these would echo for ever
		}
	}()
}
