// Package pairs makes two hosts with a wire between them for the cases that measure
// TCP: of hextet on a Pipe, of gVisor on channel links, the kernel and one of both on a
// TUN device, and the kernel's loopback.
package pairs
