package dnsreg

import (
	"net/netip"
	"strconv"
)

// reverseName returns the name of an address's PTR record: RFC 1035 section 3.5 for IPv4,
// RFC 3596 section 2.5 for IPv6.
func reverseName(addr netip.Addr) string {
	if addr.Is4() {
		b := addr.As4()
		name := make([]byte, 0, len("255.255.255.255.in-addr.arpa."))
		for i := len(b) - 1; i >= 0; i-- {
			name = append(strconv.AppendUint(name, uint64(b[i]), 10), '.')
		}
		return string(name) + "in-addr.arpa."
	}
	const hex = "0123456789abcdef"
	b := addr.As16()
	name := make([]byte, 0, 4*len(b))
	for i := len(b) - 1; i >= 0; i-- {
		name = append(name, hex[b[i]&0xf], '.', hex[b[i]>>4], '.')
	}
	return string(name) + "ip6.arpa."
}
