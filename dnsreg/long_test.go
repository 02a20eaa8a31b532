package dnsreg

import (
	"flag"
	"testing"
)

var long = flag.Bool("long", false, "make the judges as large as their claims: 10^5 tables, 1,000 hosts")

// Size is how large a judge is: a tenth of its claim or so by default, all of it with -long, and less with -short
// or the race detector.
func Size(claim, usual, short int) int {
	switch {
	case *long:
		return claim
	case testing.Short() || raceEnabled:
		return short
	}
	return usual
}
