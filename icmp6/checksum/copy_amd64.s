//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// func copySum(dst, src []byte, initial uint16) uint16
//
// Sends the data to the kernel of the tier. For NOFRAME and the CALL see sum.
TEXT ·copySum(SB), NOFRAME, $0-58
	MOVQ src_len+32(FP), BX
	CMPB ·tier(SB), $const_tierAVX2
	JB   generic
	CMPQ BX, $const_chunk
	JHI  long
	CMPB ·tier(SB), $const_tierAVX2
	JEQ  avx2
	CMPQ BX, $64
	JLS  avx2
	JMP  ·copyAVX512(SB)

avx2:
	JMP  ·copyAVX2(SB)

long:
	JMP  ·copyLong(SB)

generic:
	JMP  ·copyGeneric(SB)

	// Nothing comes here.
	CALL ·copyLong(SB)
	UNDEF
