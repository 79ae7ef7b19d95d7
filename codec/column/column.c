#include "codec/column/column.h"
#include "codec/base/checked.h"

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

void column_child_range(const struct column *c, size_t from, size_t n, size_t *from_out,
                        size_t *n_out)
{
	size_t each = c->shape == COLUMN_FIXED_LIST ? c->width : 1;

	*from_out = from * each;
	*n_out = n * each;
	if (c->shape != COLUMN_LIST)
		return;
	*from_out = (size_t)c->offsets[from];
	*n_out = (size_t)c->offsets[from + n] - *from_out;
}

void column_buf_init_as(struct column_buf *b, struct column_layout layout,
                        const teg_allocator *alloc)
{
	*b = (struct column_buf){ .shape = layout.shape,
		                  .width = layout.width,
		                  .n_children = layout.n_children,
		                  .nested = layout.children,
		                  .alloc = alloc };
}

void column_buf_init(struct column_buf *b, enum column_shape shape, uint32_t width,
                     const teg_allocator *alloc)
{
	struct column_layout layout = { .shape = shape,
		                        .width = shape == COLUMN_FIXED ? width : 0 };

	column_buf_init_as(b, layout, alloc);
}

struct column_layout column_buf_layout(const struct column_buf *b)
{
	return (struct column_layout){ b->shape, b->width, b->n_children, b->nested };
}

void column_buf_become(struct column_buf *b, const struct column_buf *like)
{
	if (b->shape != like->shape || b->width != like->width || b->nested != like->nested ||
	    b->n_children != like->n_children) {
		column_buf_release(b);
		column_buf_init_as(b, column_buf_layout(like), b->alloc);
	}
	column_buf_clear(b);
}

static size_t values_size(const struct column_buf *b)
{
	return b->shape == COLUMN_FIXED ? b->cap * b->width : b->bytes_cap + COLUMN_SLACK;
}

static size_t offsets_size(const struct column_buf *b)
{
	return (b->cap + 1) * sizeof *b->offsets;
}

static void release_children(struct column_buf *b)
{
	for (uint32_t i = 0; b->children && i < b->n_children; i++)
		column_buf_release(&b->children[i]);
	mem_free(b->alloc, b->children, b->n_children * sizeof *b->children);
	b->children = NULL;
}

static void free_values(struct column_buf *b)
{
	if (b->lender.owner)
		b->lender.give_back(b->lender.owner);
	else
		mem_free_aligned(b->alloc, b->values, values_size(b));
	b->values = NULL;
	b->lender = (struct column_lender){ NULL, NULL };
}

void column_buf_release(struct column_buf *b)
{
	mem_free_aligned(b->alloc, b->validity, bitmap_len(b->cap));
	free_values(b);
	mem_free_aligned(b->alloc, b->offsets, offsets_size(b));
	release_children(b);
	column_buf_init_as(b, column_buf_layout(b), b->alloc);
}

void column_buf_borrow(struct column_buf *b, const void *values, size_t n,
                       struct column_lender lender)
{
	column_buf_release(b);
	b->values = (uint8_t *)(uintptr_t)values;
	b->n = b->cap = n;
	b->lender = lender;
}

void column_buf_clear(struct column_buf *b)
{
	if (b->lender.owner)
		column_buf_release(b);
	b->n = 0;
	b->n_nulls = 0;
	for (uint32_t i = 0; b->children && i < b->n_children; i++)
		column_buf_clear(&b->children[i]);
}

struct column column_buf_view(const struct column_buf *b)
{
	static const int32_t no_offsets[1] = { 0 };
	struct column c = { b->shape, b->width, b->n, NULL, b->values, NULL, b->children };

	if (b->n_nulls)
		c.validity = b->validity;
	if (shape_has_offsets(b->shape))
		c.offsets = b->offsets ? b->offsets : no_offsets;
	return c;
}

size_t column_buf_size(const struct column_buf *b)
{
	size_t size = b->values && !b->lender.owner ? values_size(b) : 0;

	if (b->offsets)
		size += offsets_size(b);
	if (b->children)
		size += b->n_children * sizeof *b->children;
	for (uint32_t i = 0; b->children && i < b->n_children; i++)
		size += column_buf_size(&b->children[i]);
	return size + (b->validity ? bitmap_len(b->cap) : 0);
}

size_t column_buf_len(const struct column_buf *b)
{
	size_t len = b->shape == COLUMN_FIXED ? b->n * b->width : 0;

	if (shape_has_offsets(b->shape))
		len += b->n * sizeof *b->offsets;
	if (b->shape == COLUMN_BYTES && b->offsets)
		len += (size_t)b->offsets[b->n];
	for (uint32_t i = 0; b->children && i < b->n_children; i++)
		len += column_buf_len(&b->children[i]);
	return len;
}

