// Package checksum computes the Internet checksum of data of every length, at
// every alignment, without allocating.
//
// It is the sum of RFC 1071: the one's complement sum of the data's
// big-endian 16-bit words, the last byte of odd data padded with a zero byte.
// Functions return the sum itself. What goes on the wire is its complement:
//
//	s := checksum.PseudoHeader(src, dst, 58, uint32(len(msg)))
//	field := ^checksum.Sum(msg, s)
//
// While the sum is taken, the checksum field inside msg must count as zero,
// whatever it holds. A received message is good when the sum over pseudo-header
// and message, field included, is 0xffff.
//
// # Two zeros
//
// One's complement has two zeros, 0x0000 and 0xffff. [Sum] and its relatives
// return 0 only when everything they added was 0, so a sum that includes a
// pseudo-header is never 0. Its complement can be: UDP then sends 0xffff instead,
// ICMPv6 and all other protocols send the 0. That choice is the caller's.
//
// # Which function
//
//   - [Sum] for a slice, [Copy] when the slice is copied anyway.
//   - [Accumulator] for data in several pieces, odd lengths included, and for
//     header fields that are still in registers: to store a header with small
//     writes and to read it back at once with wide loads stalls the processor.
//   - [Update] when one 16-bit word of a finished packet changes.
//   - [Combine] for sums taken apart, of pieces that begin at even offsets.
//
// All functions are safe for concurrent use; an Accumulator is not.
package checksum
