#include "codec/column/validity.h"
#include "codec/base/bits.h"

enum { ALL_VALID = 0, ALL_NULL = 1, BITMAP = 2, POSITIONS = 3 };

size_t validity_bound(size_t n)
{
	return 1 + bitmap_len(n);
}

static bool positions_shorter(size_t n_nulls, size_t n)
{
	return 2 + 2 * n_nulls < bitmap_len(n);
}

static void put_positions(const uint8_t *validity, size_t from, size_t n, size_t n_nulls,
                          struct buf *out)
{
	buf_u16(out, (uint16_t)n_nulls);
	for (size_t i = 0; i < n; i++)
		if (!bitmap_get(validity, from + i))
			buf_u16(out, (uint16_t)i);
}

void validity_encode(const uint8_t *validity, size_t from, size_t n, struct buf *out)
{
	size_t n_nulls = n - bitmap_count(validity, from, n);
	uint8_t *bits;

	if (!n_nulls || n_nulls == n) {
		buf_u8(out, n_nulls ? ALL_NULL : ALL_VALID);
	} else if (positions_shorter(n_nulls, n)) {
		buf_u8(out, POSITIONS);
		put_positions(validity, from, n, n_nulls, out);
	} else {
		buf_u8(out, BITMAP);
		bits = buf_extend(out, bitmap_len(n));
		if (!bits)
			return;
		bits[bitmap_len(n) - 1] = 0;
		bitmap_copy(bits, 0, validity, from, n);
	}
}

static bool open_bitmap(struct reader *in, struct validity *v)
{
	v->body = reader_take(in, bitmap_len(v->n));
	if (!reader_ok(in))
		return false;
	if (v->n % 8 && v->body.at[v->n / 8] >> v->n % 8)
		return false;
	v->n_nulls = v->n - bitmap_count(v->body.at, 0, v->n);
	return v->n_nulls && v->n_nulls < v->n && !positions_shorter(v->n_nulls, v->n);
}

static bool open_positions(struct reader *in, struct validity *v)
{
	int64_t last = -1;

	v->n_nulls = reader_u16(in);
	v->body = reader_take(in, 2 * v->n_nulls);
	if (!reader_ok(in) || !v->n_nulls || !positions_shorter(v->n_nulls, v->n))
		return false;
	for (size_t i = 0; i < v->n_nulls; i++) {
		int64_t at = load_u16(v->body.at + 2 * i);

		if (at <= last || (size_t)at >= v->n)
			return false;
		last = at;
	}
	return true;
}

bool validity_reopen(struct reader *in, size_t n, struct validity *validity_out)
{
	struct validity v = { reader_u8(in), n, 0, { NULL, 0 } };

	if (v.mode == ALL_NULL)
		v.n_nulls = n;
	if (v.mode == POSITIONS)
		v.n_nulls = reader_u16(in);
	if (v.mode == BITMAP || v.mode == POSITIONS)
		v.body = reader_take(in, v.mode == BITMAP ? bitmap_len(n) : 2 * v.n_nulls);
	*validity_out = v;
	return reader_ok(in);
}

bool validity_open(struct reader *in, size_t n, struct validity *validity_out)
{
	struct validity v = { reader_u8(in), n, 0, { NULL, 0 } };
	bool ok = reader_ok(in);

	switch (v.mode) {
	case ALL_VALID: break;
	case ALL_NULL: v.n_nulls = n; break;
	case BITMAP: ok = ok && open_bitmap(in, &v); break;
	case POSITIONS: ok = ok && open_positions(in, &v); break;
	default: return false;
	}
	*validity_out = v;
	return ok;
}

/* The first of the positions, which ascend, that is not below `from`. */
static size_t first_position(const struct validity *v, size_t from)
{
	size_t low = 0, high = v->n_nulls;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (load_u16(v->body.at + 2 * mid) < from)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void clear_positions(const struct validity *v, size_t from, size_t n, uint8_t *bits)
{
	for (size_t i = first_position(v, from); i < v->n_nulls; i++) {
		size_t at = load_u16(v->body.at + 2 * i);

		if (at - from >= n)
			break;
		bitmap_clear(bits, at - from);
	}
}

bool validity_bits(const struct validity *v, size_t from, size_t n, uint8_t *bits_out)
{
	if (v->mode == ALL_VALID)
		return false;
	if (v->mode == BITMAP) {
		bitmap_copy(bits_out, 0, v->body.at, from, n);
		return true;
	}
	bitmap_fill(bits_out, 0, n, v->mode == POSITIONS);
	if (v->mode == POSITIONS)
		clear_positions(v, from, n, bits_out);
	return true;
}

static void take_positions(const struct validity *v, const uint16_t *at, size_t n, uint8_t *bits)
{
	size_t k = first_position(v, at[0]);

	for (size_t i = 0; i < n; i++) {
		while (k < v->n_nulls && load_u16(v->body.at + 2 * k) < at[i])
			k++;
		if (k < v->n_nulls && load_u16(v->body.at + 2 * k) == at[i])
			bitmap_clear(bits, i);
	}
}

bool validity_take(const struct validity *v, const uint16_t *at, size_t n, uint8_t *bits_out)
{
	if (v->mode == ALL_VALID)
		return false;
	bitmap_fill(bits_out, 0, n, v->mode == POSITIONS);
	if (v->mode == POSITIONS)
		take_positions(v, at, n, bits_out);
	for (size_t i = 0; v->mode == BITMAP && i < n; i++)
		if (bitmap_get(v->body.at, at[i]))
			bitmap_set(bits_out, i);
	return true;
}
