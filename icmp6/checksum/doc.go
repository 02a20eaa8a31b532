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
// # Implementations
//
// On amd64 with AVX2 and BMI2, Sum and Copy use those, on arm64 NEON, elsewhere and
// with the build tag purego portable Go; [Implementation] tells which.
// GODEBUG=cpu.avx2=off switches the first off. No implementation touches a page
// outside the data, and a goroutine that sums can be stopped for a garbage
// collection at the latest after 64 KiB. Kernels for AVX-512 (BW, VL and VNNI) are
// here and tested where a processor has it, but not chosen yet: so far they have
// run under emulation only.
//
// Sum by AVX2 was measured in turns with gVisor's checksum, eight calls on the
// same aligned data at a time; AMD EPYC (family 25, model 17, 2 virtual CPUs),
// Linux 6.18, Go 1.26.8. The machine was shared and busy, so this is the best of
// 123 rounds, in ns, which is what repeats; three medians of 41 rounds each gave
// ratios of 2.9 to 3.8 at 1500 bytes and of 4.5 to 5.9 at 9000:
//
//	bytes            8    20    64   256   1280   1500   9000   65535
//	gVisor        6.01  6.18  7.40  13.1   54.2   66.8    434    3237
//	avx2          4.70  6.05  6.05   8.8   15.8   17.2     72     724
//	times faster   1.3   1.0   1.2   1.5    3.4    3.9    6.0     4.5
//
// For lengths that change at random from call to call, medians were 2.9 to 4.0
// times faster from 8 to 63 bytes, and 2.1 to 2.3 from 8 to 1500. Copy took 1.4
// times less than Sum and copy at 1500 bytes, 1.6 times less at 9000, 1.5 at
// 65535. Portable Go is slower than gVisor up to 64 bytes, by up to a tenth, and
// 1.3 times as fast from 1280. NEON has run under
// emulation only, so it is not timed. To measure this package alone:
//
//	go test -run '^$' -bench . ./icmp6/checksum
//	GODEBUG=cpu.avx2=off go test -run '^$' -bench . ./icmp6/checksum
//
// All functions are safe for concurrent use; an Accumulator is not.
package checksum
