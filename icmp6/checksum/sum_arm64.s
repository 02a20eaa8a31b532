//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// func sum(b []byte, initial uint16) uint16
//
// UADALP adds 32-bit words, two by two, to 64-bit lanes, which cannot overflow;
// what is left below 64 bytes is summed in 64-bit words whose carries go round.
// The frame is not used: it is larger than the 128 bytes that a function may have
// without a stack check, and so the assembler inserts one.
//
//	R0      next byte
//	R1      bytes left
//	R2      the sum, little-endian
//	R3-R7   scratch
//	V0-V3   data
//	V4-V7   sums
TEXT ·sum(SB), 0, $136-34
	MOVBU  ·tier(SB), R3
	CBZ    R3, generic
	MOVD   b_base+0(FP), R0
	MOVD   b_len+8(FP), R1
	MOVHU  initial+24(FP), R2
	MOVD   $const_chunk, R3
	CMP    R3, R1
	BHI    long
	REV16W R2, R2
	CMP    $8, R1
	BLO    tiny

	// The last R1%8 bytes come from a load that ends with the data; what
	// belongs to the words before is shifted out, in two steps because it can
	// be all 64 bits.
	ADD    R1, R0, R3
	MOVD   -8(R3), R4
	LSL    $3, R1, R5
	MOVD   $56, R6
	SUB    R5, R6, R6
	LSR    $8, R4, R4
	LSR    R6, R4, R4
	ADD    R4, R2, R2

	CMP    $64, R1
	BLO    rest
	VEOR   V4.B16, V4.B16, V4.B16
	VEOR   V5.B16, V5.B16, V5.B16
	VEOR   V6.B16, V6.B16, V6.B16
	VEOR   V7.B16, V7.B16, V7.B16

loop:
	VLD1.P 64(R0), [V0.B16, V1.B16, V2.B16, V3.B16]
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

rest:
	LSR    $3, R1, R1
	CBZ    R1, fold
	ADDS   ZR, R2, R2 // clears the carry

words:
	MOVD.P 8(R0), R3
	ADCS   R3, R2, R2
	SUB    $1, R1
	CBNZ   R1, words
	ADC    ZR, R2, R2

	// Fold 64 bits to 16, each carry going round, and return to wire order.
fold:
	ROR    $32, R2, R3
	ADD    R3, R2, R2
	LSR    $32, R2, R2
	RORW   $16, R2, R3
	ADDW   R3, R2, R2
	LSRW   $16, R2, R2
	REV16W R2, R2
	MOVH   R2, ret+32(FP)
	RET

tiny:
	TBZ    $2, R1, below4
	MOVWU.P 4(R0), R3
	ADD    R3, R2, R2

below4:
	TBZ    $1, R1, below2
	MOVHU.P 2(R0), R3
	ADD    R3, R2, R2

below2:
	TBZ    $0, R1, fold
	MOVBU  (R0), R3
	ADD    R3, R2, R2
	JMP    fold

long:
	RET    ·sumLong(SB)

generic:
	RET    ·sumGeneric(SB)
