// Package judges puts the stack before judges that know nothing of it: the Linux kernel on the other
// end of a TUN or TAP device, the tools that network engineers reach for, and tshark, which verifies
// every checksum on the wire. Its tests run where those are installed, each in a network namespace of
// its own that no packet leaves, and otherwise skip with the reason. It holds no code of its own.
package judges
