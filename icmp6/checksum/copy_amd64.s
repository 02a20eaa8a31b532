//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// func copySum(dst, src []byte, initial uint16) uint16
//
// Sends the data to the kernel of the tier. For the frame see sum.
TEXT ·copySum(SB), 0, $136-58
	CMPB ·tier(SB), $const_tierAVX2
	JB   generic
	CMPQ src_len+32(FP), $const_chunk
	JHI  long
	CMPB ·tier(SB), $const_tierAVX512
	JEQ  avx512
	RET  ·copyAVX2(SB)

avx512:
	RET  ·copyAVX512(SB)

long:
	RET  ·copyLong(SB)

generic:
	RET  ·copyGeneric(SB)
