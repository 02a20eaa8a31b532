//go:build !purego

#include "textflag.h"

// masks holds 128 bytes of zeros, 128 of ones and 64 of zeros: a window that
// begins in the first part keeps the end of a few vectors, one that begins in the
// second part their beginning.
DATA ·masks+0x80(SB)/8, $-1
DATA ·masks+0x88(SB)/8, $-1
DATA ·masks+0x90(SB)/8, $-1
DATA ·masks+0x98(SB)/8, $-1
DATA ·masks+0xa0(SB)/8, $-1
DATA ·masks+0xa8(SB)/8, $-1
DATA ·masks+0xb0(SB)/8, $-1
DATA ·masks+0xb8(SB)/8, $-1
DATA ·masks+0xc0(SB)/8, $-1
DATA ·masks+0xc8(SB)/8, $-1
DATA ·masks+0xd0(SB)/8, $-1
DATA ·masks+0xd8(SB)/8, $-1
DATA ·masks+0xe0(SB)/8, $-1
DATA ·masks+0xe8(SB)/8, $-1
DATA ·masks+0xf0(SB)/8, $-1
DATA ·masks+0xf8(SB)/8, $-1
GLOBL ·masks(SB), RODATA|NOPTR, $320

// signs holds the top bit of each word of a vector.
DATA ·signs+0x0(SB)/8, $0x8000800080008000
DATA ·signs+0x8(SB)/8, $0x8000800080008000
DATA ·signs+0x10(SB)/8, $0x8000800080008000
DATA ·signs+0x18(SB)/8, $0x8000800080008000
GLOBL ·signs(SB), RODATA|NOPTR, $32

// units holds 1 in each word of a vector.
DATA ·units+0x0(SB)/8, $0x0001000100010001
DATA ·units+0x8(SB)/8, $0x0001000100010001
DATA ·units+0x10(SB)/8, $0x0001000100010001
DATA ·units+0x18(SB)/8, $0x0001000100010001
GLOBL ·units(SB), RODATA|NOPTR, $32
