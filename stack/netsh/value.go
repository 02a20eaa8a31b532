package netsh

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"encoding/binary"

	"github.com/hextet/hextet/stack"
)

// A family is which of the two contexts a command is in.
type family uint8

const (
	v4 family = 4
	v6 family = 6
)

func (f family) String() string { return fmt.Sprintf("IPv%d", uint8(f)) }

// has reports whether a is of the family.
func (f family) has(a netip.Addr) bool { return a.IsValid() && a.Is4() == (f == v4) }

func (f family) bits() int {
	if f == v4 {
		return 32
	}
	return 128
}

// A kind of value: how usage and errors call it, and how it is read. Its errors may be *Error.
type kind struct {
	usage    string
	want     string
	parse    func(s *Shell, text string) (any, error)
	complete func(s *Shell) []string // nil: nothing can be proposed
}

// interfaceKind is an *stack.Interface, by its name in any case, or by its index.
var interfaceKind = kind{
	usage: "<string>",
	want:  "the name or the index of an interface",
	parse: func(s *Shell, text string) (any, error) { return s.iface(text) },
	complete: func(s *Shell) (names []string) {
		for _, i := range s.stack.Interfaces() {
			names = append(names, i.Name())
		}
		return names
	},
}

// maxListed is how many interfaces or addresses an error names.
const maxListed = 8

func (s *Shell) iface(text string) (*stack.Interface, error) {
	all := s.stack.Interfaces()
	for _, same := range []func(i *stack.Interface) bool{
		func(i *stack.Interface) bool { return i.Name() == text },
		func(i *stack.Interface) bool { return strings.EqualFold(i.Name(), text) },
		func(i *stack.Interface) bool { return strconv.Itoa(i.Index()) == text },
	} {
		for _, i := range all {
			if same(i) {
				return i, nil
			}
		}
	}
	e := problem(syscall.ENODEV, "there is no interface %s", quoted(text))
	if len(all) == 0 {
		return nil, e.wanting("one that is attached: the host has none")
	}
	var names []string
	for _, i := range all {
		names = append(names, quote(i.Name()))
	}
	e.Nearest = nearest(quote(text), names)
	if more := len(names) - maxListed; more > 0 {
		names = append(names[:maxListed:maxListed], fmt.Sprintf("%d others", more))
	}
	return nil, e.wanting("%s", alternatives(names))
}

// addrLen is an address with the length of its prefix, which is -1 if it was not given.
type addrLen struct {
	addr netip.Addr
	bits int
}

// addressKind is an addrLen. withLen says whether a length may follow.
func addressKind(f family, withLen bool) kind {
	k := kind{usage: fmt.Sprintf("<%v address>", f), want: fmt.Sprintf("an %v address", f)}
	if withLen {
		k.usage += "[/<integer>]"
	}
	k.parse = func(_ *Shell, text string) (any, error) {
		addr, length, slash := strings.Cut(text, "/")
		a, err := netip.ParseAddr(addr)
		if err != nil || !f.has(a) {
			return nil, fmt.Errorf("that is no %v address", f)
		}
		if !slash {
			return addrLen{a, -1}, nil
		}
		if !withLen {
			return nil, errors.New("no length of a prefix belongs here")
		}
		n, err := strconv.Atoi(length)
		if err != nil || strconv.Itoa(n) != length || n < 0 || n > f.bits() { // a sign, or zeros in front
			return nil, problem(ErrSyntax, "%s is no length of a prefix", quoted(length)).wanting("0 to %d", f.bits())
		}
		return addrLen{a, n}, nil
	}
	return k
}

// gatewayKind is an addrLen without a length, or the word itself, which is one of the words.
func gatewayKind(f family, words ...string) kind {
	k := addressKind(f, false)
	address := k.parse
	k.usage = strings.Join(append([]string{k.usage}, words...), "|")
	k.want = alternatives(append([]string{k.want}, words...))
	k.parse = func(s *Shell, text string) (any, error) {
		for _, w := range words {
			if strings.EqualFold(w, text) {
				return w, nil
			}
		}
		return address(s, text)
	}
	k.complete = func(*Shell) []string { return words }
	return k
}

