package main

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

// bound is the port from which the server speaks when it binds.
const bound = 4000

// register brings DNS up to date and returns what that took.
func (n *network) register() (dnsreg.Counters, error) {
	before := n.registrar.Status().Counters
	err := n.registrar.Sync(n.Context())
	after := n.registrar.Status().Counters
	return dnsreg.Counters{Updates: after.Updates - before.Updates, UpdateBytes: after.UpdateBytes - before.UpdateBytes}, err
}

// registered counts the server's records in the zones.
func (n *network) registered() string {
	count := make(map[string]int)
	for _, z := range zones {
		for _, r := range n.dns.Server().Zone(z) {
			if strings.Contains(r.Name+" "+r.Data, name) {
				count[r.Type]++
			}
		}
	}
	return fmt.Sprintf("%d A, %d AAAA, %d PTR", count["A"], count["AAAA"], count["PTR"])
}

// clientDials connects the client to each address that DNS has for the server, of which 2 are to answer.
func (n *network) clientDials(want int) error {
	addrs, err := n.client.Resolver().LookupNetIP(n.Context(), "ip", name+".")
	if err != nil {
		return err
	}
	connected := 0
	for _, to := range addrs {
		if n.connect(n.client, netip.AddrPort{}, to.Unmap(), 80) == nil {
			connected++
		}
	}
	n.claim(len(addrs) == want && connected == 2, "client dials every answer", "%d addresses: %d connected, %d failed", len(addrs), connected, len(addrs)-connected)
	return nil
}

// serverDials connects the server to the client, which is to be blocked or connected.
func (n *network) serverDials(outcome string) {
	for _, to := range []netip.Addr{client4, client6} {
		failed := n.connect(n.server, netip.AddrPort{}, to, 9000) != nil
		var why lab.Choice
		syn, _ := n.LastPacket(lab.Match("from server and syn and dst port 9000 and dst " + to.String()))
		if syn.Choice != nil {
			why = *syn.Choice
		}
		n.claim(why.Source.IsValid() && failed == blocked(why.Source) && failed == (outcome == "blocked"),
			"server dials the client", "from %v: %s (decided by %v)", why.Source, outcome, why.Rule)
	}
}

// connect makes a connection and ends it. Half a second is long where computing takes no time.
func (n *network) connect(h *lab.Host, from netip.AddrPort, to netip.Addr, port uint16) error {
	ctx, cancel := n.WithTimeout(n.Context(), time.Second/2)
	defer cancel()
	d := stack.Dialer{Stack: h.Stack, LocalAddr: from}
	c, err := d.DialContext(ctx, "tcp", netip.AddrPortFrom(to, port).String())
	if err != nil {
		return err
	}
	return c.Close()
}

// which returns those of the server's addresses that, behind a filter's text, make it pass a packet.
func (n *network) which(text string, when lab.Filter) (some []netip.Addr) {
	for _, a := range addresses() {
		if n.Count(when.And(lab.Match(text+" "+a.String()))) > 0 {
			some = append(some, a)
		}
	}
	return some
}
