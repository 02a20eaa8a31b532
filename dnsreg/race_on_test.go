//go:build race

package dnsreg

// raceEnabled shortens what the race detector makes slow.
const raceEnabled = true
