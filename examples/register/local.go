package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
)

// What a host knows of itself.

const resolvConf = "/etc/resolv.conf"

// localResolvers are those of resolv.conf(5).
func localResolvers(file string) ([]string, error) {
	text, err := readFile(file)
	if err != nil {
		return nil, fmt.Errorf("neither server nor resolver is given, and this host's are not known: %w", err)
	}
	var all []string
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		if addr, err := netip.ParseAddr(words[1]); err == nil {
			all = append(all, netip.AddrPortFrom(addr, 53).String())
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("neither server nor resolver is given, and %s names no resolver", file)
	}
	return all, nil
}

// localName is the host's fully qualified name.
func localName(ctx context.Context) (string, error) {
	host, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("name is not given, and this host's is not known: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return fullName(ctx, host, net.DefaultResolver.LookupCNAME)
}

// fullName completes a name as the system's resolver does, with its hosts file and its search list.
func fullName(ctx context.Context, host string, lookup func(context.Context, string) (string, error)) (string, error) {
	if strings.Contains(host, ".") {
		return host, nil
	}
	full, err := lookup(ctx, host)
	if err != nil {
		return "", fmt.Errorf("name is not given, and this host is only known as %q: %w", host, err)
	}
	full = strings.TrimSuffix(full, ".")
	if first, rest, _ := strings.Cut(full, "."); rest == "" || !strings.EqualFold(first, host) {
		return "", fmt.Errorf("name is not given, and this host is only known as %q", host)
	}
	return full, nil
}
