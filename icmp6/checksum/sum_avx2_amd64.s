//go:build !purego

#include "avx2_amd64.h"
#include "textflag.h"

// func sumAVX2(b []byte, initial uint16) uint16
//
// Up to 257 bytes, it sums pairs of words, made signed, into 32-bit lanes. Above,
// it adds 64-bit lanes modulo 2^64 and finds the carries that this loses from an
// estimate of the true sum, which the averages of the top words give. In both, the
// last vectors end with the data, and masks hide what others have summed. The sums
// are macros, which copyAVX2 has in common; here is what is loaded when.
//
//	SI      next byte
//	BX      words; in the second part, bytes left less 257
//	AX      the sum, little-endian
//	CX, R8  scratch
//	DX      mask table
//	Y0-Y15  as avx2_amd64.h has them
TEXT ·sumAVX2(SB), NOSPLIT|NOFRAME, $0-34
	MOVQ         b_base+0(FP), SI
	MOVQ         b_len+8(FP), BX
	MOVWLZX      initial+24(FP), AX
	ROLW         $8, AX
	LEAQ         ·masks(SB), DX

	// An odd last byte is taken alone, so that the vectors at the end begin with
	// a whole word.
	MOVBLZX      -1(SI)(BX*1), CX
	SHRQ         $1, BX   // the carry is set if the length was odd
	SBBL         R8, R8
	ANDL         R8, CX
	CMPQ         BX, $128
	JHI          long
	VMOVDQU      ·signs(SB), Y14
	VMOVDQU      ·units(SB), Y15
	CMPQ         BX, $64
	JHI          upto256

	VMOVDQU      -64(SI)(BX*2), Y2
	VMOVDQU      -32(SI)(BX*2), Y3
	VPXOR        0(SI), Y14, Y0
	VPXOR        32(SI), Y14, Y1
	WORDS128
	JMP          lanes32

upto256:
	VMOVDQU      -128(SI)(BX*2), Y4
	VMOVDQU      -96(SI)(BX*2), Y5
	VMOVDQU      -64(SI)(BX*2), Y6
	VMOVDQU      -32(SI)(BX*2), Y7
	VPXOR        0(SI), Y14, Y0
	VPXOR        32(SI), Y14, Y1
	VPXOR        64(SI), Y14, Y2
	VPXOR        96(SI), Y14, Y3
	WORDS256

lanes32:
	LANES32
	JMP          fold32

long:
	ADDL         CX, AX
	VPXOR        X8, X8, X8
	VPXOR        X9, X9, X9
	LEAQ         -257(BX*2), BX

	PCALIGN      $64
loop256:
	VMOVDQU      0(SI), Y0
	VMOVDQU      32(SI), Y1
	VMOVDQU      64(SI), Y2
	VMOVDQU      96(SI), Y3
	VMOVDQU      128(SI), Y4
	VMOVDQU      160(SI), Y5
	VMOVDQU      192(SI), Y6
	VMOVDQU      224(SI), Y7
	ADD256
	ADDQ         $256, SI
	SUBQ         $256, BX
	JAE          loop256

	// 1 to 256 bytes are left: four vectors, if there are more than 128.
	CMPQ         BX, $-128
	JLT          last
	VMOVDQU      0(SI), Y0
	VMOVDQU      32(SI), Y1
	VMOVDQU      64(SI), Y2
	VMOVDQU      96(SI), Y3
	ADD128
	ADDQ         $128, SI
	SUBQ         $128, BX

	// The last 128 bytes, without those that have been summed.
last:
	VMOVDQU      (257-128)(SI)(BX*1), Y0
	VMOVDQU      (257-96)(SI)(BX*1), Y1
	VMOVDQU      (257-64)(SI)(BX*1), Y2
	VMOVDQU      (257-32)(SI)(BX*1), Y3
	VPAND        257(DX)(BX*1), Y0, Y0
	VPAND        (257+32)(DX)(BX*1), Y1, Y1
	VPAND        (257+64)(DX)(BX*1), Y2, Y2
	VPAND        (257+96)(DX)(BX*1), Y3, Y3
	ADD128

	TOTAL

fold32:
	RORXL        $16, AX, CX
	ADDL         CX, AX
	BSWAPL       AX
	MOVW         AX, ret+32(FP)
	VZEROUPPER
	RET
