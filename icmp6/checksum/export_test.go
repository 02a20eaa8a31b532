package checksum

// Tiers names all implementations for this architecture, slowest first.
var Tiers = tierNames

// Best is the index in Tiers of the best one that this machine can run.
var Best = int(best)

// Chosen is the index of the one in use.
var Chosen = int(tier)

// SumGeneric is Sum in portable Go, which other tiers may use for some lengths or none.
var SumGeneric = sumGeneric

// Force makes Tiers[i] the implementation until restore is called.
func Force(i int) (restore func()) {
	before := tier
	tier = uint8(i)
	return func() { tier = before }
}
