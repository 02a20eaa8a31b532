// Package tun puts a userspace stack beside the operating system's own: what
// the kernel routes to a TUN or TAP device arrives as packets, and what is
// written goes to the kernel as if it had come from a wire.
//
// A Device has the methods of stack.OffloadLink: TCP segments larger than the MTU
// cross it whole, both ways (IFF_VNET_HDR), which is what makes bulk transfers
// fast. Who uses ReadPackets gets packets as on a wire all the same.
//
// It configures nothing but itself: the kernel's addresses, routes and the
// device's state are the caller's, with ip(8) for example:
//
//	d, err := tun.Open(tun.Config{Name: "tun0"})
//	...
//	// ip address add 2001:db8::1/64 dev tun0; ip link set tun0 up
//
// A TUN device carries bare IP packets and needs no neighbour discovery. A TAP
// device carries Ethernet frames: the kernel has one address on that wire, and
// HardwareAddr is the stack's, another one.
//
// Opening a device needs CAP_NET_ADMIN, unless it exists, is persistent, belongs
// to the user and keeps its MTU. A device that Open created is gone after Close.
//
// The device is Linux's (/dev/net/tun). Elsewhere Open fails with
// errors.ErrUnsupported.
//
// # One queue
//
// A Device is one queue: one reader, and writes that take turns. A second queue
// (IFF_MULTI_QUEUE) divides what those two do and nothing else. In bulk TCP that
// is 53 % of the CPU time for the reader, or 32 % for the writes, so two CPUs
// could gain 6 % at most from it, or nothing:
//
//	go test ./stack -run '^$' -bench 'KernelTCP/kernel-to-stack$' -cpuprofile cpu.out
//	go tool pprof -top -cum stack.test cpu.out # readOffload; RawWrite for stack-to-kernel
//
// Small packets have more to divide: the writes are 68 % of what sending UDP of 64
// bytes takes, and the reader, which also answers, is 78 % of echo replies. A
// prototype with two queues, and writes spread by flow, took 10 to 13 % more CPU
// time for each UDP packet sent. Whether it saves time on idle CPUs is not known:
// in 14 interleaved rounds it got 1.2 of two at most, and no difference was larger
// than that of one queue with itself.
package tun
