package measure

// A Contender is one of the things that are timed against each other.
type Contender struct {
	Name string

	// Run does n turns.
	Run func(n int)

	// Ops is the number of operations in a turn. 0: one.
	Ops int

	// Before makes ready for n turns and After tidies up behind them. Neither is
	// timed. nil: nothing to do.
	Before, After func(n int)

	// Limit is the most turns that one round may have. 0: no limit.
	Limit int
}

// time runs n turns and returns what they took.
func (c *Contender) time(n int, clock Clock) (elapsed float64) {
	if c.Before != nil {
		c.Before(n)
	}
	start := clock()
	c.Run(n)
	elapsed = float64(clock() - start)
	if c.After != nil {
		c.After(n)
	}
	return elapsed
}

// operations is the number of operations in n turns.
func (c *Contender) operations(n int) float64 { return float64(n) * float64(max(c.Ops, 1)) }
