package srcselect_test

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/hextet/hextet/srcselect"
)

func address(prefix string) srcselect.Address {
	return srcselect.Address{Prefix: netip.MustParsePrefix(prefix), Interface: 1}
}

// skipped returns an address that speaks only when it is asked to.
func skipped(prefix string) srcselect.Address {
	a := address(prefix)
	a.SkipAsSource = true
	return a
}

// A firewall passes only 2001:db8::10. The other addresses are skip-as-source, so
// not even the one that is the longest match speaks.
func ExampleSelector_Select() {
	s := srcselect.NewSelector(srcselect.Config{})
	err := s.Add(skipped("2001:db8::1/64"), address("2001:db8::10/64"), skipped("2001:db8:1::1/64"))
	if err != nil {
		fmt.Println(err)
		return
	}
	q := srcselect.Query{Destination: netip.MustParseAddr("2001:db8:1::9"), Interface: 1}
	r, err := s.Select(q)
	fmt.Println(r.Address.Prefix.Addr(), r.Rule, err)

	// An explicit choice is honoured all the same.
	q.Source = netip.MustParseAddr("2001:db8:1::1")
	r, err = s.Select(q)
	fmt.Println(r.Address.Prefix.Addr(), r.Rule, err)

	// To change a flag is to add the address again.
	q.Source = netip.Addr{}
	if err := s.Add(skipped("2001:db8::10/64")); err != nil {
		fmt.Println(err)
	}
	_, err = s.Select(q)
	fmt.Println(err)
	fmt.Println(errors.Is(err, srcselect.ErrNoSource))
	// Output:
	// 2001:db8::10 only candidate <nil>
	// 2001:db8:1::1 explicit source <nil>
	// srcselect: no source address for 2001:db8:1::9: all 3 candidates are skip-as-source: 2001:db8::1, 2001:db8::10, 2001:db8:1::1
	// true
}

// A site prefers its own unique local prefix for traffic within: a row of its own
// gives it a label and a precedence above everything else.
func ExampleNewPolicy() {
	site := netip.MustParsePrefix("fd11:1111:1111::/48")
	rows := append(srcselect.DefaultPolicy().Rows(), srcselect.PolicyEntry{Prefix: site, Precedence: 45, Label: 14})
	policy, err := srcselect.NewPolicy(rows)
	if err != nil {
		fmt.Println(err)
		return
	}
	e, _ := policy.Lookup(netip.MustParseAddr("fd11:1111:1111:2::2"), 0)
	fmt.Println(e.Precedence, e.Label)

	_, err = srcselect.NewPolicy(append(rows, rows[0]))
	fmt.Println(err)
	// Output:
	// 45 14
	// srcselect: policy row 10 (::1/128): same prefix and interface as row 0
}

func ExampleSelector_Explain() {
	s := srcselect.NewSelector(srcselect.Config{})
	deprecated := address("2001:db8:1::2/64")
	deprecated.Deprecated = true
	if err := s.Add(address("fe80::1/64"), skipped("2001:db8:1::1/64"), deprecated, address("2001:db8:2::1/64"), address("192.0.2.1/24")); err != nil {
		fmt.Println(err)
	}
	fmt.Print(s.Explain(srcselect.Query{Destination: netip.MustParseAddr("2001:db8:1::9"), Interface: 1}))
	// Output:
	// to 2001:db8:1::9 on interface 1
	//   2001:db8:2::1/64  if1                  chosen: rule 3 (avoid deprecated)
	//   2001:db8:1::2/64  if1  deprecated      out by rule 3 (avoid deprecated) against 2001:db8:2::1
	//   fe80::1/64        if1                  out by rule 2 (appropriate scope) against 2001:db8:2::1
	//   2001:db8:1::1/64  if1  skip-as-source  no candidate: skip-as-source
	//   192.0.2.1/24      if1                  no candidate: other family
}

// A name resolves to three addresses. This host has no global IPv6 address that may
// speak, so IPv4 comes first.
func ExampleSelector_SortDestinations() {
	s := srcselect.NewSelector(srcselect.Config{})
	if err := s.Add(skipped("2001:db8::1/64"), address("fe80::1/64"), address("192.0.2.1/24")); err != nil {
		fmt.Println(err)
	}
	var answer []srcselect.Query
	for _, text := range []string{"2001:db8:5::9", "198.51.100.9", "192.0.2.9"} {
		answer = append(answer, srcselect.Query{Destination: netip.MustParseAddr(text), Interface: 1})
	}
	for _, d := range s.SortDestinations(answer) {
		fmt.Println(d.Query.Destination, "from", d.Source.Prefix.Addr(), "-", d.Rule)
	}
	// Output:
	// 192.0.2.9 from 192.0.2.1 - first
	// 198.51.100.9 from 192.0.2.1 - rule 9 (longest matching prefix)
	// 2001:db8:5::9 from fe80::1 - rule 2 (matching scope)
}
