//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// func sum(b []byte, initial uint16) uint16
//
// Sends each length to its kernel, and sums the shortest here, in 64-bit words
// whose carries go round. The frame is not used: it is larger than the 128 bytes
// that a function may have without a stack check, and so the assembler inserts one.
//
//	SI  next byte
//	BX  bytes left; in the loop, words left
//	AX  the sum, little-endian
TEXT ·sum(SB), 0, $136-34
	MOVQ    b_base+0(FP), SI
	MOVQ    b_len+8(FP), BX
	CMPB    ·tier(SB), $const_tierAVX2
	JB      generic
	CMPQ    BX, $8
	JLS     scalar
	CMPQ    BX, $64
	JHI     wide
	// A masked load that reaches into the next page costs a hundred
	// nanoseconds if that page is not there, although it reads nothing of it.
	MOVL    SI, DX
	ANDL    $4095, DX
	CMPL    DX, $4032
	JHI     scalar

vector:
	CMPB    ·tier(SB), $const_tierAVX512
	JEQ     avx512
	RET     ·sumAVX2(SB)

avx512:
	RET     ·sumAVX512(SB)

wide:
	CMPQ    BX, $const_chunk
	JLS     vector
	RET     ·sumLong(SB)

generic:
	RET     ·sumGeneric(SB)

scalar:
	MOVWLZX initial+24(FP), AX
	ROLW    $8, AX
	CMPQ    BX, $8
	JB      tiny

	// The last BX%8 bytes come from a load that ends with the data; what
	// belongs to the words below is shifted out, in two steps because it can be
	// all 64 bits.
	MOVQ    -8(SI)(BX*1), R8
	LEAL    (BX*8), CX
	NEGL    CX
	ADDL    $56, CX
	SHRQ    $8, R8
	SHRXQ   CX, R8, R8
	ADDQ    R8, AX
	SHRQ    $3, BX
	TESTQ   BX, BX // clears the carry

words:
	ADCQ    (SI), AX
	LEAQ    8(SI), SI
	DECQ    BX // keeps the carry
	JNZ     words
	ADCQ    $0, AX

	// Fold 64 bits to 16, each carry going round, and return to wire order.
fold:
	RORXQ   $32, AX, CX
	ADDQ    CX, AX
	SHRQ    $32, AX
	RORXL   $16, AX, CX
	ADDL    CX, AX
	SHRL    $16, AX
	ROLW    $8, AX
	MOVW    AX, ret+32(FP)
	RET

tiny:
	CMPQ    BX, $4
	JB      bytes
	// Two loads that overlap in all but the last BX%4 bytes.
	MOVL    (SI), DX
	MOVL    -4(SI)(BX*1), R8
	LEAL    (BX*8), CX
	NEGL    CX
	SHRXQ   CX, R8, R8 // by 64 - 8*BX
	ADDQ    DX, AX
	ADDQ    R8, AX
	JMP     fold

bytes:
	TESTL   $1, BX
	JZ      even
	MOVBLZX -1(SI)(BX*1), DX
	ADDQ    DX, AX

even:
	TESTL   $2, BX
	JZ      fold
	MOVWLZX (SI), DX
	ADDQ    DX, AX
	JMP     fold
