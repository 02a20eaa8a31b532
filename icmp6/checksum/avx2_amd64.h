// What sumAVX2 and copyAVX2 do with the data that they have loaded. AX, BX, CX and DX are
// as there, CX the odd last byte or 0.
//
//	Y0-Y7   data
//	Y8      P, the sums of the lanes modulo 2^64
//	Y9      A, the estimates of the same sums in units of 2^48
//	Y10-13  sums on their way to P
//	Y14     the top bit of each word
//	Y15     1 in each word

// WORDS128 adds CX to AX, and the words in Y0 to Y3 in pairs to the 32-bit lanes of Y0 and
// Y2. Of Y2 and Y3, which end with the data, the masks hide what Y0 and Y1 have. These two
// have been made signed, for the reason in sum; the 64 words are short of 2^21, which AX
// gets as well.
#define WORDS128 \
	VPAND        0(DX)(BX*2), Y2, Y2; \
	VPAND        32(DX)(BX*2), Y3, Y3; \
	VPXOR        Y14, Y2, Y2; \
	VPXOR        Y14, Y3, Y3; \
	VPMADDWD     Y15, Y0, Y0; \
	VPMADDWD     Y15, Y1, Y1; \
	VPMADDWD     Y15, Y2, Y2; \
	VPMADDWD     Y15, Y3, Y3; \
	LEAL         (1<<21)(AX)(CX*1), AX; \
	VPADDD       Y1, Y0, Y0; \
	VPADDD       Y3, Y2, Y2

// WORDS256 is WORDS128 for Y0 to Y3 and, masked, Y4 to Y7: 128 words, short of 2^22.
#define WORDS256 \
	VPAND        -128(DX)(BX*2), Y4, Y4; \
	VPAND        -96(DX)(BX*2), Y5, Y5; \
	VPAND        -64(DX)(BX*2), Y6, Y6; \
	VPAND        -32(DX)(BX*2), Y7, Y7; \
	VPMADDWD     Y15, Y0, Y0; \
	VPMADDWD     Y15, Y1, Y1; \
	VPMADDWD     Y15, Y2, Y2; \
	VPMADDWD     Y15, Y3, Y3; \
	VPXOR        Y14, Y4, Y4; \
	VPXOR        Y14, Y5, Y5; \
	VPXOR        Y14, Y6, Y6; \
	VPXOR        Y14, Y7, Y7; \
	VPADDD       Y1, Y0, Y0; \
	VPADDD       Y3, Y2, Y2; \
	VPMADDWD     Y15, Y4, Y4; \
	VPMADDWD     Y15, Y5, Y5; \
	VPMADDWD     Y15, Y6, Y6; \
	VPMADDWD     Y15, Y7, Y7; \
	LEAL         (1<<22)(AX)(CX*1), AX; \
	VPADDD       Y5, Y4, Y4; \
	VPADDD       Y7, Y6, Y6; \
	VPADDD       Y4, Y0, Y0; \
	VPADDD       Y6, Y2, Y2

// LANES32 adds the lanes of Y0 and Y2 to AX.
#define LANES32 \
	VPADDD       Y2, Y0, Y0; \
	VEXTRACTI128 $1, Y0, X1; \
	VPADDD       X1, X0, X0; \
	VPSHUFD      $0x4e, X0, X1; \
	VPADDD       X1, X0, X0; \
	VPSHUFD      $0xb1, X0, X1; \
	VPADDD       X1, X0, X0; \
	VMOVD        X0, CX; \
	ADDL         CX, AX

// ADD256 adds Y0 to Y7 to P, and to A eight times the average of their top words.
//
// VPAVGW rounds up, by less than 2 in three levels, which is less than 12 in the sum of
// eight; up to 7 more come from the second word of the average. What lies below the top
// words is less than 8. So A is off by less than 19, or 2^13 for 64 KiB.
#define ADD256 \
	VPADDQ       Y0, Y1, Y10; \
	VPAVGW       Y0, Y1, Y0; \
	VPADDQ       Y2, Y3, Y11; \
	VPAVGW       Y2, Y3, Y2; \
	VPADDQ       Y4, Y5, Y12; \
	VPAVGW       Y4, Y5, Y4; \
	VPADDQ       Y6, Y7, Y13; \
	VPAVGW       Y6, Y7, Y6; \
	VPADDQ       Y10, Y11, Y10; \
	VPAVGW       Y0, Y2, Y0; \
	VPADDQ       Y12, Y13, Y12; \
	VPAVGW       Y4, Y6, Y4; \
	VPADDQ       Y10, Y12, Y10; \
	VPAVGW       Y0, Y4, Y0; \
	VPADDQ       Y10, Y8, Y8; \
	VPSRLQ       $45, Y0, Y0; \
	VPADDQ       Y0, Y9, Y9

// ADD128 adds Y0 to Y3 to P, and to A four times the average of their top words.
#define ADD128 \
	VPADDQ       Y0, Y1, Y10; \
	VPAVGW       Y0, Y1, Y0; \
	VPADDQ       Y2, Y3, Y11; \
	VPAVGW       Y2, Y3, Y2; \
	VPADDQ       Y10, Y11, Y10; \
	VPAVGW       Y0, Y2, Y0; \
	VPADDQ       Y10, Y8, Y8; \
	VPSRLQ       $46, Y0, Y0; \
	VPADDQ       Y0, Y9, Y9

// TOTAL adds P, with its carries, to AX, and folds AX to 32 bits.
//
// P tells the true sum modulo 2^64, A tells it to within 2^61, so its part from 2^48 up
// is A plus a signed number of 16 bits: the difference of their words there. Since
// 2^48 = 1 modulo 2^16-1, that part is added to the part below.
#define TOTAL \
	VPSRLQ       $48, Y8, Y0; \
	VPSUBD       Y9, Y0, Y0; \
	VPSLLD       $16, Y0, Y0; \
	VPSRAD       $16, Y0, Y0; \
	VPADDD       Y9, Y0, Y0; \
	VPSLLQ       $16, Y8, Y8; \
	VPSRLQ       $16, Y8, Y8; \
	VPADDQ       Y0, Y8, Y0; \
	VEXTRACTI128 $1, Y0, X1; \
	VPADDQ       X1, X0, X0; \
	VPSHUFD      $0x4e, X0, X1; \
	VPADDQ       X1, X0, X0; \
	VMOVQ        X0, CX; \
	ADDQ         CX, AX; \
	RORXQ        $32, AX, CX; \
	ADDQ         CX, AX; \
	SHRQ         $32, AX
