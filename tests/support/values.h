/* Values in tables of cases: { TYPE(INT64), I(2), "x < 2.5", 'T' }. */
#ifndef TEG_TESTS_SUPPORT_VALUES_H
#define TEG_TESTS_SUPPORT_VALUES_H
#include "engine/tegula.h"

#define TYPE(t)                 \
	{                       \
		.type = TEG_##t \
	}
#define I(v)                                   \
	{                                      \
		.type = TEG_INT64, .as.i = (v) \
	}
#define U(v)                                    \
	{                                       \
		.type = TEG_UINT64, .as.u = (v) \
	}
#define F(v)                                     \
	{                                        \
		.type = TEG_FLOAT64, .as.f = (v) \
	}
/* Of a literal, for a zero byte may stand in it. */
#define S(t)                                                        \
	{                                                           \
		.type = TEG_UTF8, .as.bytes = {(t), sizeof(t) - 1 } \
	}
#define Y(t)                                                         \
	{                                                            \
		.type = TEG_BYTES, .as.bytes = {(t), sizeof(t) - 1 } \
	}
#define NONE              \
	{                 \
		.type = 0 \
	}
#endif
