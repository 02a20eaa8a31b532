//go:build race

package judges_test

// bodySize with the race detector, which makes the stack ten times slower.
const bodySize = 16 << 20
