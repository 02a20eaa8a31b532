// Package connects measures what a TCP connection costs to open, as the host that
// opens it gets more addresses.
package connects
