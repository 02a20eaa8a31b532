package ndp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strings"
)

// The options that are read: RFC 4861 section 4.6, RFC 3971 section 5.3.2, RFC 4191 section 2.3, RFC 8106
// section 5.
const (
	optSourceLinkAddr = 1
	optTargetLinkAddr = 2
	optPrefix         = 3
	optRedirected     = 4
	optMTU            = 5
	optNonce          = 14
	optRoute          = 24
	optServers        = 25
	optSearch         = 31
)

// options takes apart what follows the header. Unknown options are skipped, and known ones whose content
// is not as it should be are ignored; the message as a whole is only refused if they can't be told apart.
func options(b []byte, option func(b []byte)) error {
	return eachOption(b, func(b []byte) error {
		option(b)
		return nil
	})
}

// eachOption calls f for each option until it returns an error.
func eachOption(b []byte, f func(option []byte) error) error {
	for len(b) > 0 {
		if len(b) < 2 || b[1] == 0 {
			return errors.New("an option has no length")
		}
		n := int(b[1]) * 8
		if n > len(b) {
			return errors.New("an option is longer than the message")
		}
		if err := f(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func (ra *Advertisement) option(b []byte) {
	switch b[0] {
	case optSourceLinkAddr:
		if len(b) == 8 {
			ra.LinkAddr = net.HardwareAddr(bytes.Clone(b[2:]))
		}
	case optPrefix:
		ra.prefix(b)
	case optMTU:
		if len(b) == 8 {
			ra.MTU = binary.BigEndian.Uint32(b[4:])
		}
	case optRoute:
		ra.route(b)
	case optServers:
		ra.servers(b)
	case optSearch:
		ra.search(b)
	}
}

func (ra *Advertisement) prefix(b []byte) {
	if len(b) != 32 || b[2] > 128 {
		return
	}
	ra.Prefixes = append(ra.Prefixes, Prefix{
		Prefix:     netip.PrefixFrom(netip.AddrFrom16([16]byte(b[16:])), int(b[2])).Masked(),
		OnLink:     b[3]&0x80 != 0,
		Autonomous: b[3]&0x40 != 0,
		Valid:      seconds(b[4:]),
		Preferred:  seconds(b[8:]),
	})
}

// route reads a Route Information option, which leaves out the bytes of the prefix that its length
// makes unnecessary. RFC 4191 section 2.3: "If the Reserved (10) value is received, the Route
// Information Option MUST be ignored."
func (ra *Advertisement) route(b []byte) {
	if len(b) > 24 || b[2] > 128 || len(b) < 8+(int(b[2])+63)/64*8 {
		return
	}
	p, ok := preference(b[3])
	if !ok {
		return
	}
	var addr [16]byte
	copy(addr[:], b[8:])
	ra.Routes = append(ra.Routes, Route{
		Prefix:     netip.PrefixFrom(netip.AddrFrom16(addr), int(b[2])).Masked(),
		Preference: p,
		Lifetime:   seconds(b[4:]),
	})
}

func (ra *Advertisement) servers(b []byte) {
	if len(b) < 24 || len(b)%16 != 8 {
		return
	}
	lifetime := seconds(b[4:])
	for b = b[8:]; len(b) > 0; b = b[16:] {
		addr := netip.AddrFrom16([16]byte(b))
		if !addr.IsUnspecified() && !addr.IsMulticast() && !addr.IsLoopback() && !addr.Is4In6() {
			ra.Servers = append(ra.Servers, Server{addr, lifetime})
		}
	}
}

func (ra *Advertisement) search(b []byte) {
	if len(b) < 16 {
		return
	}
	lifetime := seconds(b[4:])
	for b = b[8:]; len(b) > 0 && b[0] != 0; { // what follows the names is zero
		name, n := domain(b)
		if n == 0 {
			return
		}
		if name != "" {
			ra.Search = append(ra.Search, Domain{name, lifetime})
		}
		b = b[n:]
	}
}

// domain reads a name as RFC 1035 section 3.1 writes it, uncompressed, and returns how long that is; 0
// if it has no end. A name that no host has is empty.
func domain(b []byte) (name string, n int) {
	var labels []string
	ordinary := true
	for n < len(b) {
		size := int(b[n])
		n++
		if size == 0 {
			name = strings.Join(labels, ".")
			if !ordinary || n > 255 {
				name = ""
			}
			return name, n
		}
		if size > 63 || n+size > len(b) {
			return "", 0
		}
		label := string(b[n : n+size])
		ordinary = ordinary && isHostLabel(label)
		labels = append(labels, label)
		n += size
	}
	return "", 0
}

// isHostLabel accepts letters, digits, hyphens and underscores: a name goes on to people and programs
// that expect no others.
func isHostLabel(s string) bool {
	for _, c := range []byte(s) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}
