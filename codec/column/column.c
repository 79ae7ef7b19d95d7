#include "codec/column/column.h"
#include "codec/base/checked.h"

/* Bytes past the end of every allocation of BYTES values, so that short values may be copied in
 * steps of sixteen bytes from and to anywhere inside. */
#define SLACK 32

size_t column_n_nulls(const struct column *c)
{
	return c->validity ? c->n - bitmap_count(c->validity, 0, c->n) : 0;
}

size_t column_len(const struct column *c)
{
	if (c->shape == COLUMN_FIXED)
		return c->n * c->width;
	return c->n ? (size_t)(c->offsets[c->n] - c->offsets[0]) : 0;
}

void column_buf_init(struct column_buf *b, enum column_shape shape, uint32_t width,
                     const teg_allocator *alloc)
{
	*b = (struct column_buf){ .shape = shape,
		                  .width = shape == COLUMN_FIXED ? width : 0,
		                  .alloc = alloc };
}

static size_t values_size(const struct column_buf *b)
{
	return b->shape == COLUMN_FIXED ? b->cap * b->width : b->bytes_cap + SLACK;
}

static size_t offsets_size(const struct column_buf *b)
{
	return (b->cap + 1) * sizeof *b->offsets;
}

void column_buf_release(struct column_buf *b)
{
	mem_free_aligned(b->alloc, b->validity, bitmap_len(b->cap));
	mem_free_aligned(b->alloc, b->values, values_size(b));
	mem_free_aligned(b->alloc, b->offsets, offsets_size(b));
	column_buf_init(b, b->shape, b->width, b->alloc);
}

void column_buf_clear(struct column_buf *b)
{
	b->n = 0;
	b->n_nulls = 0;
}

struct column column_buf_view(const struct column_buf *b)
{
	static const int32_t no_offsets[1] = { 0 };
	struct column c = { b->shape, b->width, b->n, NULL, b->values, NULL };

	if (b->n_nulls)
		c.validity = b->validity;
	if (b->shape == COLUMN_BYTES)
		c.offsets = b->offsets ? b->offsets : no_offsets;
	return c;
}

size_t column_buf_size(const struct column_buf *b)
{
	size_t size = b->values ? values_size(b) : 0;

	if (b->offsets)
		size += offsets_size(b);
	return size + (b->validity ? bitmap_len(b->cap) : 0);
}

static size_t bytes_used(const struct column_buf *b)
{
	return b->offsets ? (size_t)b->offsets[b->n] : 0;
}

/* A copy of `used` bytes in a block of `size`; the old block stays. */
static void *grown(const struct column_buf *b, const void *old, size_t used, size_t size)
{
	void *block = mem_alloc_aligned(b->alloc, size);

	if (block && used)
		memcpy(block, old, used);
	return block;
}

/* New blocks for `cap` values, all or none, then the old ones go. */
static teg_status grow_values(struct column_buf *b, size_t cap)
{
	struct column_buf to = *b;
	bool fixed = b->shape == COLUMN_FIXED;
	size_t bytes;

	to.cap = cap;
	if (!size_mul(cap + 1, fixed ? size_max(b->width, 1) : sizeof *b->offsets, &bytes))
		return TEG_NOMEM;
	if (fixed)
		to.values = grown(b, b->values, b->n * b->width, values_size(&to));
	else
		to.offsets = grown(b, b->offsets, b->offsets ? (b->n + 1) * sizeof *b->offsets : 0,
		                   offsets_size(&to));
	if (b->validity)
		to.validity = grown(b, b->validity, bitmap_len(b->n), bitmap_len(cap));
	if ((fixed ? !to.values : !to.offsets) || (b->validity && !to.validity)) {
		if (fixed)
			mem_free_aligned(b->alloc, to.values, values_size(&to));
		else
			mem_free_aligned(b->alloc, to.offsets, offsets_size(&to));
		mem_free_aligned(b->alloc, to.validity, bitmap_len(cap));
		return TEG_NOMEM;
	}
	if (fixed)
		mem_free_aligned(b->alloc, b->values, values_size(b));
	else
		mem_free_aligned(b->alloc, b->offsets, offsets_size(b));
	mem_free_aligned(b->alloc, b->validity, bitmap_len(b->cap));
	if (!fixed && !b->offsets)
		to.offsets[0] = 0;
	*b = to;
	return TEG_OK;
}

static teg_status grow_bytes(struct column_buf *b, size_t cap)
{
	uint8_t *values = grown(b, b->values, bytes_used(b), cap + SLACK);

	if (!values)
		return TEG_NOMEM;
	if (b->values)
		mem_free_aligned(b->alloc, b->values, b->bytes_cap + SLACK);
	b->values = values;
	b->bytes_cap = cap;
	return TEG_OK;
}

/* At least half again of what there was, so that appending stays linear; a few small values, or
 * bytes, at first. */
