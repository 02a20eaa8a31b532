//go:build !race

package judges_test

// bodySize is long enough for every window and timer to have had its turn.
const bodySize = 256 << 20
