package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/hextet/hextet/dnsreg"
)

// writeStatus writes a status for people. names are those of interfaces.
func writeStatus(w io.Writer, s dnsreg.Status, names map[int]string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "name %s\n", s.Name)
	width, nameWidth := 0, 0
	for _, v := range s.Addresses {
		width = max(width, len(v.Address.Prefix.Addr().String()))
		nameWidth = max(nameWidth, len(names[v.Address.Interface]))
	}
	for _, v := range s.Addresses {
		fmt.Fprintf(&b, "  %-*s  %-*s  %v", width, v.Address.Prefix.Addr(), nameWidth, names[v.Address.Interface], v.Reason)
		if len(v.Names) > 1 || len(v.Names) == 1 && v.Names[0] != s.Name {
			fmt.Fprintf(&b, " as %s", strings.Join(v.Names, ", "))
		}
		b.WriteByte('\n')
	}
	for _, z := range s.Zones {
		switch {
		case z.Err != nil && z.Zone == "":
			fmt.Fprintf(&b, "no zone: %v: %s\n", dnsreg.ClassOf(z.Err), oneLine(z.Err))
		case z.Err != nil:
			fmt.Fprintf(&b, "zone %s at %s: %v: %s\n", z.Zone, z.Server, dnsreg.ClassOf(z.Err), oneLine(z.Err))
		default:
			fmt.Fprintf(&b, "zone %s at %s: ok\n", z.Zone, z.Server)
		}
	}
	for _, x := range s.Skipped {
		fmt.Fprintf(&b, "skipped %s: %s\n", x.Name, oneLine(x.Err))
	}
	if s.Err != nil {
		fmt.Fprintf(&b, "error: %s\n", oneLine(s.Err))
	}
	c := s.Counters
	fmt.Fprintf(&b, "sent %d queries, %d updates of %d bytes\n", c.Queries, c.Updates, c.UpdateBytes)
	_, err := fmt.Fprint(w, &b)
	return err
}