static size_t next_cap(size_t cap, size_t need, size_t width)
{
	return size_max(need, size_max(cap + cap / 2, width <= 64 ? 64 : 1));
}

teg_status column_buf_reserve(struct column_buf *b, size_t n, size_t bytes)
{
	size_t need, need_bytes;

	if (!size_add(b->n, n, &need))
		return TEG_NOMEM;
	if (b->shape == COLUMN_BYTES) {
		if (!size_add(bytes_used(b), bytes, &need_bytes) || need_bytes > COLUMN_BYTES_MAX)
			return TEG_LIMIT;
		if (need_bytes > b->bytes_cap || !b->values)
			TEG_TRY(grow_bytes(b, next_cap(b->bytes_cap, need_bytes, 1)));
	}
	if (need <= b->cap && (b->shape == COLUMN_FIXED ? !!b->values : !!b->offsets))
		return TEG_OK;
	return grow_values(b, next_cap(b->cap, need, b->width));
}

/* Validity memory for cap bits, the values held so far valid. */
static teg_status need_validity(struct column_buf *b)
{
	if (b->validity)
		return TEG_OK;
	b->validity = mem_alloc_aligned(b->alloc, bitmap_len(b->cap));
	if (!b->validity)
		return TEG_NOMEM;
	bitmap_fill(b->validity, 0, b->n, true);
	return TEG_OK;
}

void column_buf_count(struct column_buf *b, size_t n)
{
	if (b->validity)
		bitmap_fill(b->validity, b->n, n, true);
	b->n += n;
}

teg_status column_buf_set_validity(struct column_buf *b, size_t from, size_t n,
                                   const uint8_t *validity, size_t bit)
{
	size_t n_valid = bitmap_count(validity, bit, n);
	size_t had = b->validity ? n - bitmap_count(b->validity, from, n) : 0;

	if (n_valid == n && !had)
		return TEG_OK;
	TEG_TRY(need_validity(b));
	bitmap_copy(b->validity, from, validity, bit, n);
	b->n_nulls = b->n_nulls - had + (n - n_valid);
	return TEG_OK;
}

void *column_buf_extend(struct column_buf *b, size_t n)
{
	uint8_t *at;

	if (column_buf_reserve(b, n, 0) != TEG_OK)
		return NULL;
	at = b->values + b->n * b->width;
	column_buf_count(b, n);
	return at;
}

/* Reserves as asked and, where `c` has nulls, room for their bits. */
static teg_status prepare(struct column_buf *b, const struct column *c, size_t n, size_t bytes)
{
	TEG_TRY(column_buf_reserve(b, n, bytes));
	return c->validity ? need_validity(b) : TEG_OK;
}

static void append_offsets(struct column_buf *b, const int32_t *offsets, size_t n)
{
	int32_t shift = b->offsets[b->n] - offsets[0];
	int32_t *to = b->offsets + b->n + 1;

	for (size_t i = 0; i < n; i++)
		to[i] = offsets[i + 1] + shift;
}

teg_status column_buf_append(struct column_buf *b, const struct column *c, size_t from, size_t n)
{
	bool fixed = c->shape == COLUMN_FIXED;
	size_t start, bytes;

	if (!n)
		return TEG_OK;
	start = fixed ? from * c->width : (size_t)c->offsets[from];
	bytes = fixed ? n * c->width : (size_t)c->offsets[from + n] - start;
	TEG_TRY(prepare(b, c, n, fixed ? 0 : bytes));
	if (bytes)
		memcpy(b->values + (fixed ? b->n * b->width : bytes_used(b)), c->values + start,
		       bytes);
	if (!fixed)
		append_offsets(b, c->offsets + from, n);
	column_buf_count(b, n);
	return c->validity ? column_buf_set_validity(b, b->n - n, n, c->validity, from) : TEG_OK;
}

/* Gathers jump about in more memory than the caches hold; what is needed soon is asked for early. */
#define AHEAD 32

#define GATHER(T)                                                                    \
	static void gather_##T(T *to, const T *values, const uint32_t *at, size_t n) \
	{                                                                            \
		for (size_t i = 0; i < n; i++) {                                     \
			if (i + AHEAD < n)                                           \
				__builtin_prefetch(values + at[i + AHEAD]);          \
			to[i] = values[at[i]];                                       \
		}                                                                    \
	}
GATHER(uint8_t)
GATHER(uint16_t)
GATHER(uint32_t)
GATHER(uint64_t)

static bool aligned(const void *a, const void *b, size_t unit)
{
	return (((uintptr_t)a | (uintptr_t)b) & (unit - 1)) == 0;
}

static void gather_any(uint8_t *to, const uint8_t *values, size_t width, const uint32_t *at,
                       size_t n)
{
	for (size_t i = 0; i < n; i++)
		memcpy(to + i * width, values + at[i] * width, width);
}

