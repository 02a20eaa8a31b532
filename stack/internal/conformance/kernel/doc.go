// Package kernel runs package conformance against the Linux kernel's raw sockets, in a network
// namespace with a TUN device, where the test may make one. Its test holds the record of how the
// kernel deviates. It holds no code of its own.
package kernel
