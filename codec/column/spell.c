#include "codec/column/spell.h"
#include "codec/base/checked.h"
#include "codec/column/kernel.h"

#define SHORT_MAX COLUMN_SLACK /* bytes of a value that is copied at once */
#define LOOK_WORTH 64          /* lengths that are looked at in the time of spelling a value */

KERNEL static void bound_lengths(const int32_t *offsets, size_t n, int32_t *min, int32_t *max)
{
	int32_t lo = *min, hi = *max;

	for (size_t i = 0; i < n; i++) {
		int32_t len = offsets[i + 1] - offsets[i];

		lo = len < lo ? len : lo;
		hi = len > hi ? len : hi;
	}
	*min = lo;
	*max = hi;
}

struct spelling spelling_of(const struct column_buf *values, size_t n)
{
	int32_t shortest = COLUMN_BYTES_MAX, longest = 0;

	if (n * LOOK_WORTH < values->n)
		return (struct spelling){ 0, COLUMN_BYTES_MAX };
	bound_lengths(values->offsets, values->n, &shortest, &longest);
	return (struct spelling){ (uint32_t)shortest, (uint32_t)longest };
}

KERNEL static void put_steps(int32_t *offsets, size_t n, int32_t len)
{
	int32_t end = offsets[0];

	for (size_t i = 0; i < n; i++)
		offsets[i + 1] = end + (int32_t)(i + 1) * len;
}

/* All values of one length, each copied with `size` bytes. */
ALWAYS_INLINE void copy_even(const uint8_t *values, uint32_t len, size_t size,
                             const uint16_t *codes, size_t n, uint8_t *to)
{
	for (size_t i = 0; i < n; i++)
		memcpy(to + i * len, values + (size_t)codes[i] * len, size);
}

static void spell_even(const struct column_buf *values, uint32_t len, const uint16_t *codes,
                       size_t n, struct column_buf *out)
{
	int32_t *offsets = out->offsets + out->n;
	uint8_t *to = out->values + offsets[0];

	put_steps(offsets, n, (int32_t)len);
	if (len <= 4)
		copy_even(values->values, len, 4, codes, n, to);
	else if (len <= 8)
		copy_even(values->values, len, 8, codes, n, to);
	else if (len <= 16)
		copy_even(values->values, len, 16, codes, n, to);
	else
		copy_even(values->values, len, SHORT_MAX, codes, n, to);
}

ALWAYS_INLINE void copy_uneven(const struct column_buf *values, size_t size, const uint16_t *codes,
                               size_t n, const uint8_t *valid, size_t bit, int32_t *offsets,
                               uint8_t *to)
{
	int32_t end = offsets[0];

	for (size_t i = 0; i < n; i++) {
		int32_t at[2], len;

		memcpy(at, values->offsets + codes[i], sizeof at);
		len = at[1] - at[0];
		if (valid)
			len &= -(int32_t)bitmap_get(valid, bit + i);
		memcpy(to + end, values->values + at[0], size);
		end += len;
		offsets[i + 1] = end;
	}
}

static void spell_uneven(const struct column_buf *values, uint32_t longest, const uint16_t *codes,
                         size_t n, const uint8_t *valid, size_t bit, struct column_buf *out)
{
	int32_t *offsets = out->offsets + out->n;
	uint8_t *to = out->values;

	if (longest <= 8 && !valid)
		copy_uneven(values, 8, codes, n, NULL, 0, offsets, to);
	else if (longest <= 8)
		copy_uneven(values, 8, codes, n, valid, bit, offsets, to);
	else if (longest <= 16)
		copy_uneven(values, 16, codes, n, valid, bit, offsets, to);
	else
		copy_uneven(values, SHORT_MAX, codes, n, valid, bit, offsets, to);
}

static uint64_t total_len(const struct column_buf *values, const uint16_t *codes, size_t n,
                          const uint8_t *valid, size_t bit)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++) {
		const int32_t *at = values->offsets + codes[i];

		if (!valid || bitmap_get(valid, bit + i))
			total += (uint64_t)(at[1] - at[0]);
	}
	return total;
}

static void spell_long(const struct column_buf *values, const uint16_t *codes, size_t n,
                       const uint8_t *valid, size_t bit, struct column_buf *out)
{
	int32_t *offsets = out->offsets + out->n;
	int32_t end = offsets[0];

	for (size_t i = 0; i < n; i++) {
		const int32_t *at = values->offsets + codes[i];
		size_t len = (size_t)(at[1] - at[0]);

		if (valid && !bitmap_get(valid, bit + i))
			len = 0;
		if (len)
			memcpy(out->values + end, values->values + at[0], len);
		end += (int32_t)len;
		offsets[i + 1] = end;
	}
}

/* Room for as much as there may be, where that is little; else for as much as there is. */
static teg_status make_room(const struct spelling *s, const struct column_buf *values,
                            const uint16_t *codes, size_t n, const uint8_t *valid, size_t bit,
                            struct column_buf *out)
{
	size_t most = s->longest <= SHORT_MAX ? n * s->longest : SIZE_MAX;
	size_t used = out->offsets ? (size_t)out->offsets[out->n] : 0;

	if (most > COLUMN_BYTES_MAX || used > COLUMN_BYTES_MAX - most)
		most = (size_t)total_len(values, codes, n, valid, bit);
	return column_buf_reserve(out, n, most);
}

teg_status spell(const struct spelling *s, const struct column_buf *values, const uint16_t *codes,
                 size_t n, const uint8_t *valid, size_t bit, struct column_buf *out)
{
	if (!n)
		return TEG_OK;
	TEG_TRY(make_room(s, values, codes, n, valid, bit, out));
	if (s->longest > SHORT_MAX)
		spell_long(values, codes, n, valid, bit, out);
	else if (!valid && s->shortest == s->longest)
		spell_even(values, s->longest, codes, n, out);
	else
		spell_uneven(values, s->longest, codes, n, valid, bit, out);
	column_buf_count(out, n);
	return TEG_OK;
}
