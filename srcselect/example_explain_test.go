package srcselect_test

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"github.com/hextet/hextet/srcselect"
)

// An explanation for a program to read.
func ExampleExplanation_MarshalJSON() {
	s := srcselect.NewSelector(srcselect.Config{})
	if err := s.Add(address("2001:db8:1::1/64"), address("fe80::1/64"), skipped("2001:db8:1::2/64")); err != nil {
		fmt.Println(err)
	}
	q := srcselect.Query{Destination: netip.MustParseAddr("2001:db8:1::9"), Interface: 1, Prefer: srcselect.PreferPublic}
	text, err := json.MarshalIndent(s.Explain(q), "", " ")
	fmt.Println(string(text), err)
	// Output:
	// {
	//  "query": {
	//   "destination": "2001:db8:1::9",
	//   "interface": 1,
	//   "prefer": "public"
	//  },
	//  "rule": "scope",
	//  "candidates": [
	//   {
	//    "address": {
	//     "prefix": "2001:db8:1::1/64",
	//     "interface": 1
	//    },
	//    "chosen": true,
	//    "rule": "scope"
	//   },
	//   {
	//    "address": {
	//     "prefix": "fe80::1/64",
	//     "interface": 1
	//    },
	//    "rule": "scope",
	//    "against": "2001:db8:1::1"
	//   },
	//   {
	//    "address": {
	//     "prefix": "2001:db8:1::2/64",
	//     "interface": 1,
	//     "skipAsSource": true
	//    },
	//    "excluded": "skip-as-source"
	//   }
	//  ]
	// } <nil>
}

// Which rule decides most?
func ExampleRuleCounter() {
	s := srcselect.NewSelector(srcselect.Config{})
	if err := s.Add(address("2001:db8:1::1/64"), address("2001:db8:2::1/64"), address("fe80::1/64")); err != nil {
		fmt.Println(err)
	}
	var counter srcselect.RuleCounter // may be shared by goroutines
	for _, text := range []string{"2001:db8:1::9", "2001:db8:2::9", "fe80::9", "3ffe::1", "192.0.2.1"} {
		r, _ := s.Select(srcselect.Query{Destination: netip.MustParseAddr(text), Interface: 1})
		counter.Count(r.Rule)
	}
	fmt.Print(counter.Counts())
	// Output:
	//            1  none
	//            1  rule 2 (appropriate scope)
	//            2  rule 8 (longest matching prefix)
	//            1  tie (oldest address)
}
