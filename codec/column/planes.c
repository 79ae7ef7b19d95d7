#include "codec/column/planes.h"
#include "codec/base/checked.h"
#include "codec/column/kernel.h"
#include "codec/column/raw.h"

bool planes_apply(enum value_class class, uint32_t width)
{
	return width > 1 && raw_word(class, width) > 1;
}

#define SPLIT(NAME, U, S, BITS)                                                        \
	KERNEL static void split_##NAME(const uint8_t *values, size_t n, uint8_t *out) \
	{                                                                              \
		for (size_t i = 0; i < n; i++) {                                       \
			U v;                                                           \
                                                                                       \
			memcpy(&v, values + i * sizeof v, sizeof v);                   \
			for (size_t p = 0; p < sizeof v; p++)                          \
				out[p * n + i] = (uint8_t)(v >> (8 * p));              \
		}                                                                      \
	}
EACH_WORD(SPLIT)

#define MERGE(NAME, U, S, BITS)                                                         \
	KERNEL static void merge_##NAME(const uint8_t *planes, size_t page_n, size_t n, \
	                                uint8_t *restrict out)                          \
	{                                                                               \
		for (size_t i = 0; i < n; i++) {                                        \
			U v = 0;                                                        \
                                                                                        \
			for (size_t p = 0; p < sizeof v; p++)                           \
				v = (U)(v | (U)((U)planes[p * page_n + i] << (8 * p))); \
			memcpy(out + i * sizeof v, &v, sizeof v);                       \
		}                                                                       \
	}
EACH_WORD(MERGE)

/* Where byte p of a wide number lies in memory. */
static size_t wide_byte(uint32_t width, size_t p)
{
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? width - 1 - p : p;
}

static void split_wide(const uint8_t *values, uint32_t width, size_t n, uint8_t *out)
{
	for (size_t p = 0; p < width; p++)
		for (size_t i = 0; i < n; i++)
			out[p * n + i] = values[i * width + wide_byte(width, p)];
}

static void merge_wide(const uint8_t *planes, uint32_t width, size_t page_n, size_t n, uint8_t *out)
{
	for (size_t p = 0; p < width; p++)
		for (size_t i = 0; i < n; i++)
			out[i * width + wide_byte(width, p)] = planes[p * page_n + i];
}

void planes_encode(const struct column *c, size_t from, size_t n, struct buf *out)
{
	const uint8_t *values = c->values + from * c->width;
	uint8_t *at = buf_extend(out, n * c->width);

	if (!at)
		return;
	if (word_width(c->width))
		BY_WIDTH(c->width, split, values, n, at);
	else
		split_wide(values, c->width, n, at);
}

/* All that is left. */
static bool take_planes(struct reader *in, size_t page_n, uint32_t width, struct span *planes_out)
{
	size_t len;

	if (!size_mul(page_n, width, &len))
		return false;
	*planes_out = reader_take(in, len);
	return reader_ok(in) && !reader_left(in);
}

teg_status planes_take(struct reader *in, size_t page_n, const uint16_t *at, size_t n,
                       struct column_buf *out)
{
	uint32_t width = out->width;
	struct span planes;
	uint8_t *to;

	if (!take_planes(in, page_n, width, &planes))
		return TEG_CORRUPT;
	to = column_buf_extend(out, n);
	if (!to)
		return TEG_NOMEM;
	for (size_t i = 0; i < n; i++)
		for (size_t p = 0; p < width; p++)
			to[i * width + wide_byte(width, p)] = planes.at[p * page_n + at[i]];
	return TEG_OK;
}

teg_status planes_decode(struct reader *in, size_t page_n, size_t from, size_t n,
                         struct column_buf *out)
{
	struct span planes;
	void *to;

	if (!take_planes(in, page_n, out->width, &planes))
		return TEG_CORRUPT;
	to = column_buf_extend(out, n);
	if (!to)
		return TEG_NOMEM;
	if (word_width(out->width))
		BY_WIDTH(out->width, merge, planes.at + from, page_n, n, to);
	else
		merge_wide(planes.at + from, out->width, page_n, n, to);
	return TEG_OK;
}
