// Package gvisor runs package conformance against the raw sockets of gVisor itself, not those of
// stack, which are built beside them. Its test holds the record of how gVisor deviates, so that an
// update that changes one thing of it is noticed. It holds no code of its own.
package gvisor
