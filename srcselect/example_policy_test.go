package srcselect_test

import (
	"fmt"
	"net/netip"

	"github.com/hextet/hextet/srcselect"
)

// What Windows prints becomes a table, and so do the rows of ip addrlabel.
func ExampleParsePolicy() {
	policy, err := srcselect.ParsePolicy(`
Precedence  Label  Prefix
----------  -----  --------------------------------
        50      0  ::1/128
        40      1  ::/0
        45     14  fd11:1111:1111::/48
`, nil)
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(policy)

	index := func(name string) (int, error) { return map[string]int{"eth0": 2}[name], nil }
	policy, err = srcselect.ParsePolicy("prefix ::/0 label 1\nprefix 2001:db8::/32 dev eth0 label 99", index)
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(policy)

	_, err = srcselect.ParsePolicy("::/0 40 1\n2001:db8::/32 40 300", nil)
	fmt.Println(err)
	// Output:
	// ::1/128               50   0
	// fd11:1111:1111::/48   45  14
	// ::/0                  40   1
	//
	// 2001:db8::/32         40  99 dev 2
	// ::/0                  40   1
	//
	// srcselect: policy line 2: label "300": want 0 to 255
}

// A router announces that the site is fd11:1111:1111::/48. While it does, unique local
// addresses of the site speak to each other, although there are global ones.
func ExamplePolicy_WithKnownLocal() {
	s := srcselect.NewSelector(srcselect.Config{Policy: srcselect.UpdatePolicy()})
	if err := s.Add(address("2001:db8::1/64"), address("fd11:1111:1111::1/64")); err != nil {
		fmt.Println(err)
	}
	destinations := []srcselect.Query{
		{Destination: netip.MustParseAddr("2001:db8:0:2::2"), Interface: 1},
		{Destination: netip.MustParseAddr("fd11:1111:1111:2::2"), Interface: 1},
	}
	fmt.Println("first:", s.SortDestinations(destinations)[0].Query.Destination)

	routes := []netip.Prefix{netip.MustParsePrefix("fd11:1111:1111::/48")}
	policy, err := srcselect.UpdatePolicy().WithKnownLocal(srcselect.KnownLocalPrefixes(routes, nil)...)
	if err != nil {
		fmt.Println(err)
	}
	s.SetPolicy(policy)
	fmt.Println("first:", s.SortDestinations(destinations)[0].Query.Destination, policy.KnownLocal())
	// Output:
	// first: 2001:db8:0:2::2
	// first: fd11:1111:1111:2::2 [fd11:1111:1111::/48]
}

// The same addresses on three kinds of hosts.
func ExampleLinux() {
	for _, host := range []struct {
		name string
		cfg  srcselect.Config
	}{{"RFC 6724", srcselect.Config{}}, {"Linux", srcselect.Linux()}, {"Windows", srcselect.Windows()}, {"FreeBSD", srcselect.FreeBSD()}} {
		s := srcselect.NewSelector(host.cfg)
		elsewhere := address("2001:db8:1::1/64")
		elsewhere.Interface = 2
		if err := s.Add(address("2001:db8:2::9/64"), address("2001:db8:2::1/64"), address("2001:db8:2::8/64"), elsewhere); err != nil {
			fmt.Println(err)
		}
		r, err := s.Select(srcselect.Query{Destination: netip.MustParseAddr("2001:db8:1::2"), Interface: 1})
		fmt.Println(host.name, r.Address.Prefix.Addr(), r.Rule, err)
	}
	// Output:
	// RFC 6724 2001:db8:2::9 tie (oldest address) <nil>
	// Linux 2001:db8:2::8 tie (newest address) <nil>
	// Windows 2001:db8:2::1 tie (lowest address) <nil>
	// FreeBSD 2001:db8:2::9 tie (oldest address) <nil>
}
