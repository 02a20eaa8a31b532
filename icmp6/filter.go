package icmp6

import "golang.org/x/net/ipv6"

// A Filter is the value of the option ICMP6_FILTER: which ICMPv6 types a raw socket
// receives. It is a portable twin of x/net's ipv6.ICMPFilter, whose type is empty
// on some systems; see [FilterOf].
//
// The zero Filter passes all types. Filters are values: they can be copied and
// compared with ==. Types outside 0 to 255 do not exist; they are neither changed
// nor blocked.
//
// RFC 3542 section 3.2: "When an ICMPv6 raw socket is created, it will by default
// pass all ICMPv6 message types to the application."
type Filter struct {
	blocked [8]uint32 // one bit per type
}

// Accept lets messages of the type pass, as ICMP6_FILTER_SETPASS.
func (f *Filter) Accept(typ ipv6.ICMPType) {
	if exists(typ) {
		f.blocked[typ/32] &^= 1 << (typ % 32)
	}
}

// Block keeps messages of the type away, as ICMP6_FILTER_SETBLOCK.
func (f *Filter) Block(typ ipv6.ICMPType) {
	if exists(typ) {
		f.blocked[typ/32] |= 1 << (typ % 32)
	}
}

// AcceptAll lets all types pass, as ICMP6_FILTER_SETPASSALL.
func (f *Filter) AcceptAll() { *f = Filter{} }

// BlockAll keeps all types away, as ICMP6_FILTER_SETBLOCKALL. Accept then makes
// exceptions.
func (f *Filter) BlockAll() {
	for i := range f.blocked {
		f.blocked[i] = 1<<32 - 1
	}
}

// WillBlock reports whether messages of the type are kept away, as
// ICMP6_FILTER_WILLBLOCK.
func (f Filter) WillBlock(typ ipv6.ICMPType) bool {
	return exists(typ) && f.blocked[typ/32]&(1<<(typ%32)) != 0
}

func exists(typ ipv6.ICMPType) bool { return 0 <= typ && typ <= 255 }
