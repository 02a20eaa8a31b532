//go:build !race

package dnsreg

const raceEnabled = false
