#include "textflag.h"

// SSE and SSE2 only, which every amd64 processor has, and no fused operations.

#define EIGHT(at) \
	MOVUPS at(SI), X2;    \
	MOVUPS at(DI), X3;    \
	MULPS  X3, X2;        \
	ADDPS  X2, X0;        \
	MOVUPS at+16(SI), X4; \
	MOVUPS at+16(DI), X5; \
	MULPS  X5, X4;        \
	ADDPS  X4, X1

// func Dot(a, b *Vector) float32
TEXT ·Dot(SB), NOSPLIT, $0-20
	MOVQ  a+0(FP), SI
	MOVQ  b+8(FP), DI
	XORPS X0, X0 // the sums 0 to 3
	XORPS X1, X1 // the sums 4 to 7
	EIGHT(0)
	EIGHT(32)
	EIGHT(64)
	EIGHT(96)
	EIGHT(128)
	EIGHT(160)
	EIGHT(192)
	EIGHT(224)
	EIGHT(256)
	EIGHT(288)
	EIGHT(320)
	EIGHT(352)
	EIGHT(384)
	EIGHT(416)
	EIGHT(448)
	EIGHT(480)

	// (0+1)+(2+3) and (4+5)+(6+7)
	MOVAPS  X0, X2
	SHUFPS  $0xB1, X2, X2
	ADDPS   X2, X0
	MOVHLPS X0, X2
	ADDSS   X2, X0
	MOVAPS  X1, X3
	SHUFPS  $0xB1, X3, X3
	ADDPS   X3, X1
	MOVHLPS X1, X3
	ADDSS   X3, X1
	ADDSS   X1, X0
	MOVSS   X0, ret+16(FP)
	RET

// A byte becomes the upper half of a word, and so counts 256 times.
#define SIXTEEN(at) \
	MOVOU     at(DI), X2;      \
	PXOR      X3, X3;          \
	PXOR      X4, X4;          \
	PUNPCKLBW X2, X3;          \
	PUNPCKHBW X2, X4;          \
	MOVOU     2*at(SI), X5;    \
	MOVOU     2*at+16(SI), X6; \
	PMADDWL   X5, X3;          \
	PMADDWL   X6, X4;          \
	PADDL     X3, X0;          \
	PADDL     X4, X1

// func dotCode(q *wide, c *code) int32
TEXT ·dotCode(SB), NOSPLIT, $0-20
	MOVQ q+0(FP), SI
	MOVQ c+8(FP), DI
	PXOR X0, X0
	PXOR X1, X1
	SIXTEEN(0)
	SIXTEEN(16)
	SIXTEEN(32)
	SIXTEEN(48)
	SIXTEEN(64)
	SIXTEEN(80)
	SIXTEEN(96)
	SIXTEEN(112)
	PADDL X1, X0
	PSHUFD $0x4E, X0, X1
	PADDL X1, X0
	PSHUFD $0xB1, X0, X1
	PADDL X1, X0
	MOVQ X0, AX
	SARL $8, AX
	MOVL AX, ret+16(FP)
	RET
