//go:build race

package dnsreg

// RaceEnabled shortens what the race detector makes slow.
const RaceEnabled = true
