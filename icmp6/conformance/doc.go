// Package conformance tells of any host whether its raw IPv6 sockets can be trusted with a checksum:
// its table holds some 150 cases, and any stack, an operating system's or one of your own, can be put
// through them.
//
// Each case cites its rule, of RFC 3542 (raw sockets, IPV6_CHECKSUM, ICMP6_FILTER), RFC 4443 (ICMPv6),
// RFC 8200 (IPv6) or RFC 1071 (the sum), and says what was sent, what was seen and what was due. The
// judge computes its checksums with code of its own, one word at a time.
//
// What the Linux kernel, gVisor and hextet's stack do stands in [RESULTS.md], case by case, written
// and kept current by their tests.
//
// # Your own stack
//
// Write a [Backend]: a host with the addresses [Host] and [Second] whose raw sockets can be opened,
// and the far end of its wire. Then, in a test:
//
//	func TestConformance(t *testing.T) {
//		conformance.Run(t, func(t testing.TB) conformance.Backend { return newMyHost(t) })
//	}
//
// A [Socket] needs four methods, which *ipv6.PacketConn of golang.org/x/net has; what else it can do
// is found out by its methods. Sockets are opened for the protocols 58, 17, 89, 135, 253 and 254; a
// host that has not all of them, or lacks an option, deviates in those cases and in no others. A
// [Suite] has lists of cases that are known to fail or are yet to be done: they have to fail, so that
// neither list outlives its truth.
//
// Three backends to start from: [hextet's], of sockets that are an [icmp6.Conn]; [gVisor's], of
// sockets that are not, on a host that handles a packet before Inject returns; and [the kernel's], of
// sockets from golang.org/x/net, in a network namespace.
//
// # How it looks
//
// Every case has a fresh backend. No case sleeps: that nothing arrives is shown by a packet that
// follows and does arrive. So a host must keep the order of what it receives on its only wire and of
// what a socket sends, and a host that works takes milliseconds. A limit on the rate of ICMPv6 errors
// should be off.
//
// Nothing here knows a stack: the package imports [github.com/hextet/hextet/icmp6], golang.org/x/net
// and the standard library.
//
// [RESULTS.md]: https://github.com/hextet/hextet/blob/main/icmp6/conformance/RESULTS.md
// [hextet's]: https://github.com/hextet/hextet/blob/main/stack/conformance_test.go
// [gVisor's]: https://github.com/hextet/hextet/tree/main/stack/internal/conformance/gvisor
// [the kernel's]: https://github.com/hextet/hextet/tree/main/stack/internal/conformance/kernel
package conformance
