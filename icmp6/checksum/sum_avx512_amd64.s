//go:build !purego

#include "textflag.h"

// func sumAVX512(b []byte, initial uint16) uint16
//
// It sums words in 32-bit lanes. VPDPWSSD adds two of them to a lane but takes
// them as signed, so each word x first becomes x - 2^15, by an exclusive or; what
// the sum is short of in the end, 2^15 per word or 2^20 per 64 bytes, depends on
// the number of words only. 32 bits would do for 128 KiB.
//
//	SI       next byte
//	BX       bytes left
//	AX       the sum, little-endian
//	DX       what the biased sum is short of
//	Z16-Z23  sums
//	Z24-Z27  data
//	Z30      bias, 2^15 in each word
//	Z31      1 in each word
//	K1, K2   bytes that count
//
// Registers above Z15 do not slow down the code after it: no VZEROUPPER.
TEXT ·sumAVX512(SB), NOSPLIT, $0-34
	MOVQ        b_base+0(FP), SI
	MOVQ        b_len+8(FP), BX
	MOVWLZX     initial+24(FP), AX
	ROLW        $8, AX
	CMPQ        BX, $64
	JHI         long

	MOVQ        $-1, CX
	BZHIQ       BX, CX, CX // BX ones
	KMOVD       CX, K1
	SHRQ        $32, CX
	KMOVD       CX, K2
	VPTERNLOGD  $0xff, Y30, Y30, Y30
	VPSRLW      $15, Y30, Y31
	VPSLLW      $15, Y30, Y30
	VMOVDQU8.Z  (SI), K1, Y24
	VMOVDQU8.Z  32(SI), K2, Y25
	VPXORD      Y30, Y24, Y24
	VPXORD      Y30, Y25, Y25
	VPMADDWD    Y31, Y24, Y16
	VPMADDWD    Y31, Y25, Y17
	VPADDD      Y17, Y16, Y16
	MOVL        $1<<20, DX
	JMP         sum256

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
	MOVL        BX, DX
	SHRL        $6, DX
	INCL        DX
	SHLL        $20, DX
	VPTERNLOGD  $0xff, Z30, Z30, Z30
	VPSRLW      $15, Z30, Z31
	VPSLLW      $15, Z30, Z30
	VPXORD      Z16, Z16, Z16
	VPXORD      Z17, Z17, Z17
	VPXORD      Z18, Z18, Z18
	VPXORD      Z19, Z19, Z19
	CMPQ        BX, $256
	JB          less256
	VPXORD      Z20, Z20, Z20
	VPXORD      Z21, Z21, Z21
	VPXORD      Z22, Z22, Z22
	VPXORD      Z23, Z23, Z23
	SUBQ        $512, BX
	JB          rest

loop512:
	VPXORD      0(SI), Z30, Z24
	VPXORD      64(SI), Z30, Z25
	VPXORD      128(SI), Z30, Z26
	VPXORD      192(SI), Z30, Z27
	VPDPWSSD    Z31, Z24, Z16
	VPDPWSSD    Z31, Z25, Z17
	VPDPWSSD    Z31, Z26, Z18
	VPDPWSSD    Z31, Z27, Z19
	VPXORD      256(SI), Z30, Z24
	VPXORD      320(SI), Z30, Z25
	VPXORD      384(SI), Z30, Z26
	VPXORD      448(SI), Z30, Z27
	VPDPWSSD    Z31, Z24, Z20
	VPDPWSSD    Z31, Z25, Z21
	VPDPWSSD    Z31, Z26, Z22
	VPDPWSSD    Z31, Z27, Z23
	ADDQ        $512, SI
	SUBQ        $512, BX
	JAE         loop512

rest:
	ADDQ        $256, BX // BX+256 are left
	JNC         join
	VPXORD      0(SI), Z30, Z24
	VPXORD      64(SI), Z30, Z25
	VPXORD      128(SI), Z30, Z26
	VPXORD      192(SI), Z30, Z27
	VPDPWSSD    Z31, Z24, Z16
	VPDPWSSD    Z31, Z25, Z17
	VPDPWSSD    Z31, Z26, Z18
	VPDPWSSD    Z31, Z27, Z19
	ADDQ        $256, SI
	SUBQ        $256, BX

join:
	ADDQ        $256, BX
	VPADDD      Z20, Z16, Z16
	VPADDD      Z21, Z17, Z17
	VPADDD      Z22, Z18, Z18
	VPADDD      Z23, Z19, Z19

less256:
	CMPQ        BX, $64
	JB          last
	VPXORD      0(SI), Z30, Z24
	VPDPWSSD    Z31, Z24, Z16
	CMPQ        BX, $128
	JB          last
	VPXORD      64(SI), Z30, Z25
	VPDPWSSD    Z31, Z25, Z17
	CMPQ        BX, $192
	JB          last
	VPXORD      128(SI), Z30, Z26
	VPDPWSSD    Z31, Z26, Z18

	// The last 64 bytes, without those that have been summed.
last:
	ADDQ        BX, SI
	ANDL        $63, BX
	MOVL        $64, CX
	SUBL        BX, CX
	MOVQ        $-1, R8
	BZHIQ       CX, R8, R8
	NOTQ        R8 // BX ones at the top
	KMOVQ       R8, K1
	VMOVDQU8.Z  -64(SI), K1, Z27
	VPXORD      Z30, Z27, Z27
	VPDPWSSD    Z31, Z27, Z19
	VPADDD      Z17, Z16, Z16
	VPADDD      Z19, Z18, Z18
	VPADDD      Z18, Z16, Z16
	VEXTRACTI64X4 $1, Z16, Y17
	VPADDD      Y17, Y16, Y16

sum256:
	VEXTRACTI32X4 $1, Y16, X17
	VPADDD      X17, X16, X16
	VPSHUFD     $0x4e, X16, X17
	VPADDD      X17, X16, X16
	VPSHUFD     $0xb1, X16, X17
	VPADDD      X17, X16, X16
	VMOVD       X16, CX
	ADDL        DX, CX
	ADDL        CX, AX
	RORXL       $16, AX, CX
	ADDL        CX, AX
	SHRL        $16, AX
	ROLW        $8, AX
	MOVW        AX, ret+32(FP)
	RET
