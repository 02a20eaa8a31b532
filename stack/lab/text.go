package lab

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/hextet/hextet/stack"
)

// ParseAddress reads an address as people write it: a prefix, then flags.
//
//	2001:db8::1/64
//	10.0.0.50/24 skip
//	2001:db8::2/64 deprecated temporary
//
// The flags are skip (SkipAsSource), deprecated, temporary and home.
func ParseAddress(s string) (stack.Address, error) {
	words := strings.Fields(s)
	if len(words) == 0 {
		return stack.Address{}, fmt.Errorf("lab: no address in %q", s)
	}
	p, err := netip.ParsePrefix(words[0])
	if err != nil {
		return stack.Address{}, fmt.Errorf("lab: address %q: %q is no address with the length of its prefix", s, words[0])
	}
	a := stack.Address{Prefix: p}
	for _, flag := range words[1:] {
		switch flag {
		case "skip":
			a.SkipAsSource = true
		case "deprecated":
			a.Deprecated = true
		case "temporary":
			a.Temporary = true
		case "home":
			a.HomeAddress = true
		default:
			return stack.Address{}, fmt.Errorf("lab: address %q: the flag %q is none of skip, deprecated, temporary, home", s, flag)
		}
	}
	return a, nil
}

// Addresses is ParseAddress for each of several texts that are right. It panics if one is not.
func Addresses(texts ...string) []stack.Address {
	var all []stack.Address
	for _, s := range texts {
		a, err := ParseAddress(s)
		if err != nil {
			panic(err)
		}
		all = append(all, a)
	}
	return all
}
