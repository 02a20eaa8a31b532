// Package streams measures bulk TCP: between two stacks in memory, with and without a
// tap, and between the kernel and a stack on a TUN device, both ways.
package streams