void column_buf_truncate(struct column_buf *b, size_t n)
{
	struct column view;
	size_t from, rest;

	if (b->n > n) {
		b->n = n;
		b->n_nulls = b->n_nulls ? n - bitmap_count(b->validity, 0, n) : 0;
	}
	if (!b->children)
		return;
	view = column_buf_view(b);
	column_child_range(&view, 0, b->n, &from, &rest);
	for (uint32_t i = 0; i < b->n_children; i++)
		column_buf_truncate(&b->children[i], from + rest);
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
	bool fixed = b->shape == COLUMN_FIXED, offsets = shape_has_offsets(b->shape);
	struct column_buf to = *b;
	size_t bytes;

	to.cap = cap;
	if (!size_mul(cap + 1, fixed ? size_max(b->width, 1) : sizeof *b->offsets, &bytes))
		return TEG_NOMEM;
	if (fixed)
		to.values = grown(b, b->values, b->n * b->width, values_size(&to));
	if (offsets)
		to.offsets = grown(b, b->offsets, b->offsets ? (b->n + 1) * sizeof *b->offsets : 0,
		                   offsets_size(&to));
	if (b->validity)
		to.validity = grown(b, b->validity, bitmap_len(b->n), bitmap_len(cap));
	if ((fixed && !to.values) || (offsets && !to.offsets) || (b->validity && !to.validity)) {
		if (fixed)
			mem_free_aligned(b->alloc, to.values, values_size(&to));
		if (offsets)
			mem_free_aligned(b->alloc, to.offsets, offsets_size(&to));
		mem_free_aligned(b->alloc, to.validity, bitmap_len(cap));
		return TEG_NOMEM;
	}
	if (fixed)
		free_values(b);
	if (offsets)
		mem_free_aligned(b->alloc, b->offsets, offsets_size(b));
	mem_free_aligned(b->alloc, b->validity, bitmap_len(b->cap));
	if (offsets && !b->offsets)
		to.offsets[0] = 0;
	to.lender = b->lender;
	*b = to;
	return TEG_OK;
}

static teg_status grow_bytes(struct column_buf *b, size_t cap)
{
	uint8_t *values = grown(b, b->values, bytes_used(b), cap + COLUMN_SLACK);

	if (!values)
		return TEG_NOMEM;
	if (b->values)
		mem_free_aligned(b->alloc, b->values, b->bytes_cap + COLUMN_SLACK);
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

/* The whole tree below, or nothing of it. */
static teg_status need_children(struct column_buf *b)
{
	if (b->children || !b->n_children)
		return TEG_OK;
	b->children = mem_array(b->alloc, b->n_children, sizeof *b->children);
	if (!b->children)
		return TEG_NOMEM;
	for (uint32_t i = 0; i < b->n_children; i++)
		column_buf_init_as(&b->children[i], b->nested[i], b->alloc);
	for (uint32_t i = 0; i < b->n_children; i++) {
		if (need_children(&b->children[i]) == TEG_OK)
			continue;
		release_children(b);
		return TEG_NOMEM;
	}
	return TEG_OK;
}

/* What is borrowed is never written to, even where some of it was dropped. */
static bool has_room(const struct column_buf *b, size_t cap)
{
	if (cap > b->cap || (b->lender.owner && cap > b->n))
		return false;
	if (b->shape == COLUMN_FIXED)
		return b->values != NULL;
	return !shape_has_offsets(b->shape) || b->offsets;
}

teg_status column_buf_reserve(struct column_buf *b, size_t n, size_t bytes)
{
	size_t need, need_bytes;

	if (!size_add(b->n, n, &need))
		return TEG_NOMEM;
	TEG_TRY(need_children(b));
	if (b->shape == COLUMN_BYTES) {
		if (!size_add(bytes_used(b), bytes, &need_bytes) || need_bytes > COLUMN_BYTES_MAX)
			return TEG_LIMIT;
		if (need_bytes > b->bytes_cap || !b->values)
			TEG_TRY(grow_bytes(b, next_cap(b->bytes_cap, need_bytes, 1)));
	}
	if (has_room(b, need))
		return TEG_OK;
	return grow_values(b, next_cap(b->cap, need, b->width));
}

teg_status column_buf_reserve_below(struct column_buf *b, size_t n)
{
	size_t below = n;

	TEG_TRY(column_buf_reserve(b, n, 0));
	if (b->shape == COLUMN_LIST)
		return TEG_OK;
	if (b->shape == COLUMN_FIXED_LIST && !size_mul(n, b->width, &below))
		return TEG_NOMEM;
	for (uint32_t i = 0; i < b->n_children; i++)
		TEG_TRY(column_buf_reserve_below(&b->children[i], below));
	return TEG_OK;
}

teg_status column_buf_need_validity(struct column_buf *b)
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
	TEG_TRY(column_buf_need_validity(b));
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
	return c->validity ? column_buf_need_validity(b) : TEG_OK;
}

