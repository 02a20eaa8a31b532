package updates

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/srcselect"
)

// plainly registers n addresses of each family as a simple program does, one record a message: an addition, no
// prerequisite, the address and then its PTR record.
func plainly(ctx context.Context, n int) (traffic, error) {
	return send(func(s *server) error {
		conn, err := new(net.Dialer).DialContext(ctx, "udp", s.address)
		if err != nil {
			return err
		}
		defer conn.Close()
		for _, a := range population(n, false) {
			if err := addBoth(conn, a); err != nil {
				return err
			}
		}
		return nil
	})
}

func addBoth(conn net.Conn, a srcselect.Address) error {
	addr := a.Prefix.Addr()
	name, rtype, zone := hostName+".", uint16(dns.TypeAAAA), hostZones[2]
	if addr.Is4() {
		rtype, zone = dns.TypeA, hostZones[1]
	}
	var rr dns.RR = &dns.AAAA{Hdr: header(name, rtype), AAAA: addr.AsSlice()}
	if addr.Is4() {
		rr = &dns.A{Hdr: header(name, rtype), A: addr.AsSlice()}
	}
	reverse, err := dns.ReverseAddr(addr.String())
	if err != nil {
		return err
	}
	return errors.Join(add(conn, hostZones[0], rr), add(conn, zone, &dns.PTR{Hdr: header(reverse, dns.TypePTR), Ptr: name}))
}

func header(name string, rtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rtype, Class: dns.ClassINET, Ttl: 1200}
}

// add sends one record and waits for the reply.
func add(conn net.Conn, zone string, rr dns.RR) error {
	// A dns.Conn signs its second message as if that followed the first.
	c := &dns.Conn{Conn: conn, TsigSecret: map[string]string{keyName + ".": base64.StdEncoding.EncodeToString(secret)}}
	m := new(dns.Msg)
	m.SetUpdate(zone + ".")
	m.Compress = true
	m.Insert([]dns.RR{rr})
	m.SetTsig(keyName+".", dns.HmacSHA256, 300, time.Now().Unix())
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	if err := c.WriteMsg(m); err != nil {
		return err
	}
	reply, err := c.ReadMsg()
	if err == nil && (reply.Id != m.Id || reply.Rcode != dns.RcodeSuccess) {
		err = fmt.Errorf("updates: %v: %s", rr, dns.RcodeToString[reply.Rcode])
	}
	return err
}
