package gss_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/netip"

	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/dnsreg/gss"
	"github.com/hextet/hextet/srcselect"
)

const krb5Conf = `
[libdefaults]
  default_realm = EXAMPLE.TEST
[realms]
  EXAMPLE.TEST = {
    kdc = kdc.example.test
  }
`

// A host of a Kerberos realm registers itself. Here the network is down, and the error says so.
func Example() {
	provider, err := gss.New(gss.Config{
		Principal: "host/h1.example.test",
		Password:  func(context.Context) (string, error) { return "from a vault", nil }, // or Keytab: "/etc/krb5.keytab"
		Krb5Conf:  krb5Conf,                                                             // or /etc/krb5.conf, by default
		Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("network is unreachable")
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(provider)

	host := new(dnsreg.AddressTable)
	host.Set(srcselect.Address{Prefix: netip.MustParsePrefix("192.0.2.10/24"), Interface: 1})
	registrar, err := dnsreg.New(dnsreg.Config{
		Name:    "h1.example.test",
		Source:  host,
		Servers: []string{"ns1.example.test:53"},
		Auth:    provider,
	})
	if err != nil {
		log.Fatal(err)
	}
	err = registrar.Sync(context.Background())
	fmt.Println("class:", dnsreg.ClassOf(err))
	if e, ok := errors.AsType[*gss.Error](err); ok {
		fmt.Println("step:", e.Step)
		fmt.Println("target:", e.Target)
	}
	// Output:
	// GSS-TSIG as host/h1.example.test@EXAMPLE.TEST by password
	// class: transient
	// step: login
	// target: DNS/ns1.example.test
}

// A server that is known by its address needs the name of its principal.
func ExampleConfig_target() {
	names := map[string]string{"192.0.2.53:53": "dc1.example.test", "192.0.2.54:53": "dc2.example.test"}
	provider, err := gss.New(gss.Config{
		Principal: "H1$",
		Password:  func(context.Context) (string, error) { return "from a vault", nil },
		Krb5Conf:  krb5Conf,
		Target:    func(server string) string { return names[server] },
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(provider)
	// One that Target does not know: a Registrar takes the name from the zone's SOA record then.
	_, err = provider.KeyFor(context.Background(), "192.0.2.55:53", "")
	fmt.Println(dnsreg.ClassOf(err))
	// Output:
	// GSS-TSIG as H1$@EXAMPLE.TEST by password
	// permanent
}
