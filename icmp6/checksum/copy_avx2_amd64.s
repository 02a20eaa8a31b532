//go:build !purego

#include "avx2_amd64.h"
#include "textflag.h"

// func copyAVX2(dst, src []byte, initial uint16) uint16
//
// It sums as sumAVX2 does, and stores what it has loaded; the reasons are there.
// Where the last vectors overlap the ones before, it stores the same bytes again.
//
//	SI      next byte of src
//	DI      next byte of dst
//	BX      words; in the second part, bytes left less 257
//	AX      the sum, little-endian
//	CX, R8  scratch
//	DX      mask table
//	Y0-Y15  as avx2_amd64.h has them
TEXT ·copyAVX2(SB), NOSPLIT|NOFRAME, $0-58
	MOVQ         dst_base+0(FP), DI
	MOVQ         src_base+24(FP), SI
	MOVQ         src_len+32(FP), BX
	MOVWLZX      initial+48(FP), AX
	ROLW         $8, AX
	LEAQ         ·masks(SB), DX

	MOVBLZX      -1(SI)(BX*1), CX
	MOVB         CX, -1(DI)(BX*1)
	SHRQ         $1, BX   // the carry is set if the length was odd
	SBBL         R8, R8
	ANDL         R8, CX
	CMPQ         BX, $128
	JHI          long
	VMOVDQU      ·signs(SB), Y14
	VMOVDQU      ·units(SB), Y15
	CMPQ         BX, $64
	JHI          upto256
	CMPQ         BX, $32
	JHI          upto128

	VMOVDQU      0(SI), Y0
	VMOVDQU      -32(SI)(BX*2), Y2
	VMOVDQU      Y0, 0(DI)
	VMOVDQU      Y2, -32(DI)(BX*2)
	VPAND        64(DX)(BX*2), Y2, Y2
	VPXOR        Y14, Y0, Y0
	VPXOR        Y14, Y2, Y2
	VPMADDWD     Y15, Y0, Y0
	VPMADDWD     Y15, Y2, Y2
	LEAL         (1<<20)(AX)(CX*1), AX
	JMP          lanes32

upto128:
	VMOVDQU      -64(SI)(BX*2), Y2
	VMOVDQU      -32(SI)(BX*2), Y3
	VMOVDQU      0(SI), Y0
	VMOVDQU      32(SI), Y1
	VMOVDQU      Y2, -64(DI)(BX*2)
	VMOVDQU      Y3, -32(DI)(BX*2)
	VMOVDQU      Y0, 0(DI)
	VMOVDQU      Y1, 32(DI)
	VPXOR        Y14, Y0, Y0
	VPXOR        Y14, Y1, Y1
	WORDS128
	JMP          lanes32

upto256:
	VMOVDQU      -128(SI)(BX*2), Y4
	VMOVDQU      -96(SI)(BX*2), Y5
	VMOVDQU      -64(SI)(BX*2), Y6
	VMOVDQU      -32(SI)(BX*2), Y7
	VMOVDQU      0(SI), Y0
	VMOVDQU      32(SI), Y1
	VMOVDQU      64(SI), Y2
	VMOVDQU      96(SI), Y3
	VMOVDQU      Y4, -128(DI)(BX*2)
	VMOVDQU      Y5, -96(DI)(BX*2)
	VMOVDQU      Y6, -64(DI)(BX*2)
	VMOVDQU      Y7, -32(DI)(BX*2)
	VMOVDQU      Y0, 0(DI)
	VMOVDQU      Y1, 32(DI)
	VMOVDQU      Y2, 64(DI)
	VMOVDQU      Y3, 96(DI)
	VPXOR        Y14, Y0, Y0
	VPXOR        Y14, Y1, Y1
	VPXOR        Y14, Y2, Y2
	VPXOR        Y14, Y3, Y3
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
	VMOVDQU      Y0, 0(DI)
	VMOVDQU      Y1, 32(DI)
	VMOVDQU      Y2, 64(DI)
	VMOVDQU      Y3, 96(DI)
	VMOVDQU      Y4, 128(DI)
	VMOVDQU      Y5, 160(DI)
	VMOVDQU      Y6, 192(DI)
	VMOVDQU      Y7, 224(DI)
	ADD256
	ADDQ         $256, SI
	ADDQ         $256, DI
	SUBQ         $256, BX
	JAE          loop256

	// 1 to 256 bytes are left: four vectors, if there are more than 128.
	CMPQ         BX, $-128
	JLT          last
	VMOVDQU      0(SI), Y0
	VMOVDQU      32(SI), Y1
	VMOVDQU      64(SI), Y2
	VMOVDQU      96(SI), Y3
	VMOVDQU      Y0, 0(DI)
	VMOVDQU      Y1, 32(DI)
	VMOVDQU      Y2, 64(DI)
	VMOVDQU      Y3, 96(DI)
	ADD128
	ADDQ         $128, SI
	ADDQ         $128, DI
	SUBQ         $128, BX

	// The last 128 bytes, without those that have been summed.
last:
	VMOVDQU      (257-128)(SI)(BX*1), Y0
	VMOVDQU      (257-96)(SI)(BX*1), Y1
	VMOVDQU      (257-64)(SI)(BX*1), Y2
	VMOVDQU      (257-32)(SI)(BX*1), Y3
	VMOVDQU      Y0, (257-128)(DI)(BX*1)
	VMOVDQU      Y1, (257-96)(DI)(BX*1)
	VMOVDQU      Y2, (257-64)(DI)(BX*1)
	VMOVDQU      Y3, (257-32)(DI)(BX*1)
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
	MOVW         AX, ret+56(FP)
	VZEROUPPER
	RET
