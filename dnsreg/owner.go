package dnsreg

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// Owner is a mark that says whose a name is: a record beside its addresses. The zero value is no mark.
// OwnerTXT and OwnerDHCID make the others.
type Owner struct {
	rtype uint16 // 0: none
	id    string // the id of a TXT record, or the octets of a DUID
}

// OwnerTXT returns an Owner that marks a name with the TXT record "heritage=hextet,owner=<id>", the form
// that external-dns made common. The id is 1 to 200 printable ASCII characters without comma, quote and
// backslash, and is the same in each life of the host.
func OwnerTXT(id string) Owner { return Owner{dns.TypeTXT, id} }

// OwnerDHCID returns an Owner that marks a name with the DHCID record (RFC 4701) that a DHCP server makes
// for a client with this DUID, so that each takes the other for the same client, as RFC 4703 has it.
// The DUID is 3 to 130 octets, its type first (RFC 8415 section 11.1). Others can't read it from the record.
func OwnerDHCID(duid []byte) Owner { return Owner{dns.TypeDHCID, string(duid)} }

// String tells the kind of the mark and the id.
func (o Owner) String() string {
	switch o.rtype {
	case dns.TypeTXT:
		return fmt.Sprintf("TXT owner %q", o.id)
	case dns.TypeDHCID:
		return fmt.Sprintf("DHCID owner %x", o.id)
	}
	return "no owner"
}

// Validate reports an id that can't be used. New calls it.
func (o Owner) Validate() error {
	bad := func(r rune) bool { return r < ' ' || r >= 0x7f || strings.ContainsRune(`,"'\`, r) }
	switch {
	case o.rtype == dns.TypeTXT && (len(o.id) < 1 || len(o.id) > 200):
		return fmt.Errorf("dnsreg: %v: the id has %d octets, not 1 to 200", o, len(o.id))
	case o.rtype == dns.TypeTXT && strings.ContainsFunc(o.id, bad):
		return fmt.Errorf("dnsreg: %v: the id has a comma, a quote, a backslash or a character that is not printable ASCII", o)
	case o.rtype == dns.TypeDHCID && (len(o.id) < 3 || len(o.id) > 130):
		return fmt.Errorf("dnsreg: %v: the DUID has %d octets, not 3 to 130 (RFC 8415 section 11.1)", o, len(o.id))
	}
	return nil
}

const heritage = "heritage="

// record returns the mark of a canonical name: the strings of a TXT record joined, a DHCID record's data in
// base64. A type of 0 says that there is none.
func (o Owner) record(name string) (rtype uint16, text string) {
	switch o.rtype {
	case dns.TypeTXT:
		return o.rtype, heritage + "hextet,owner=" + o.id
	case dns.TypeDHCID:
		return o.rtype, dhcid(duidType, []byte(o.id), name)
	}
	return 0, ""
}

// mine reports whether a record at a name is this owner's mark.
func (o Owner) mine(name string, rtype uint16, text string) bool {
	own, want := o.record(name)
	return own != 0 && rtype == own && text == want
}

// foreign reports whether a record at a name is the mark of somebody else. A TXT record that says nothing
// of heritage is nobody's mark. To no owner nothing is foreign.
func (o Owner) foreign(name string, rtype uint16, text string) bool {
	if o.rtype == 0 || o.mine(name, rtype, text) {
		return false
	}
	// Some who write the mark put quotes into it.
	return rtype == dns.TypeDHCID || rtype == dns.TypeTXT && strings.HasPrefix(strings.TrimLeft(text, `"`), heritage)
}

// RFC 4701 sections 3.3 and 3.4.
const (
	duidType     = 0x0002 // the identifier is a DUID
	digestSHA256 = 1
)

// dhcid returns the data of a DHCID record as text.
//
// RFC 4701 sections 3.1 and 3.5: identifier type (two octets), digest type, then the SHA-256 of the
// identifier followed by the name in canonical wire form (RFC 4034 section 6.2).
func dhcid(identifierType uint16, identifier []byte, name string) string {
	fqdn := make([]byte, 255)
	n, err := dns.PackDomainName(dns.CanonicalName(name), fqdn, 0, nil, false)
	if err != nil {
		panic("dnsreg: " + name + ": " + err.Error()) // canonicalName lets no such name through
	}
	digest := sha256.Sum256(append(append([]byte(nil), identifier...), fqdn[:n]...))
	data := append(binary.BigEndian.AppendUint16(nil, identifierType), digestSHA256)
	return base64.StdEncoding.EncodeToString(append(data, digest[:]...))
}
