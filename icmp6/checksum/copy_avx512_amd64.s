//go:build !purego

#include "textflag.h"

// func copyAVX512(dst, src []byte, initial uint16) uint16
//
// It sums as sumAVX512 does, between load and store; the reasons are there.
//
//	SI       next byte of src
//	DI       next byte of dst
//	BX       bytes left
//	AX       the sum, little-endian
//	DX       what the biased sum is short of
//	Z16-Z19  sums
//	Z24-Z27  data
//	Z30      bias, 2^15 in each word
//	Z31      1 in each word
//	K1       bytes that count
TEXT ·copyAVX512(SB), NOSPLIT, $0-58
	MOVQ        dst_base+0(FP), DI
	MOVQ        src_base+24(FP), SI
	MOVQ        src_len+32(FP), BX
	MOVWLZX     initial+48(FP), AX
	ROLW        $8, AX

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
	SUBQ        $256, BX
	JB          rest

loop256:
	VMOVDQU64   0(SI), Z24
	VMOVDQU64   64(SI), Z25
	VMOVDQU64   128(SI), Z26
	VMOVDQU64   192(SI), Z27
	VMOVDQU64   Z24, 0(DI)
	VMOVDQU64   Z25, 64(DI)
	VMOVDQU64   Z26, 128(DI)
	VMOVDQU64   Z27, 192(DI)
	VPXORD      Z30, Z24, Z24
	VPXORD      Z30, Z25, Z25
	VPXORD      Z30, Z26, Z26
	VPXORD      Z30, Z27, Z27
	VPDPWSSD    Z31, Z24, Z16
	VPDPWSSD    Z31, Z25, Z17
	VPDPWSSD    Z31, Z26, Z18
	VPDPWSSD    Z31, Z27, Z19
	ADDQ        $256, SI
	ADDQ        $256, DI
	SUBQ        $256, BX
	JAE         loop256

rest:
	ADDQ        $192, BX // BX+64 are left
	JNC         last

loop64:
	VMOVDQU64   0(SI), Z24
	VMOVDQU64   Z24, 0(DI)
	VPXORD      Z30, Z24, Z24
	VPDPWSSD    Z31, Z24, Z16
	ADDQ        $64, SI
	ADDQ        $64, DI
	SUBQ        $64, BX
	JAE         loop64

	// The last 64 bytes are copied whole, and summed without those that have
	// been summed.
last:
	VMOVDQU64   0(SI)(BX*1), Z27
	VMOVDQU64   Z27, 0(DI)(BX*1)
	NEGL        BX
	MOVQ        $-1, R8
	BZHIQ       BX, R8, R8
	NOTQ        R8 // as many ones at the top as bytes were left
	KMOVQ       R8, K1
	VMOVDQU8.Z  Z27, K1, Z27
	VPXORD      Z30, Z27, Z27
	VPDPWSSD    Z31, Z27, Z19
	VPADDD      Z17, Z16, Z16
	VPADDD      Z19, Z18, Z18
	VPADDD      Z18, Z16, Z16
	VEXTRACTI64X4 $1, Z16, Y17
	VPADDD      Y17, Y16, Y16
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
	MOVW        AX, ret+56(FP)
	RET
