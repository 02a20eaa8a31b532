// Package hosts measures what a host costs: to have and to close, and to give tens of
// thousands of addresses and take them away.
package hosts