static void gather_fixed(uint8_t *to, const struct column *c, const uint32_t *at, size_t n)
{
	const void *values = c->values;
	void *out = to;

	if (!aligned(out, values, c->width <= 8 ? size_max(c->width, 1) : 1))
		gather_any(to, c->values, c->width, at, n);
	else if (c->width == 8)
		gather_uint64_t(out, values, at, n);
	else if (c->width == 4)
		gather_uint32_t(out, values, at, n);
	else if (c->width == 2)
		gather_uint16_t(out, values, at, n);
	else if (c->width == 1)
		gather_uint8_t(to, c->values, at, n);
	else if (c->width == 16)
		gather_any(to, c->values, 16, at, n);
	else
		gather_any(to, c->values, c->width, at, n);
}

/* Short values, away from the end of their bytes, are copied sixteen bytes at once: the slack takes
 * what is too much. */
static void gather_bytes(struct column_buf *b, const struct column *c, const uint32_t *at, size_t n)
{
	const int32_t all = c->offsets[c->n];
	int32_t *offsets = b->offsets + b->n;
	uint8_t *to = b->values;

	for (size_t i = 0; i < n; i++) {
		int32_t from = c->offsets[at[i]];
		int32_t len = c->offsets[at[i] + 1] - from;

		if (i + 2 * AHEAD < n)
			__builtin_prefetch(c->offsets + at[i + 2 * AHEAD]);
		if (i + AHEAD < n)
			__builtin_prefetch(c->values + c->offsets[at[i + AHEAD]]);
		if (len <= 16 && all - from >= 16)
			memcpy(to + offsets[i], c->values + from, 16);
		else if (len)
			memcpy(to + offsets[i], c->values + from, (size_t)len);
		offsets[i + 1] = offsets[i] + len;
	}
}

static size_t gathered_bytes(const struct column *c, const uint32_t *at, size_t n)
{
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++) {
		if (i + AHEAD < n)
			__builtin_prefetch(c->offsets + at[i + AHEAD]);
		bytes += (size_t)(c->offsets[at[i] + 1] - c->offsets[at[i]]);
	}
	return bytes;
}

static void gather_validity(struct column_buf *b, const uint8_t *validity, const uint32_t *at,
                            size_t n)
{
	size_t from = b->n - n, n_nulls = 0;

	for (size_t i = 0; i < n; i++) {
		if (bitmap_get(validity, at[i]))
			continue;
		bitmap_clear(b->validity, from + i);
		n_nulls++;
	}
	b->n_nulls += n_nulls;
}

teg_status column_buf_gather(struct column_buf *b, const struct column *c, const uint32_t *at,
                             size_t n)
{
	bool fixed = c->shape == COLUMN_FIXED;

	if (!n)
		return TEG_OK;
	TEG_TRY(prepare(b, c, n, fixed ? 0 : gathered_bytes(c, at, n)));
	if (fixed)
		gather_fixed(b->values + b->n * b->width, c, at, n);
	else
		gather_bytes(b, c, at, n);
	column_buf_count(b, n);
	if (c->validity)
		gather_validity(b, c->validity, at, n);
	return TEG_OK;
}

/* Fills `n` times `len` bytes at `to` by doubling what is there already. */
static void repeat(uint8_t *to, struct span value, size_t n)
{
	size_t total = n * value.len, done = value.len;

	if (!total)
		return;
	memcpy(to, value.at, value.len);
	while (done < total) {
		size_t more = size_min(done, total - done);

		memcpy(to + done, to, more);
		done += more;
	}
}

teg_status column_buf_append_value(struct column_buf *b, struct span value, size_t n)
{
	bool fixed = b->shape == COLUMN_FIXED;
	size_t bytes;

	if (!n)
		return TEG_OK;
	if (!size_mul(n, value.len, &bytes))
		return TEG_LIMIT;
	TEG_TRY(column_buf_reserve(b, n, fixed ? 0 : bytes));
	repeat(b->values + (fixed ? b->n * b->width : bytes_used(b)), value, n);
	for (size_t i = 0; !fixed && i < n; i++)
		b->offsets[b->n + i + 1] = b->offsets[b->n + i] + (int32_t)value.len;
	column_buf_count(b, n);
	return TEG_OK;
}

teg_status column_buf_append_nulls(struct column_buf *b, size_t n)
{
	if (!n)
		return TEG_OK;
	TEG_TRY(column_buf_reserve(b, n, 0));
	TEG_TRY(need_validity(b));
	if (b->shape == COLUMN_FIXED)
		memset(b->values + b->n * b->width, 0, n * b->width);
	for (size_t i = 0; b->shape == COLUMN_BYTES && i < n; i++)
		b->offsets[b->n + i + 1] = b->offsets[b->n];
	bitmap_fill(b->validity, b->n, n, false);
	b->n += n;
	b->n_nulls += n;
	return TEG_OK;
}
