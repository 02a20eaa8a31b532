//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// func sum(b []byte, initial uint16) uint16
//
// Sends each length to its kernel, and sums the short ones here. AVX2 sums 9 to 64
// bytes as pairs of words in 32-bit lanes, by the same instructions for every length,
// because short lengths are hard to predict. Up to 8 bytes, those before the end of a
// page, and up to 64 without AVX2 are summed in words of 32 or 64 bits, whose carries
// go round; that part takes no more than any amd64 has.
//
// A goroutine can be stopped for a garbage collection in the stack check, which the
// assembler inserts for the sake of the CALL at the end. NOFRAME spares the frame
// that comes with it otherwise.
//
//	SI      next byte
//	BX      bytes left; in the loop, words left
//	AX      the sum, little-endian
//	CX, R8  scratch
//	DX      mask table
//	Y0, Y1  data
//	Y2, Y3  masks
TEXT ·sum(SB), NOFRAME, $0-34
	MOVQ         b_base+0(FP), SI
	MOVQ         b_len+8(FP), BX
	CMPB         ·tier(SB), $const_tierAVX2
	JNE          other
	CMPQ         BX, $64
	JHI          wide
	MOVWLZX      initial+24(FP), AX
	ROLW         $8, AX
	CMPQ         BX, $8
	JLS          upto8

	// A masked load that reaches into the next page costs a hundred nanoseconds
	// if that page is not there, although it reads nothing of it. The rotation
	// puts the offset within the page on top.
	RORXL        $12, SI, DX
	CMPL         DX, $(4033<<20 - 1)
	JHI          words

	// A masked load takes a dword if the last byte of its mask is set: here, if
	// the dword ends before the last byte of data. So 1 to 4 bytes are left,
	// which come from a load that ends with the data.
	LEAQ         ·masks+256(SB), DX
	SUBQ         BX, DX
	VMOVDQU      1(DX), Y2
	VMOVDQU      33(DX), Y3
	VPMASKMOVD   (SI), Y2, Y0
	VPMASKMOVD   32(SI), Y3, Y1
	LEAL         (BX*8), CX
	NEGL         CX
	SHRXL        CX, -4(SI)(BX*1), R8 // by 32 less 8 for each byte left

	// A word x becomes x - 2^15, because VPMADDWD takes it as signed. The 32
	// words are short of 2^20 in the end, whatever they hold.
	VPXOR        ·signs(SB), Y0, Y0
	VPXOR        ·signs(SB), Y1, Y1
	VPMADDWD     ·units(SB), Y0, Y0
	VPMADDWD     ·units(SB), Y1, Y1
	VPADDD       Y1, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPADDD       X1, X0, X0
	VPSHUFD      $0x4e, X0, X1
	VPADDD       X1, X0, X0
	VPSHUFD      $0xb1, X0, X1
	VPADDD       X1, X0, X0
	VMOVD        X0, CX
	VZEROUPPER
	LEAL         (1<<20)(CX), CX
	ADDL         R8, AX
	ADCL         CX, AX
	ADCL         $0, AX

	// Fold 32 bits to 16, the carry going round, and return to wire order.
fold32:
	MOVL         AX, CX
	ROLL         $16, CX
	ADDL         CX, AX
	BSWAPL       AX
	MOVW         AX, ret+32(FP)
	RET

upto8:
	CMPQ         BX, $4
	JLS          upto4
	// Of the last dword, only the 1 to 4 bytes count that the first one has not.
	MOVL         -4(SI)(BX*1), R8
	LEAL         (BX*8), CX
	NEGL         CX
	SHRL         CX, R8
	ADDL         (SI), AX
	ADCL         R8, AX
	ADCL         $0, AX
	JMP          fold32

upto4:
	JEQ          four
	TESTL        $1, BX
	JZ           even
	MOVBLZX      -1(SI)(BX*1), CX
	ADDL         CX, AX

even:
	TESTL        $2, BX
	JZ           fold32
	MOVWLZX      (SI), CX
	ADDL         CX, AX
	JMP          fold32

four:
	ADDL         (SI), AX
	ADCL         $0, AX
	JMP          fold32

	// 9 to 64 bytes. Of the last 8, only those count that fill no word of 8.
words:
	MOVQ         -8(SI)(BX*1), R8
	LEAL         (BX*8), CX
	NEGL         CX
	SHRQ         CX, R8 // by 64 less 8 for each of these 1 to 8 bytes
	DECL         BX
	SHRL         $3, BX
	ADDQ         R8, AX

word:
	ADCQ         (SI), AX
	LEAQ         8(SI), SI
	DECL         BX // keeps the carry
	JNZ          word
	ADCQ         $0, AX
	MOVQ         AX, CX
	ROLQ         $32, CX
	ADDQ         CX, AX
	SHRQ         $32, AX
	JMP          fold32

wide:
	CMPQ         BX, $const_chunk
	JHI          long
	JMP          ·sumAVX2(SB)

long:
	JMP          ·sumLong(SB)

other:
	CMPQ         BX, $64
	JHI          wideOther
	MOVWLZX      initial+24(FP), AX
	ROLW         $8, AX
	CMPQ         BX, $8
	JLS          upto8
	CMPB         ·tier(SB), $const_tierAVX512
	JNE          words
	RORXL        $12, SI, DX
	CMPL         DX, $(4033<<20 - 1)
	JHI          words
	JMP          ·sumAVX512(SB)

wideOther:
	CMPB         ·tier(SB), $const_tierAVX512
	JNE          generic
	CMPQ         BX, $const_chunk
	JHI          long
	JMP          ·sumAVX512(SB)

generic:
	JMP          ·sumGeneric(SB)

	// Nothing comes here.
	CALL         ·sumLong(SB)
	UNDEF
