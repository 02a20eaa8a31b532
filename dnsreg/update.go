package dnsreg

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// updateMessage builds the UPDATE for one zone. With edits that change nothing it is a probe:
// prerequisites alone, which tell whether the records are what we think they are.
// With a pin it requires the serial too, and of the records only those that the serial does not cover.
//
// RFC 2136 section 2.4: all prerequisites hold, or nothing is done.
func updateMessage(zone string, edits []edit, tied *pin) *dns.Msg {
	m := new(dns.Msg)
	m.Opcode = dns.OpcodeUpdate
	m.Compress = true
	m.Question = []dns.Question{{Name: zone, Qtype: dns.TypeSOA, Qclass: dns.ClassINET}}
	if tied != nil {
		m.Answer = append(m.Answer, tied.prerequisite())
	}
	for len(edits) > 0 {
		n := 1
		for n < len(edits) && edits[n].key.name == edits[0].key.name {
			n++ // edits of one name come together
		}
		if tied == nil || slices.ContainsFunc(edits[:n], func(e edit) bool { return !tied.covers(e) }) {
			m.Answer = append(m.Answer, prerequisites(edits[:n])...)
		}
		for _, e := range edits[:n] {
			for _, d := range e.deletes { // section 2.5.4: "Delete An RR From An RRset"
				m.Ns = append(m.Ns, record(e.key, d, dns.ClassNONE, 0))
			}
			for _, d := range e.adds { // section 2.5.1: "Add To An RRset"
				m.Ns = append(m.Ns, record(e.key, d, dns.ClassINET, e.ttl))
			}
		}
		edits = edits[n:]
	}
	return m
}

// prerequisites pin down what is at one name.
func prerequisites(edits []edit) (out []dns.RR) {
	name, existing, free := edits[0].key.name, 0, true
	for _, e := range edits {
		existing += len(e.before)
		free = free && e.free
	}
	switch {
	case free: // section 2.4.5: "Name Is Not In Use" says the rest too, in one record
		return []dns.RR{bare(name, dns.TypeANY, dns.ClassNONE)}
	case existing == 0:
		// A record added beside a CNAME is silently ignored (section 3.4.2.2). Where there are other
		// records there is no CNAME.
		out = append(out, bare(name, dns.TypeCNAME, dns.ClassNONE))
	}
	for _, e := range edits {
		if len(e.before) == 0 { // section 2.4.3: "RRset Does Not Exist"
			out = append(out, bare(name, e.key.rtype, dns.ClassNONE))
		}
		for _, d := range e.before { // section 2.4.2: "RRset Exists (Value Dependent)", TTL zero
			out = append(out, record(e.key, d, dns.ClassINET, 0))
		}
	}
	return out
}

// bare is a record without data.
func bare(name string, rtype, class uint16) dns.RR {
	return &dns.ANY{Hdr: dns.RR_Header{Name: name, Rrtype: rtype, Class: class}}
}

func record(k setKey, d rdata, class uint16, ttl uint32) dns.RR {
	h := dns.RR_Header{Name: k.name, Rrtype: k.rtype, Class: class, Ttl: ttl}
	switch k.rtype {
	case dns.TypeA:
		return &dns.A{Hdr: h, A: d.addr.AsSlice()}
	case dns.TypeAAAA:
		return &dns.AAAA{Hdr: h, AAAA: d.addr.AsSlice()}
	case dns.TypeTXT:
		return &dns.TXT{Hdr: h, Txt: strings.Split(d.text, "\x00")}
	case dns.TypeDHCID:
		return &dns.DHCID{Hdr: h, Digest: d.text}
	}
	return &dns.PTR{Hdr: h, Ptr: d.text}
}

// describe returns what an update does, in the words of nsupdate.
func describe(m *dns.Msg) (prerequisites, deletes, adds []string) {
	for _, rr := range m.Answer {
		verb := "yxrrset"
		switch h := rr.Header(); {
		case h.Rrtype == dns.TypeANY:
			verb = "nxdomain"
		case h.Class == dns.ClassNONE:
			verb = "nxrrset"
		}
		prerequisites = append(prerequisites, words("prereq", verb, rr))
	}
	for _, rr := range m.Ns {
		if rr.Header().Class == dns.ClassNONE {
			deletes = append(deletes, words("update", "delete", rr))
		} else {
			adds = append(adds, words("update", "add", rr))
		}
	}
	return prerequisites, deletes, adds
}

func words(command, verb string, rr dns.RR) string {
	h := rr.Header()
	w := []string{command, verb, h.Name}
	if h.Ttl != 0 {
		w = append(w, fmt.Sprint(h.Ttl))
	}
	if h.Rrtype != dns.TypeANY {
		w = append(w, dns.Type(h.Rrtype).String())
	}
	switch rr := rr.(type) {
	case *dns.A, *dns.AAAA:
		if addr := addressOf(rr); addr.IsValid() { // else the codec's form of a record without data
			w = append(w, addr.String())
		}
	case *dns.PTR:
		w = append(w, rr.Ptr)
	case *dns.TXT:
		for _, s := range rr.Txt {
			w = append(w, `"`+s+`"`)
		}
	case *dns.DHCID:
		w = append(w, rr.Digest)
	case *dns.SOA:
		w = append(w, rr.Ns, rr.Mbox, fmt.Sprint(rr.Serial, rr.Refresh, rr.Retry, rr.Expire, rr.Minttl))
	}
	return strings.Join(w, " ")
}
