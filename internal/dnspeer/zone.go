//go:build unix

package dnspeer

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Reader reads from the server at an address (host:port), over TCP: no datagram is lost there, and no answer is
// too long.
type Reader struct{ Address string }

// Transfer returns the records of a zone by zone transfer, each as a master file line with single spaces,
// sorted, without the SOA record, and the zone's serial.
func (r Reader) Transfer(zone string) (records []string, serial uint32, err error) {
	m := new(dns.Msg)
	m.SetAxfr(dns.Fqdn(zone))
	t := dns.Transfer{DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience}
	in, err := t.In(m, r.Address)
	if err != nil {
		return nil, 0, fmt.Errorf("dnspeer: %s: transfer of %s: %w", r.Address, zone, err)
	}
	for envelope := range in {
		if envelope.Error != nil {
			err = fmt.Errorf("dnspeer: %s: transfer of %s: %w", r.Address, zone, envelope.Error)
			continue // the channel has to be read to its end
		}
		for _, rr := range envelope.RR {
			if soa, ok := rr.(*dns.SOA); ok {
				serial = soa.Serial
				continue
			}
			records = append(records, line(rr))
		}
	}
	slices.Sort(records)
	return records, serial, err
}

// Query returns the records of one type at a name as Transfer does, and none when there is no such name or
// type. Aliases are not followed.
func (r Reader) Query(name, rtype string) ([]string, error) {
	qtype, ok := dns.StringToType[rtype]
	if !ok {
		return nil, fmt.Errorf("dnspeer: there is no type %q", rtype)
	}
	m, err := r.ask(name, qtype)
	if err != nil {
		return nil, err
	}
	var records []string
	for _, rr := range m.Answer {
		if rr.Header().Rrtype == qtype && sameName(rr.Header().Name, dns.Fqdn(name)) {
			records = append(records, line(rr))
		}
	}
	slices.Sort(records)
	return records, nil
}

// Serial returns the serial of a zone.
func (r Reader) Serial(zone string) (uint32, error) {
	m, err := r.ask(zone, dns.TypeSOA)
	if err != nil {
		return 0, err
	}
	for _, rr := range m.Answer {
		if soa, ok := rr.(*dns.SOA); ok {
			return soa.Serial, nil
		}
	}
	return 0, fmt.Errorf("dnspeer: %s serves no zone %s", r.Address, zone)
}

func (r Reader) ask(name string, qtype uint16) (*dns.Msg, error) {
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(name), qtype)
	m.RecursionDesired = false
	c := dns.Client{Net: "tcp", Timeout: patience}
	reply, _, err := c.Exchange(m, r.Address)
	if err != nil {
		return nil, fmt.Errorf("dnspeer: %s: %s %s: %w", r.Address, name, dns.Type(qtype), err)
	}
	if reply.Rcode != dns.RcodeSuccess && reply.Rcode != dns.RcodeNameError {
		return nil, fmt.Errorf("dnspeer: %s: %s %s: %s", r.Address, name, dns.Type(qtype), dns.RcodeToString[reply.Rcode])
	}
	return reply, nil
}

// serves returns when the server is authoritative for a zone. It has loaded its own zones before it said that
// it is up, but those of which it is a secondary it still has to fetch.
func (s *Server) serves(z Zone) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		m, err := s.ask(z.Name, dns.TypeSOA)
		switch {
		case err == nil && m.Authoritative && len(m.Answer) > 0:
			return nil
		case z.Primary == "" || time.Now().After(end):
			return fmt.Errorf("dnspeer: %s does not serve %s: %w", s.Kind, z.Name, cmp.Or(err, errEmpty))
		}
	}
}

var errEmpty = errors.New("its answer has no SOA record")

func line(rr dns.RR) string { return strings.Join(strings.Fields(rr.String()), " ") }

// sameName compares names, which can be written in several ways.
func sameName(a, b string) bool {
	var wire [2][256]byte
	n, err := dns.PackDomainName(dns.CanonicalName(a), wire[0][:], 0, nil, false)
	m, err2 := dns.PackDomainName(dns.CanonicalName(b), wire[1][:], 0, nil, false)
	return err == nil && err2 == nil && bytes.Equal(wire[0][:n], wire[1][:m])
}
