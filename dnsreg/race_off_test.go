//go:build !race

package dnsreg

const RaceEnabled = false
