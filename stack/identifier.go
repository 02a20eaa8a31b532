package stack

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
)

// An interfaceID is the second half of an address (RFC 4291 section 2.5.1).
type interfaceID uint64

// under returns the address of an identifier under a prefix of 64 bits.
func (id interfaceID) under(p netip.Prefix) netip.Prefix {
	b := p.Addr().As16()
	binary.BigEndian.PutUint64(b[8:], uint64(id))
	return netip.PrefixFrom(netip.AddrFrom16(b), 64)
}

// identifierBits is their length on every kind of link that we know (RFC 4291 section 2.5.1).
const identifierBits = 64

// eui64 forms the modified EUI-64 identifier of an Ethernet station (RFC 4291 appendix A).
func eui64(hw net.HardwareAddr) interfaceID {
	return interfaceID(binary.BigEndian.Uint64([]byte{hw[0] ^ 0x02, hw[1], hw[2], 0xff, 0xfe, hw[3], hw[4], hw[5]}))
}

// opaque forms a stable, semantically opaque identifier. RFC 7217 section 5:
//
//	RID = F(Prefix, Net_Iface, Network_ID, DAD_Counter, secret_key)
//
// F is HMAC-SHA-256 here, of which the least significant 64 bits are taken; Net_Iface is the interface's
// name, and there is no Network_ID. An identifier that is reserved counts DAD_Counter up.
func opaque(secret []byte, prefix netip.Prefix, iface string, counter uint8) interfaceID {
	for ; ; counter++ {
		h := hmac.New(sha256.New, secret)
		b := prefix.Masked().Addr().As16()
		h.Write(append(b[:8], counter))
		h.Write([]byte(iface))
		sum := h.Sum(nil)
		if id := interfaceID(binary.BigEndian.Uint64(sum[len(sum)-8:])); !id.reserved() {
			return id
		}
	}
}

// newSecret makes a secret_key that nobody can guess; RFC 7217 section 5 asks for 128 bits at least.
func newSecret(r io.Reader) []byte {
	b := make([]byte, 16)
	io.ReadFull(r, b) // crypto/rand's does not fail
	return b
}

// random forms an identifier for a temporary address (RFC 8981 section 3.3.1).
func random(r io.Reader) interfaceID {
	for {
		var b [8]byte
		io.ReadFull(r, b[:])
		if id := interfaceID(binary.BigEndian.Uint64(b[:])); !id.reserved() {
			return id
		}
	}
}

// reserved reports whether an identifier is in the registry of RFC 5453.
func (id interfaceID) reserved() bool {
	return id == 0 || // the subnet-router anycast address, RFC 4291 section 2.6.1
		id>>24 == 0x02005efffe || // IANA's Ethernet block: proxy mobile IPv6, and what is yet to come
		id >= 0xfdffffffffffff80 && id <= 0xfdffffffffffffff // subnet anycast addresses, RFC 2526
}