// prefixKind is a netip.Prefix without host bits.
func prefixKind(f family) kind {
	return kind{
		usage: fmt.Sprintf("<%v address>/<integer>", f),
		want:  fmt.Sprintf("an %v prefix with its length", f),
		parse: func(_ *Shell, text string) (any, error) {
			p, err := netip.ParsePrefix(text)
			if err != nil || !f.has(p.Addr()) {
				return nil, fmt.Errorf("that is no %v prefix", f)
			}
			if p != p.Masked() {
				return nil, problem(ErrSyntax, "the prefix has host bits").wanting("%v", p.Masked())
			}
			return p, nil
		},
	}
}

// maskKind is the length of a prefix.
var maskKind = kind{
	usage: "<IPv4 mask>",
	want:  "a mask such as 255.255.255.0",
	parse: func(_ *Shell, text string) (any, error) {
		a, err := netip.ParseAddr(text)
		if err != nil || !a.Is4() {
			return nil, errors.New("that is no mask")
		}
		b := a.As4()
		m := binary.BigEndian.Uint32(b[:])
		if n := bits.LeadingZeros32(^m); m == ^uint32(0)<<(32-n) {
			return n, nil
		}
		return nil, errors.New("the ones of the mask are not all in front")
	},
}

// maskOf is the mask of a prefix length.
func maskOf(n int) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], ^uint32(0)<<(32-n))
	return netip.AddrFrom4(b)
}

// integerKind is an int.
func integerKind(least, most int) kind {
	return kind{
		usage: "<integer>",
		want:  fmt.Sprintf("an integer from %d to %d", least, most),
		parse: func(_ *Shell, text string) (any, error) {
			n, err := strconv.Atoi(text)
			switch {
			case err != nil:
				return nil, errors.New("that is no integer")
			case n < least || n > most:
				return nil, errors.New("the integer is out of range")
			}
			return n, nil
		},
	}
}

// infinite is the lifetime that does not end.
const infinite time.Duration = math.MaxInt64

// lifetimeKind is a time.Duration in whole seconds, or infinite.
var lifetimeKind = kind{
	usage: "<integer>|infinite",
	want:  "seconds, days, hours, minutes and seconds as in 1d2h3m4s, or infinite",
	parse: func(_ *Shell, text string) (any, error) { return parseLifetime(text) },
	complete: func(*Shell) []string {
		return []string{"infinite"}
	},
}

// maxLifetime is what the 32 bits of a Prefix Information option leave below infinity (RFC 4861 section
// 4.6.2), in seconds.
const maxLifetime = math.MaxUint32 - 1

func parseLifetime(text string) (time.Duration, error) {
	if len(text) > 1 && prefixOf(text, "infinite") {
		return infinite, nil
	}
	var total uint64
	rest, units := text, "dhms"
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		n, err := strconv.ParseUint(rest[:digits], 10, 40)
		if errors.Is(err, strconv.ErrRange) {
			n = 1 << 40
		} else if err != nil {
			return 0, errors.New("that is no lifetime")
		}
		unit := byte('s')
		if rest = rest[digits:]; rest != "" {
			unit, rest = rest[0]|0x20, rest[1:]
		} else if total > 0 || len(units) < 4 {
			return 0, errors.New("the lifetime has a number without a unit")
		}
		at := strings.IndexByte(units, unit)
		if at < 0 {
			return 0, errors.New("the units of a lifetime are d, h, m and s, each once, in this order")
		}
		units = units[at+1:]
		total += n * map[byte]uint64{'d': 86400, 'h': 3600, 'm': 60, 's': 1}[unit]
	}
	switch {
	case text == "":
		return 0, errors.New("that is no lifetime")
	case total == math.MaxUint32: // RFC 4861 section 4.6.2: all one bits represent infinity
		return infinite, nil
	case total > maxLifetime:
		return 0, problem(ErrSyntax, "the lifetime is too long").wanting("at most %d seconds, or infinite", uint64(maxLifetime))
	}
	return time.Duration(total) * time.Second, nil
}

// formatLifetime writes a lifetime as parseLifetime reads it.
func formatLifetime(d time.Duration) string {
	if d == infinite {
		return "infinite"
	}
	secs := int64(max(d, 0) / time.Second)
	var b strings.Builder
	for _, u := range []struct {
		name string
		secs int64
	}{{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}} {
		if n := secs / u.secs; n > 0 || u.name == "s" && b.Len() == 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			secs %= u.secs
		}
	}
	return b.String()
}
