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
// On amd64 with AVX2 and BMI2, Sum and Copy use those, with AVX-512 (BW, VL and
// VNNI) that as well, on arm64 NEON, elsewhere and with the build tag purego portable
// Go; [Implementation] tells which. GODEBUG=cpu.avx512f=off and cpu.avx2=off switch
// the first two off. No implementation touches a page outside the data, and a
// goroutine that sums can be stopped for a garbage collection at the latest after
// 64 KiB. The kernels for AVX-512 are proven under Bochs' emulation of a processor
// with AVX-512 VNNI, by _bochs/run.sh, not timed by us on hardware.
//
// Sum by AVX2 was measured in turns with gVisor's checksum, eight calls on the
// same aligned data at a time; AMD EPYC (family 25, model 17, 2 virtual CPUs),
// Linux 6.18, Go 1.26.8. The machine was shared and busy, so this is the best of
// 1503 rounds of 40 microseconds, in ns, which is what repeats:
//
//	bytes            8    20    40    64   256   576   1280   1500   9000   65535
//	gVisor        5.93  6.01  6.36  7.32  12.9  24.6   54.2   66.6    434    3216
//	avx2          3.26  4.29  4.32  4.33  6.63  9.76   14.6   16.4   72.5     725
//	times faster   1.8   1.4   1.5   1.7   1.9   2.5    3.7    4.1    6.0     4.4
//
// While other programs keep the processor busy, medians come down to 3.0 at 1280 bytes,
// 3.1 at 1500 and 4.6 at 9000, and stay about where they are below.
//
// The best rounds have 58 % of the speed of a loop that only loads the same data at
// 1500 bytes, 71 % at 9000 and 99 % at 65535. For lengths that change at random from
// call to call, they are 4.7 times as fast as gVisor's from 8 to 63 bytes (busy: 2.8),
// and 2.7 times from 8 to 1500 (2.4). The nearest of five Go peers, Tailscale's AVX2,
// takes 1.05 times as long at 256 and 576 bytes, 1.1 to 1.7 times elsewhere from 20 up.
// Sum and then copy takes 1.4 times as long as Copy at 1500 bytes, 1.6 times at 9000,
// 1.5 at 65535. To write a header of 8, 20 or 40 bytes and to sum it with gVisor takes
// 2.7, 2.3 and 2.3 times as long as an Accumulator (2.2, 1.9 and 1.6).
//
// Portable Go (build tag purego) is 1.9 times as fast as gVisor at 8 bytes, 1.6 at 64,
// 1.5 at 256 and 1.8 at 1500; on amd64 without AVX2, where it is called from assembly
// above 64 bytes, 1.8, 1.5, 1.1 and 1.7. NEON has run under emulation only, so it is
// not timed. The first command measures medians against all peers, the others this
// package alone:
//
//	go run -C bench . -only checksum
//	go test -run '^$' -bench . ./icmp6/checksum
//	GODEBUG=cpu.avx2=off go test -run '^$' -bench . ./icmp6/checksum
//
// All functions are safe for concurrent use; an Accumulator is not.
package checksum
