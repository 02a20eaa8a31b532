//go:build race

package stack_test

// With the race detector a sync.Pool forgets at random, so that allocations can't be counted, and all is
// slower.
const racing = true
