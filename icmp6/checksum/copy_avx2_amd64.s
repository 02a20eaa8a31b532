//go:build !purego

#include "textflag.h"

// func copyAVX2(dst, src []byte, initial uint16) uint16
//
// It sums as sumAVX2 does, between load and store; the reasons are there.
//
//	SI      next byte of src
//	DI      next byte of dst
//	BX      bytes left
//	AX      the sum, little-endian
//	DX      mask table
//	Y0-Y7   data
//	Y8      P, the sums of the lanes modulo 2^64
//	Y9      A, the estimates of the same sums in units of 2^48
//	Y10-13  sums on their way to P
TEXT ·copyAVX2(SB), NOSPLIT, $0-58
	MOVQ        dst_base+0(FP), DI
	MOVQ        src_base+24(FP), SI
	MOVQ        src_len+32(FP), BX
	MOVWLZX     initial+48(FP), AX
	ROLW        $8, AX
	LEAQ        ·masks(SB), DX

	// An odd last byte is taken alone, so that the last 64 bytes begin with a
	// whole word.
	MOVBLZX     -1(SI)(BX*1), CX
	MOVB        CX, -1(DI)(BX*1)
	MOVL        BX, R8
	ANDL        $1, R8
	NEGL        R8
	ANDL        R8, CX
	ADDL        CX, AX
	ANDQ        $~1, BX
	VPXOR       X8, X8, X8
	VPXOR       X9, X9, X9
	SUBQ        $256, BX
	JB          rest

loop256:
	VMOVDQU     0(SI), Y0
	VMOVDQU     32(SI), Y1
	VMOVDQU     64(SI), Y2
	VMOVDQU     96(SI), Y3
	VMOVDQU     128(SI), Y4
	VMOVDQU     160(SI), Y5
	VMOVDQU     192(SI), Y6
	VMOVDQU     224(SI), Y7
	VMOVDQU     Y0, 0(DI)
	VMOVDQU     Y1, 32(DI)
	VMOVDQU     Y2, 64(DI)
	VMOVDQU     Y3, 96(DI)
	VMOVDQU     Y4, 128(DI)
	VMOVDQU     Y5, 160(DI)
	VMOVDQU     Y6, 192(DI)
	VMOVDQU     Y7, 224(DI)
	VPADDQ      Y0, Y1, Y10
	VPAVGW      Y0, Y1, Y0
	VPADDQ      Y2, Y3, Y11
	VPAVGW      Y2, Y3, Y2
	VPADDQ      Y4, Y5, Y12
	VPAVGW      Y4, Y5, Y4
	VPADDQ      Y6, Y7, Y13
	VPAVGW      Y6, Y7, Y6
	VPADDQ      Y10, Y11, Y10
	VPAVGW      Y0, Y2, Y0
	VPADDQ      Y12, Y13, Y12
	VPAVGW      Y4, Y6, Y4
	VPADDQ      Y10, Y12, Y10
	VPAVGW      Y0, Y4, Y0
	VPADDQ      Y10, Y8, Y8
	VPSRLQ      $45, Y0, Y0 // the average of the top words, times 8
	VPADDQ      Y0, Y9, Y9
	ADDQ        $256, SI
	ADDQ        $256, DI
	SUBQ        $256, BX
	JAE         loop256

rest:
	ADDQ        $192, BX
	JNC         last

loop64:
	VMOVDQU     0(SI), Y0
	VMOVDQU     32(SI), Y1
	VMOVDQU     Y0, 0(DI)
	VMOVDQU     Y1, 32(DI)
	VPADDQ      Y0, Y1, Y10
	VPAVGW      Y0, Y1, Y0
	VPADDQ      Y10, Y8, Y8
	VPSRLQ      $47, Y0, Y0 // the average of the top words, times 2
	VPADDQ      Y0, Y9, Y9
	ADDQ        $64, SI
	ADDQ        $64, DI
	SUBQ        $64, BX
	JAE         loop64

	// The last 64 bytes, without those that have been summed: BX+64 are left.
last:
	ADDQ        $64, BX
	VMOVDQU     -64(SI)(BX*1), Y0
	VMOVDQU     -32(SI)(BX*1), Y1
	VMOVDQU     Y0, -64(DI)(BX*1)
	VMOVDQU     Y1, -32(DI)(BX*1)
	VPAND       (DX)(BX*1), Y0, Y0
	VPAND       32(DX)(BX*1), Y1, Y1
	VPADDQ      Y0, Y1, Y10
	VPAVGW      Y0, Y1, Y0
	VPADDQ      Y10, Y8, Y8
	VPSRLQ      $47, Y0, Y0
	VPADDQ      Y0, Y9, Y9

	VPSRLQ      $48, Y8, Y0
	VPSUBD      Y9, Y0, Y0
	VPSLLD      $16, Y0, Y0
	VPSRAD      $16, Y0, Y0
	VPADDD      Y9, Y0, Y0
	VPSLLQ      $16, Y8, Y8
	VPSRLQ      $16, Y8, Y8
	VPADDQ      Y0, Y8, Y0
	VEXTRACTI128 $1, Y0, X1
	VPADDQ      X1, X0, X0
	VPSHUFD     $0x4e, X0, X1
	VPADDQ      X1, X0, X0
	VMOVQ       X0, CX
	ADDQ        CX, AX
	RORXQ       $32, AX, CX
	ADDQ        CX, AX
	SHRQ        $32, AX
	RORXL       $16, AX, CX
	ADDL        CX, AX
	SHRL        $16, AX
	ROLW        $8, AX
	MOVW        AX, ret+56(FP)
	VZEROUPPER
	RET
