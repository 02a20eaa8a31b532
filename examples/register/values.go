package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hextet/hextet/dnsreg"
)

// The values of settings, each a flag.Value: what Set takes, String gives back.

type text struct{ at *string }

func (v text) Set(s string) error {
	if s == "" || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return errors.New("empty, or not text")
	}
	*v.at = s
	return nil
}

func (v text) String() string {
	if v.at == nil {
		return ""
	}
	return *v.at
}

type number struct{ at *int }

func (v number) String() string {
	if v.at == nil {
		return ""
	}
	return strconv.Itoa(*v.at)
}

func (v number) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil || n == 0 {
		return errors.New("not a whole number above 0")
	}
	*v.at = int(n)
	return nil
}

type yesNo struct{ at *bool }

func (v yesNo) IsBoolFlag() bool { return true }

func (v yesNo) String() string {
	if v.at != nil && *v.at {
		return "yes"
	}
	return "no"
}

func (v yesNo) Set(s string) error {
	switch s {
	case "yes", "true": // the flag package says true for a flag without a value
		*v.at = true
	case "no", "false":
		*v.at = false
	default:
		return errors.New("neither yes nor no")
	}
	return nil
}

// period is a duration above zero, or never, which is -1, where that is possible.
type period struct {
	at    *time.Duration
	never bool
}

func (v period) String() string {
	switch {
	case v.at == nil:
		return ""
	case *v.at < 0:
		return "never"
	}
	s := v.at.String() // 20m0s
	if short, ok := strings.CutSuffix(s, "m0s"); ok {
		s = short + "m"
	}
	if short, ok := strings.CutSuffix(s, "h0m"); ok {
		s = short + "h"
	}
	return s
}

func (v period) Set(s string) error {
	if v.never && s == "never" {
		*v.at = -1
		return nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return errors.New("not a duration such as 90s, 20m or 24h")
	}
	*v.at = d
	return nil
}

// pin is a dnsreg.Pin in words.
type pin struct{ at *dnsreg.Pin }

var pins = []string{dnsreg.PinChanges: "changes", dnsreg.PinAlways: "always", dnsreg.PinNever: "never"}

func (v pin) String() string {
	if v.at == nil {
		return ""
	}
	return pins[*v.at]
}

func (v pin) Set(s string) error {
	i := slices.Index(pins, s)
	if i < 0 {
		return errors.New("none of " + strings.Join(pins, ", "))
	}
	*v.at = dnsreg.Pin(i)
	return nil
}

// duid is the DHCP unique identifier of a client, in hexadecimal.
type duid struct{ at *string }

func (v duid) String() string {
	if v.at == nil {
		return ""
	}
	return *v.at
}

func (v duid) Set(s string) error {
	if b, err := hex.DecodeString(strings.ReplaceAll(s, ":", "")); err != nil || len(b) == 0 {
		return errors.New("not octets in hexadecimal, as in 00:03:00:01:02:00:00:00:00:07")
	}
	*v.at = s
	return nil
}

// owner is the mark of names; a duid has passed Set.
func owner(txt, duid string) (dnsreg.Owner, error) {
	switch {
	case txt != "" && duid != "":
		return dnsreg.Owner{}, errors.New("owner-txt and owner-dhcid exclude each other")
	case txt != "":
		return dnsreg.OwnerTXT(txt), nil
	case duid != "":
		b, err := hex.DecodeString(strings.ReplaceAll(duid, ":", ""))
		return dnsreg.OwnerDHCID(b), err
	}
	return dnsreg.Owner{}, nil
}

// suffix is what the addresses of an interface are registered with, after the host's first label.
type suffix struct{ link, domain string }

func (s suffix) String() string { return s.link + " " + s.domain }

func parseSuffix(s string) (suffix, error) {
	words := strings.Fields(s)
	if len(words) != 2 || (text{new(string)}).Set(s) != nil {
		return suffix{}, errors.New("not an interface and a suffix, as in eth0 lab.example.net")
	}
	return suffix{words[0], words[1]}, nil
}

func parseName(s string) (string, error) {
	err := text{&s}.Set(s) // whether it is a host's, dnsreg tells
	return s, err
}

// list is a setting that may be given several times.
type list[T any] struct {
	all   *[]T
	parse func(string) (T, error)
}

// repeated is what all lists have in common.
type repeated interface{ texts() []string }

func (v list[T]) texts() (all []string) {
	if v.all != nil {
		for _, x := range *v.all {
			all = append(all, fmt.Sprint(x))
		}
	}
	return all
}

func (v list[T]) String() string { return strings.Join(v.texts(), " ") }

func (v list[T]) Set(s string) error {
	x, err := v.parse(s)
	if err == nil {
		*v.all = append(*v.all, x)
	}
	return err
}

// parseServer completes a server with port 53.
func parseServer(s string) (string, error) {
	host, port := s, "53"
	if _, err := netip.ParseAddr(s); err != nil && strings.Contains(s, ":") {
		if host, port, err = net.SplitHostPort(s); err != nil {
			host = ""
		}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || !isHost(host) {
		return "", errors.New("no server, as in 192.0.2.53, [2001:db8::53]:5353 or ns1.example.net")
	}
	return net.JoinHostPort(host, port), nil
}

// isHost takes addresses, and names without checking them much: whoever resolves them will.
func isHost(s string) bool {
	if addr, err := netip.ParseAddr(s); err == nil {
		return !strings.ContainsAny(addr.Zone(), "[]% \t")
	}
	odd := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._", r))
	}
	return s != "" && !strings.ContainsFunc(s, odd)
}

// parsePrefix takes an address for the prefix that holds nothing else.
func parsePrefix(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return p, errors.New("neither an address nor a prefix such as 192.0.2.0/24")
	case p != p.Masked():
		return p, fmt.Errorf("has bits beyond its length: is %v meant?", p.Masked())
	}
	return p, nil
}

// parseOwn takes an address with its on-link prefix length.
func parseOwn(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, errors.New("not an address with its prefix length, as in 192.0.2.7/24")
	}
	return p, nil
}

// parseGlob takes a pattern of interface names.
func parseGlob(s string) (string, error) {
	if _, err := path.Match(s, ""); err != nil || s == "" {
		return "", errors.New("no pattern of names, as in eth* or tun[0-9]")
	}
	return s, nil
}
