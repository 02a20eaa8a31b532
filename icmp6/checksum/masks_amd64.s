//go:build !purego

#include "textflag.h"

// Any 64 bytes of this table from its first third keep the end of a vector pair,
// any from its second third the beginning.
DATA ·masks+0x00(SB)/8, $0
DATA ·masks+0x08(SB)/8, $0
DATA ·masks+0x10(SB)/8, $0
DATA ·masks+0x18(SB)/8, $0
DATA ·masks+0x20(SB)/8, $0
DATA ·masks+0x28(SB)/8, $0
DATA ·masks+0x30(SB)/8, $0
DATA ·masks+0x38(SB)/8, $0
DATA ·masks+0x40(SB)/8, $-1
DATA ·masks+0x48(SB)/8, $-1
DATA ·masks+0x50(SB)/8, $-1
DATA ·masks+0x58(SB)/8, $-1
DATA ·masks+0x60(SB)/8, $-1
DATA ·masks+0x68(SB)/8, $-1
DATA ·masks+0x70(SB)/8, $-1
DATA ·masks+0x78(SB)/8, $-1
DATA ·masks+0x80(SB)/8, $0
DATA ·masks+0x88(SB)/8, $0
DATA ·masks+0x90(SB)/8, $0
DATA ·masks+0x98(SB)/8, $0
DATA ·masks+0xa0(SB)/8, $0
DATA ·masks+0xa8(SB)/8, $0
DATA ·masks+0xb0(SB)/8, $0
DATA ·masks+0xb8(SB)/8, $0
GLOBL ·masks(SB), RODATA|NOPTR, $192
