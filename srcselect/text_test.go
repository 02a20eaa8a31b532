package srcselect

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
)

// parseAddress reads an address as the tests write it: an address or a prefix (/64
// or /24 if the length is absent) and any of the words below, "if2" for the
// interface (if1 if absent), "via=fe80::1" for a router.
func parseAddress(text string) (Address, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Address{}, fmt.Errorf("no address in %q", text)
	}
	a := Address{Interface: 1}
	if strings.Contains(words[0], "/") {
		p, err := netip.ParsePrefix(words[0])
		if err != nil {
			return a, err
		}
		a.Prefix = p
	} else {
		ip, err := netip.ParseAddr(words[0])
		if err != nil {
			return a, err
		}
		a.Prefix = netip.PrefixFrom(ip, 64)
		if ip.Is4() {
			a.Prefix = netip.PrefixFrom(ip, 24)
		}
	}
	for _, word := range words[1:] {
		if err := a.parseWord(word); err != nil {
			return a, fmt.Errorf("%w in %q", err, text)
		}
	}
	return a, nil
}

func (a *Address) parseWord(word string) error {
	switch word {
	case "skip":
		a.SkipAsSource = true
	case "tentative":
		a.Tentative = true
	case "optimistic":
		a.Optimistic = true
	case "deprecated":
		a.Deprecated = true
	case "temporary":
		a.Temporary = true
	case "home":
		a.HomeAddress = true
	case "preferred":
		a.Preferred = true
	case "coa":
		a.CareOf = true
	default:
		if n, ok := strings.CutPrefix(word, "if"); ok {
			i, err := strconv.Atoi(n)
			a.Interface = i
			return err
		}
		if r, ok := strings.CutPrefix(word, "via="); ok {
			ip, err := netip.ParseAddr(r)
			a.Routers = append(a.Routers, ip)
			return err
		}
		return fmt.Errorf("unknown word %q", word)
	}
	return nil
}

func addresses(t testing.TB, texts ...string) []Address {
	t.Helper()
	var as []Address
	for _, text := range texts {
		a, err := parseAddress(text)
		if err != nil {
			t.Fatal(err)
		}
		as = append(as, a)
	}
	return as
}

// selectorWith returns a Selector of cfg that holds the given addresses.
func selectorWith(t testing.TB, cfg Config, texts ...string) *Selector {
	t.Helper()
	s := NewSelector(cfg)
	if err := s.Add(addresses(t, texts...)...); err != nil {
		t.Fatal(err)
	}
	return s
}

// to returns a query for dst out of interface 1.
func to(dst string) Query {
	return Query{Destination: netip.MustParseAddr(dst), Interface: 1}
}

// mustSelect returns the chosen address as text, and the result.
func mustSelect(t testing.TB, s *Selector, q Query) (string, Result) {
	t.Helper()
	r, err := s.Select(q)
	if err != nil {
		t.Fatal(err)
	}
	return r.Address.Prefix.Addr().String(), r
}
