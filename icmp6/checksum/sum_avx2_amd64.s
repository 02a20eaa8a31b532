//go:build !purego

#include "textflag.h"

// func sumAVX2(b []byte, initial uint16) uint16
//
// Up to 64 bytes, it sums pairs of words, made signed, into 32-bit lanes. Above,
// it adds 64-bit lanes modulo 2^64 and finds the carries that this loses from an
// estimate of the true sum, which the averages of the top words give.
//
//	SI      next byte
//	BX      bytes left
//	AX      the sum, little-endian
//	DX      mask table
//	Y0-Y7   data; Y2 and Y3 masks of short data
//	Y8      P, the sums of the lanes modulo 2^64
//	Y9      A, the estimates of the same sums in units of 2^48
//	Y10-13  sums on their way to P
TEXT ·sumAVX2(SB), NOSPLIT, $0-34
	MOVQ        b_base+0(FP), SI
	MOVQ        b_len+8(FP), BX
	MOVWLZX     initial+24(FP), AX
	ROLW        $8, AX
	LEAQ        ·masks(SB), DX
	CMPQ        BX, $64
	JHI         long

	// BX/4 dwords by masked loads; the last BX%4 bytes from a load that ends
	// with the data.
	MOVL        BX, CX
	ANDL        $~3, CX
	SUBQ        CX, DX
	VMOVDQU     128(DX), Y2
	VMOVDQU     160(DX), Y3
	VPMASKMOVD  (SI), Y2, Y0
	VPMASKMOVD  32(SI), Y3, Y1
	MOVL        -4(SI)(BX*1), R8
	ANDL        $3, BX
	SHLL        $3, BX
	MOVL        $32, CX
	SUBL        BX, CX
	SHRXQ       CX, R8, R8
	// A word x becomes x - 2^15, because VPMADDWD takes it as signed. The 32
	// words are short of 2^20 in the end, whatever they hold.
	VPCMPEQD    Y15, Y15, Y15
	VPSLLW      $15, Y15, Y14
	VPSRLW      $15, Y15, Y15
	VPXOR       Y14, Y0, Y0
	VPXOR       Y14, Y1, Y1
	VPMADDWD    Y15, Y0, Y0
	VPMADDWD    Y15, Y1, Y1
	LEAL        (1<<20)(AX)(R8*1), AX
	VPADDD      Y1, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPADDD      X1, X0, X0
	VPSHUFD     $0x4e, X0, X1
	VPADDD      X1, X0, X0
	VPSHUFD     $0xb1, X0, X1
	VPADDD      X1, X0, X0
	VMOVD       X0, CX
	ADDL        CX, AX
	JMP         fold32

long:
	// An odd last byte is taken alone, so that the last 64 bytes begin with a
	// whole word.
	MOVBLZX     -1(SI)(BX*1), CX
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

	// Eight vectors: VPAVGW rounds up, by less than 2 in three levels, which is
	// less than 12 in the sum of eight; up to 7 more come from the second word
	// of the average. What lies below the top words is less than 8. So A is off
	// by less than 19, or 2^13 for 64 KiB.
loop256:
	VMOVDQU     0(SI), Y0
	VMOVDQU     32(SI), Y1
	VMOVDQU     64(SI), Y2
	VMOVDQU     96(SI), Y3
	VMOVDQU     128(SI), Y4
	VMOVDQU     160(SI), Y5
	VMOVDQU     192(SI), Y6
	VMOVDQU     224(SI), Y7
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
	SUBQ        $256, BX
	JAE         loop256

rest:
	ADDQ        $192, BX
	JNC         last

loop64:
	VMOVDQU     0(SI), Y0
	VMOVDQU     32(SI), Y1
	VPADDQ      Y0, Y1, Y10
	VPAVGW      Y0, Y1, Y0
	VPADDQ      Y10, Y8, Y8
	VPSRLQ      $47, Y0, Y0 // the average of the top words, times 2
	VPADDQ      Y0, Y9, Y9
	ADDQ        $64, SI
	SUBQ        $64, BX
	JAE         loop64

	// The last 64 bytes, without those that have been summed: BX+64 are left.
last:
	ADDQ        $64, BX
	VMOVDQU     -64(SI)(BX*1), Y0
	VMOVDQU     -32(SI)(BX*1), Y1
	VPAND       (DX)(BX*1), Y0, Y0
	VPAND       32(DX)(BX*1), Y1, Y1
	VPADDQ      Y0, Y1, Y10
	VPAVGW      Y0, Y1, Y0
	VPADDQ      Y10, Y8, Y8
	VPSRLQ      $47, Y0, Y0
	VPADDQ      Y0, Y9, Y9

	// P tells the true sum modulo 2^64, A tells it to within 2^61, so its part
	// from 2^48 up is A plus a signed number of 16 bits: the difference of
	// their words there. Since 2^48 = 1 modulo 2^16-1, that part is added to
	// the part below.
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

fold32:
	RORXL       $16, AX, CX
	ADDL        CX, AX
	SHRL        $16, AX
	ROLW        $8, AX
	MOVW        AX, ret+32(FP)
	VZEROUPPER
	RET
