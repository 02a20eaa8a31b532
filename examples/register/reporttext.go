package main

import (
	"fmt"
	"strings"

	"github.com/hextet/hextet/dnsreg"
)

// statusText is a status for people.
func (r *reporter) statusText(s dnsreg.Status) error {
	var b strings.Builder
	fmt.Fprintf(&b, "name %s\n", s.Name)
	width := 0
	for _, v := range s.Addresses {
		width = max(width, len(v.Address.Prefix.Addr().String()))
	}
	for _, v := range s.Addresses {
		fmt.Fprintf(&b, "  %-*s  %-8s  %v\n", width, v.Address.Prefix.Addr(), r.nameOf(v.Address.Interface), v.Reason)
	}
	for _, z := range s.Zones {
		switch {
		case z.Err != nil && z.Zone == "":
			fmt.Fprintf(&b, "no zone: %s\n", errorText(z.Err))
		case z.Err != nil:
			fmt.Fprintf(&b, "zone %s at %s: %v: %s\n", z.Zone, z.Server, dnsreg.ClassOf(z.Err), errorText(z.Err))
		default:
			fmt.Fprintf(&b, "zone %s at %s: ok\n", z.Zone, z.Server)
		}
	}
	for _, x := range s.Skipped {
		fmt.Fprintf(&b, "skipped %s: %s\n", x.Name, errorText(x.Err))
	}
	if s.Err != nil {
		fmt.Fprintf(&b, "nothing registered: %s\n", errorText(s.Err))
	}
	c := s.Counters
	fmt.Fprintf(&b, "sent %d queries, %d updates of %d bytes\n", c.Queries, c.Updates, c.UpdateBytes)
	_, err := fmt.Fprint(r.out, &b)
	return err
}
