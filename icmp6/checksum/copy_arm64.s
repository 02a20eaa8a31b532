//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// func copySum(dst, src []byte, initial uint16) uint16
//
// It sums as sum does, between load and store. For the frame see there.
//
//	R0      next byte of src
//	R1      bytes left
//	R2      the sum, little-endian
//	R8      next byte of dst
//	R3-R7   scratch
//	V0-V3   data
//	V4-V7   sums
TEXT ·copySum(SB), 0, $136-58
	MOVBU  ·tier(SB), R3
	CBZ    R3, generic
	MOVD   dst_base+0(FP), R8
	MOVD   src_base+24(FP), R0
	MOVD   src_len+32(FP), R1
	MOVHU  initial+48(FP), R2
	MOVD   $const_chunk, R3
	CMP    R3, R1
	BHI    long
	REV16W R2, R2

	// The last 8 bytes, of which R1%8 are summed here and the others below.
	ADD    R1, R0, R3
	MOVD   -8(R3), R4
	ADD    R1, R8, R3
	MOVD   R4, -8(R3)
	LSL    $3, R1, R5
	MOVD   $56, R6
	SUB    R5, R6, R6
	LSR    $8, R4, R4
	LSR    R6, R4, R4
	ADD    R4, R2, R2

	VEOR   V4.B16, V4.B16, V4.B16
	VEOR   V5.B16, V5.B16, V5.B16
	VEOR   V6.B16, V6.B16, V6.B16
	VEOR   V7.B16, V7.B16, V7.B16

loop:
	VLD1.P 64(R0), [V0.B16, V1.B16, V2.B16, V3.B16]
	VST1.P [V0.B16, V1.B16, V2.B16, V3.B16], 64(R8)
	WORD   $0x6ea06804 // UADALP V4.2D, V0.4S
	WORD   $0x6ea06825 // UADALP V5.2D, V1.4S
	WORD   $0x6ea06846 // UADALP V6.2D, V2.4S
	WORD   $0x6ea06867 // UADALP V7.2D, V3.4S
	SUB    $64, R1
	CMP    $64, R1
	BHS    loop
	VADD   V5.D2, V4.D2, V4.D2
	VADD   V7.D2, V6.D2, V6.D2
	VADD   V6.D2, V4.D2, V4.D2
	VMOV   V4.D[0], R3
	VMOV   V4.D[1], R4
	ADD    R3, R2, R2
	ADD    R4, R2, R2

	LSR    $3, R1, R1
	CBZ    R1, fold
	ADDS   ZR, R2, R2 // clears the carry

words:
	MOVD.P 8(R0), R3
	MOVD.P R3, 8(R8)
	ADCS   R3, R2, R2
	SUB    $1, R1
	CBNZ   R1, words
	ADC    ZR, R2, R2

fold:
	ROR    $32, R2, R3
	ADD    R3, R2, R2
	LSR    $32, R2, R2
	RORW   $16, R2, R3
	ADDW   R3, R2, R2
	LSRW   $16, R2, R2
	REV16W R2, R2
	MOVH   R2, ret+56(FP)
	RET

long:
	RET    ·copyLong(SB)

generic:
	RET    ·copyGeneric(SB)
