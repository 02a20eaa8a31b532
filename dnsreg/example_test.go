package dnsreg_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/netip"

	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"github.com/hextet/hextet/srcselect"
)

// A host with three addresses, one of which is for outgoing traffic.
func exampleHost() *dnsreg.AddressTable {
	host := new(dnsreg.AddressTable)
	host.Set(
		srcselect.Address{Prefix: netip.MustParsePrefix("192.0.2.10/24"), Interface: 1},
		srcselect.Address{Prefix: netip.MustParsePrefix("192.0.2.11/24"), Interface: 1, SkipAsSource: true},
		srcselect.Address{Prefix: netip.MustParsePrefix("fe80::10/64"), Interface: 1},
	)
	return host
}

func ExampleRegistrar_Sync() {
	secret := []byte("0123456789abcdef0123456789abcdef")
	server, err := dnsregtest.New(dnsregtest.Config{
		Zones: []string{"example.test", "2.0.192.in-addr.arpa"},
		Keys:  map[string][]byte{"host.example.test.": secret},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	address, err := server.Listen("127.0.0.1")
	if err != nil {
		log.Fatal(err)
	}

	r, err := dnsreg.New(dnsreg.Config{
		Name:    "host.example.test",
		Source:  exampleHost(),
		Servers: []string{address},
		Auth:    dnsreg.TSIG("host.example.test", "hmac-sha256", secret),
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := r.Sync(context.Background()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(server.Records("host.example.test"))
	fmt.Println(server.Records("10.2.0.192.in-addr.arpa"))
	fmt.Println(server.Records("11.2.0.192.in-addr.arpa"))
	fmt.Println("updates:", r.Status().Counters.Updates)

	if err := r.Deregister(context.Background()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(server.Records("host.example.test"))
	// Output:
	// [host.example.test. 1200 A 192.0.2.10]
	// [10.2.0.192.in-addr.arpa. 1200 PTR host.example.test.]
	// []
	// updates: 2
	// []
}

func ExampleRegistrar_Plan() {
	server, err := dnsregtest.New(dnsregtest.Config{Zones: []string{"example.test"}})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	address, err := server.Listen("127.0.0.1")
	if err != nil {
		log.Fatal(err)
	}
	// An earlier run registered everything.
	if err := server.Insert("host.example.test. 1200 A 192.0.2.11"); err != nil {
		log.Fatal(err)
	}

	r, err := dnsreg.New(dnsreg.Config{
		Name:    "host.example.test",
		Source:  exampleHost(),
		Servers: []string{"192.0.2.53:53"},
		NoPTR:   true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	plan, err := r.Plan(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(plan)
	// Output:
	// name host.example.test.
	//   192.0.2.10  registered
	//   192.0.2.11  skip-as-source
	//   fe80::10    link-local
	// zone example.test. at 192.0.2.53:53
	//   - host.example.test. A 192.0.2.11
	//   + host.example.test. 1200 A 192.0.2.10
}

func ExampleEligible() {
	for _, a := range []srcselect.Address{
		{Prefix: netip.MustParsePrefix("2001:db8::10/64")},
		{Prefix: netip.MustParsePrefix("2001:db8::11/64"), SkipAsSource: true},
		{Prefix: netip.MustParsePrefix("2001:db8::12/64"), Temporary: true},
		{Prefix: netip.MustParsePrefix("fe80::10/64")},
	} {
		ok, why := dnsreg.Eligible(a)
		fmt.Println(a.Prefix.Addr(), ok, why)
	}
	// Output:
	// 2001:db8::10 true registered
	// 2001:db8::11 false skip-as-source
	// 2001:db8::12 false temporary
	// fe80::10 false link-local
}

func ExampleOwnerTXT() {
	for _, id := range []string{"rack7-host12", "rack 7, host 12"} {
		owner := dnsreg.OwnerTXT(id)
		fmt.Println(owner, owner.Validate())
	}
	// Output:
	// TXT owner "rack7-host12" <nil>
	// TXT owner "rack 7, host 12" dnsreg: TXT owner "rack 7, host 12": the id has a comma, a quote, a backslash or a character that is not printable ASCII
}

func ExampleOwnerDHCID() {
	// A DUID based on the link-layer address (RFC 8415 section 11.4): type 3, hardware type 1, address.
	address, err := net.ParseMAC("02:00:5e:00:53:01")
	if err != nil {
		log.Fatal(err)
	}
	owner := dnsreg.OwnerDHCID(append([]byte{0, 3, 0, 1}, address...))
	fmt.Println(owner, owner.Validate())
	// Output:
	// DHCID owner 0003000102005e005301 <nil>
}

// A host with a name for everybody, and one for the people in the lab, who see some addresses only.
func ExampleConfig_names() {
	cfg := dnsreg.Config{
		Name:   "host.example.test",
		Policy: dnsreg.Policy{NotInterfaces: []int{9}}, // the VPN
		Names: []dnsreg.HostName{{
			Name:   "host.lab.test",
			Policy: dnsreg.Policy{Prefixes: []netip.Prefix{netip.MustParsePrefix("192.0.2.10/24")}},
		}},
		Source: exampleHost(), Servers: []string{"192.0.2.53:53"},
	}
	_, err := dnsreg.New(cfg)
	fmt.Println(err)
	cfg.Names[0].Policy.Prefixes[0] = netip.MustParsePrefix("192.0.2.0/24")
	_, err = dnsreg.New(cfg)
	fmt.Println(err)
	// Output:
	// dnsreg: Config.Names[0].Policy.Prefixes: prefix 192.0.2.10/24: bits are set beyond the length: 192.0.2.0/24 is meant, or /32
	// <nil>
}
