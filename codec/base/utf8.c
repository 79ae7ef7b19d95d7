#include "codec/base/utf8.h"

#define HIGH_BITS 0x8080808080808080u

static bool in_range(uint8_t byte, uint8_t lo, uint8_t hi)
{
	return byte >= lo && byte <= hi;
}

/* Bytes of the character at `at`, 0 where it is none. */
static size_t char_len(const uint8_t *at, size_t left)
{
	uint8_t head = at[0], lo = 0x80, hi = 0xbf;
	size_t len = head < 0x80 ? 1 : head < 0xe0 ? 2 : head < 0xf0 ? 3 : 4;

	if ((head >= 0x80 && head < 0xc2) || head > 0xf4 || left < len)
		return 0;
	/* The second byte is where over-long forms, surrogates and too large numbers show. */
	if (head == 0xe0)
		lo = 0xa0;
	else if (head == 0xf0)
		lo = 0x90;
	else if (head == 0xed)
		hi = 0x9f;
	else if (head == 0xf4)
		hi = 0x8f;
	if (len > 1 && !in_range(at[1], lo, hi))
		return 0;
	for (size_t i = 2; i < len; i++)
		if (!in_range(at[i], 0x80, 0xbf))
			return 0;
	return len;
}

size_t utf8_valid_len(struct span text)
{
	size_t i = 0;

	while (i < text.len) {
		size_t len;

		if (text.len - i >= 8 && !(load_u64(text.at + i) & HIGH_BITS)) {
			i += 8;
			continue;
		}
		len = char_len(text.at + i, text.len - i);
		if (!len)
			break;
		i += len;
	}
	return i;
}
