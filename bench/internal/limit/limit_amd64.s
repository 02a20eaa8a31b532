#include "textflag.h"

// func Loads(b []byte)
// SI next byte, BX bytes left, minus 256 in the big loop and minus 32 in the small one.
TEXT ·Loads(SB), NOSPLIT, $0-24
	MOVQ b_base+0(FP), SI
	MOVQ b_len+8(FP), BX
	CMPQ BX, $32
	JB   words
	SUBQ $256, BX
	JB   vectors

blocks:
	VMOVDQU 0(SI), Y0
	VMOVDQU 32(SI), Y1
	VMOVDQU 64(SI), Y2
	VMOVDQU 96(SI), Y3
	VMOVDQU 128(SI), Y4
	VMOVDQU 160(SI), Y5
	VMOVDQU 192(SI), Y6
	VMOVDQU 224(SI), Y7
	ADDQ    $256, SI
	SUBQ    $256, BX
	JAE     blocks

vectors:
	ADDQ $224, BX // 256 - 32
	JLT  last

vector:
	VMOVDQU 0(SI), Y0
	ADDQ    $32, SI
	SUBQ    $32, BX
	JGE     vector

last:
	ADDQ    $32, BX
	JZ      done
	VMOVDQU -32(SI)(BX*1), Y0

done:
	VZEROUPPER
	RET

words:
	SUBQ $8, BX
	JLT  bytes

word:
	MOVQ 0(SI), AX
	ADDQ $8, SI
	SUBQ $8, BX
	JGE  word

bytes:
	ADDQ $8, BX
	JZ   end

byte:
	MOVB 0(SI), AX
	INCQ SI
	DECQ BX
	JNZ  byte

end:
	RET

// func Call(b []byte, initial uint16) uint16
TEXT ·Call(SB), NOSPLIT, $0-34
	MOVW initial+24(FP), AX
	MOVW AX, ret+32(FP)
	RET