static void append_offsets(struct column_buf *b, const int32_t *offsets, size_t n)
{
	int32_t shift = b->offsets[b->n] - offsets[0];
	int32_t *to = b->offsets + b->n + 1;

	for (size_t i = 0; i < n; i++)
		to[i] = offsets[i + 1] + shift;
}

/* Adds to every child, or to none. */
static teg_status append_children(struct column_buf *b, const struct column *c, size_t from,
                                  size_t n)
{
	size_t first, count;

	column_child_range(c, from, n, &first, &count);
	for (uint32_t i = 0; count && i < b->n_children; i++) {
		struct column child = column_buf_view(&c->children[i]);
		teg_status status = column_buf_append(&b->children[i], &child, first, count);

		if (status == TEG_OK && b->shape == COLUMN_LIST &&
		    b->children[i].n > COLUMN_BYTES_MAX)
			status = TEG_LIMIT;
		if (status != TEG_OK) {
			column_buf_truncate(b, b->n);
			return status;
		}
	}
	return TEG_OK;
}

static teg_status append_nested(struct column_buf *b, const struct column *c, size_t from, size_t n)
{
	TEG_TRY(prepare(b, c, n, 0));
	TEG_TRY(append_children(b, c, from, n));
	if (b->shape == COLUMN_LIST)
		append_offsets(b, c->offsets + from, n);
	column_buf_count(b, n);
	return c->validity ? column_buf_set_validity(b, b->n - n, n, c->validity, from) : TEG_OK;
}

teg_status column_buf_append(struct column_buf *b, const struct column *c, size_t from, size_t n)
{
	bool fixed = c->shape == COLUMN_FIXED;
	size_t start, bytes;

	if (!n)
		return TEG_OK;
	if (shape_is_nested(c->shape))
		return append_nested(b, c, from, n);
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

/* Slots for n more values that say nothing, counted as valid. */
static teg_status append_empty(struct column_buf *b, size_t n)
{
	size_t each = b->shape == COLUMN_FIXED_LIST ? b->width : 1, count;

	if (!size_mul(n, each, &count))
		return TEG_NOMEM;
	if (b->shape == COLUMN_FIXED)
		memset(b->values + b->n * b->width, 0, n * b->width);
	for (size_t i = 0; shape_has_offsets(b->shape) && i < n; i++)
		b->offsets[b->n + i + 1] = b->offsets[b->n];
	for (uint32_t i = 0; b->shape != COLUMN_LIST && i < b->n_children; i++) {
		teg_status status = column_buf_append_zeros(&b->children[i], count);

		if (status != TEG_OK) {
			column_buf_truncate(b, b->n);
			return status;
		}
	}
	column_buf_count(b, n);
	return TEG_OK;
}

teg_status column_buf_append_zeros(struct column_buf *b, size_t n)
{
	if (!n)
		return TEG_OK;
	TEG_TRY(column_buf_reserve(b, n, 0));
	return append_empty(b, n);
}

teg_status column_buf_append_nulls(struct column_buf *b, size_t n)
{
	if (!n)
		return TEG_OK;
	TEG_TRY(column_buf_reserve(b, n, 0));
	TEG_TRY(column_buf_need_validity(b));
	TEG_TRY(append_empty(b, n));
	bitmap_fill(b->validity, b->n - n, n, false);
	b->n_nulls += n;
	return TEG_OK;
}

teg_status column_buf_append_flags(struct column_buf *b, const uint8_t *flags, size_t n)
{
	size_t first = b->n, n_nulls = 0;

	for (size_t i = 0; i < n; i++)
		n_nulls += !flags[i];
	TEG_TRY(column_buf_reserve(b, n, 0));
	if (n_nulls)
		TEG_TRY(column_buf_need_validity(b));
	column_buf_count(b, n);
	for (size_t i = 0; n_nulls && i < n; i++)
		if (!flags[i])
			bitmap_clear(b->validity, first + i);
	b->n_nulls += n_nulls;
	return TEG_OK;
}
