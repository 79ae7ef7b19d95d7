/* Valid UTF-8, as RFC 3629 has it: no over-long forms, no surrogates, nothing above U+10FFFF. */
#ifndef TEG_CODEC_BASE_UTF8_H
#define TEG_CODEC_BASE_UTF8_H
#include "codec/base/span.h"

/* Bytes of the longest valid prefix: text.len where all of it is valid. */
size_t utf8_valid_len(struct span text);

static inline bool utf8_valid(struct span text)
{
	return utf8_valid_len(text) == text.len;
}
#endif
