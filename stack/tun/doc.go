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
// Opening a device needs CAP_NET_ADMIN, unless it exists, is persistent and
// belongs to the user. A device that Open created is gone after Close.
//
// The device is Linux's (/dev/net/tun). Elsewhere Open fails with
// errors.ErrUnsupported. Several queues are not used.
package tun
