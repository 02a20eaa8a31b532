package netsh_test

import (
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/netsh"
)

// KB975808 to its end: what ipconfig /registerdns writes into a zone follows the flag, and a line of netsh is
// all it takes.
func TestRegisterDNS(t *testing.T) {
	la, lb := stack.Pipe(1500)
	host := attached(t, la, "192.168.1.4/24")
	other := attached(t, lb, "192.168.1.53/24")
	server, err := dnsregtest.New(dnsregtest.Config{Zones: []string{"example.test"}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	socket, err := other.ListenPacket(t.Context(), "udp", ":53")
	if err != nil {
		t.Fatal(err)
	}
	server.ServePacket(socket)
	registrar, err := dnsreg.New(dnsreg.Config{Name: "web.example.test.", Source: host, Servers: []string{"192.168.1.53:53"}, Dial: host.DialContext, NoPTR: true})
	if err != nil {
		t.Fatal(err)
	}
	sh, err := netsh.New(netsh.Config{Stack: host, Registrar: registrar})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ line, want string }{
		{`Netsh int ipv4 add address "Local Area Connection" 192.168.1.5 255.255.255.0 skipassource=true`, "192.168.1.4"},
		{`Netsh int ipv4 set address "Local Area Connection" 192.168.1.5 skipassource=false`, "192.168.1.4 192.168.1.5"},
		{`Netsh int ipv4 set address "Local Area Connection" 192.168.1.4 skipassource=true`, "192.168.1.5"},
	} {
		for _, line := range []string{tt.line, "ipconfig /registerdns"} {
			if err := sh.Run(t.Context(), line, io.Discard); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for _, r := range server.Zone("example.test") {
			if r.Type == "A" {
				got = append(got, r.Data)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: the zone has %v, want %s", tt.line, got, tt.want)
		}
	}
}

// attached returns a host with an address on one end of a wire.
func attached(t *testing.T, wire stack.Link, address string) *stack.Stack {
	t.Helper()
	s, err := stack.New(stack.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	i, err := s.Attach(stack.InterfaceConfig{Name: "Local Area Connection", Link: wire})
	if err != nil {
		t.Fatal(err)
	}
	if err := i.AddAddress(stack.Address{Prefix: netip.MustParsePrefix(address)}); err != nil {
		t.Fatal(err)
	}
	return s
}
