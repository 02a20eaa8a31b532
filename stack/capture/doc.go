// Package capture shows what was on the wire: it records the packets of any
// link, both ways, into one pcapng file that Wireshark and tshark open, and
// reads such a file back with its interface names, directions and comments.
//
// The format is draft-ietf-opsawg-pcapng. A file has one Section Header Block,
// one Interface Description Block for each tapped link, and one Enhanced Packet
// Block for each packet, with a time in nanoseconds, the direction as seen from
// the stack, and an optional comment, for example the rule that chose the
// source address.
//
//	w, err := capture.Create("run.pcapng", capture.Options{})
//	...
//	defer w.Close()
//	link = w.Tap("server", link) // attach this one instead
//
// # The datapath comes first
//
// A tap never changes, delays on purpose, refuses or drops a packet. When the
// file can no longer be written, the first error is kept (Writer.Err), packets
// that follow are counted as dropped from the capture (Counters.Dropped), and
// the link works on. Writing happens on the goroutine that moves the packet:
// a destination that may block for long wants a buffer in front of it.
//
// # Ownership
//
// The Data of a Packet handed to a hook (Options.Comment, Options.Sink) is the
// link's buffer: it is valid during the call only, and must not be changed.
// Packet.Clone makes one to keep. A Packet that was read from a file belongs to
// the caller.
//
// # Decoding
//
// Summary describes a packet in one line, by google/gopacket. It is meant for
// people and test logs; it does not judge checksums.
package capture
