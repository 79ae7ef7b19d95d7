#include "engine/unique/codes.h"
#include "codec/base/sort.h"

#define BLOCK_ROWS ((size_t)64 << 10) /* of each new segment */

struct finder {
	struct teg_array *array;
	uint64_t since;
	codes_each each;
	void *ctx;
	const teg_allocator *alloc;
	struct tile_reader reader;
	/* Of each new segment up to `most` rows from code `from` on; where some segment was cut off
	 * there, all rows of codes below `end` are among them. */
	uint64_t from, end;
	size_t most, taken;
	bool cut;
	struct code_rows block; /* ascending */
	size_t n_whole;         /* of them, those of codes that are complete */
	struct code_rows found;
};

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to look for keys that are there already");
}

static teg_status add(struct finder *f, struct code_rows *to, uint64_t code, int64_t row,
                      teg_error *err)
{
	void *block = to->at;

	if (to->n == to->cap) {
		if (!mem_grow(f->alloc, &block, &to->cap, to->n + 1, sizeof *to->at))
			return no_memory(err);
		to->at = block;
	}
	to->at[to->n++] = (struct code_row){ code, row };
	return TEG_OK;
}

static bool swapped(const void *ctx, const void *a, const void *b)
{
	const struct code_row *x = a, *y = b;

	(void)ctx;
	return x->code != y->code ? x->code > y->code : x->row > y->row;
}

static teg_status sort(struct finder *f, struct code_rows *rows, teg_error *err)
{
	if (!sort_array(f->alloc, rows->at, rows->n, sizeof *rows->at, swapped, NULL))
		return no_memory(err);
	return TEG_OK;
}

/* ---- against the other segments ---- */

/* The first of the block's whole rows whose code is not below `code`. */
static size_t first_at(const struct finder *f, uint64_t code)
{
	size_t lo = 0, hi = f->n_whole;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->block.at[mid].code < code)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool narrow(void *ctx, uint64_t *lo, uint64_t *hi)
{
	const struct finder *f = ctx;
	size_t i = first_at(f, *lo), end;

	if (i == f->n_whole || f->block.at[i].code > *hi)
		return false;
	end = *hi == UINT64_MAX ? f->n_whole : first_at(f, *hi + 1);
	*lo = f->block.at[i].code;
	*hi = f->block.at[end - 1].code;
	return true;
}

static teg_status meet(void *ctx, const uint64_t *codes, const int64_t *ids, size_t n,
                       teg_error *err)
{
	struct finder *f = ctx;
	size_t i = first_at(f, codes[0]);

	for (size_t k = 0; k < n; k++) {
		while (i < f->n_whole && f->block.at[i].code < codes[k])
			i++;
		if (i == f->n_whole)
			return TEG_OK;
		if (f->block.at[i].code == codes[k])
			TEG_TRY(add(f, &f->found, codes[k], ids[k], err));
	}
	return TEG_OK;
}

static teg_status meet_others(struct finder *f, teg_error *err)
{
	for (uint32_t i = 0; i < f->array->state.n_segments; i++) {
		struct segment *segment;

		if (f->array->state.segments[i].first_version >= f->since)
			continue;
		TEG_TRY(array_segment(f->array, i, &segment, err));
		TEG_TRY(segment_walk_keys(segment, narrow, meet, f, &f->reader, err));
	}
	return TEG_OK;
}

/* ---- a block ---- */

/* Codes that more than one row of the block has, or one and a row that was met, into `found`. */
static teg_status add_shared(struct finder *f, teg_error *err)
{
	size_t n_met = f->found.n;

	for (size_t i = 0, k, met = 0; i < f->n_whole; i = k) {
		uint64_t code = f->block.at[i].code;

		for (k = i + 1; k < f->n_whole && f->block.at[k].code == code; k++)
			;
		while (met < n_met && f->found.at[met].code < code)
			met++;
		if (k - i == 1 && (met == n_met || f->found.at[met].code != code))
			continue;
		for (size_t at = i; at < k; at++)
			TEG_TRY(add(f, &f->found, code, f->block.at[at].row, err));
	}
	return TEG_OK;
}

/* Each row once for a code, since an index names it for every version; then codes of one row go. */
static void drop_single(struct code_rows *rows)
{
	struct code_row *at = rows->at;
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < rows->n; i++)
		if (!n || swapped(NULL, &at[i], &at[n - 1]))
			at[n++] = at[i];
	for (size_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && at[k].code == at[i].code; k++)
			;
		for (size_t from = i; k - i > 1 && from < k; from++)
			at[kept++] = at[from];
	}
	rows->n = kept;
}

static teg_status settle_block(struct finder *f, teg_error *err)
{
	f->found.n = 0;
	TEG_TRY(meet_others(f, err));
	TEG_TRY(sort(f, &f->found, err));
	TEG_TRY(add_shared(f, err));
	TEG_TRY(sort(f, &f->found, err));
	drop_single(&f->found);
	return f->found.n ? f->each(f->ctx, &f->found, err) : TEG_OK;
}

/* ---- block after block of the new codes ---- */

static bool from_here(void *ctx, uint64_t *lo, uint64_t *hi)
{
	const struct finder *f = ctx;

	if (*lo < f->from)
		*lo = f->from;
	return *lo <= *hi;
}

/* TEG_END: the segment has given enough, and goes on at `end`. */
static teg_status take(void *ctx, const uint64_t *codes, const int64_t *ids, size_t n,
                       teg_error *err)
{
	struct finder *f = ctx;

	for (size_t i = 0; i < n; i++) {
		if (f->taken++ == f->most) {
			f->cut = true;
			f->end = codes[i] < f->end ? codes[i] : f->end;
			return TEG_END;
		}
		TEG_TRY(add(f, &f->block, codes[i], ids[i], err));
	}
	return TEG_OK;
}

static teg_status fill_block(struct finder *f, teg_error *err)
{
	f->block.n = 0;
	f->cut = false;
	f->end = UINT64_MAX;
	for (uint32_t i = 0; i < f->array->state.n_segments; i++) {
		struct segment *segment;
		teg_status status;

		if (f->array->state.segments[i].first_version < f->since)
			continue;
		f->taken = 0;
		TEG_TRY(array_segment(f->array, i, &segment, err));
		status = segment_walk_keys(segment, from_here, take, f, &f->reader, err);
		if (status != TEG_OK && status != TEG_END)
			return status;
	}
	TEG_TRY(sort(f, &f->block, err));
	f->n_whole = f->cut ? 0 : f->block.n;
	while (f->cut && f->n_whole < f->block.n && f->block.at[f->n_whole].code < f->end)
		f->n_whole++;
	return TEG_OK;
}

static teg_status find(struct finder *f, teg_error *err)
{
	do {
		TEG_TRY(fill_block(f, err));
		if (f->n_whole)
			TEG_TRY(settle_block(f, err));
		else
			f->most *= 2; /* there is more of one code than that */
		f->from = f->end;
	} while (f->cut);
	return TEG_OK;
}

teg_status codes_find(struct teg_array *array, uint64_t since, codes_each each, void *ctx,
                      teg_error *err)
{
	struct finder f = { .array = array,
		            .since = since,
		            .each = each,
		            .ctx = ctx,
		            .most = BLOCK_ROWS,
		            .alloc = array->arena.alloc };
	teg_status status = tile_reader_init(&f.reader, f.alloc, err);

	if (status == TEG_OK) {
		status = find(&f, err);
		tile_reader_release(&f.reader);
	}
	mem_free(f.alloc, f.block.at, f.block.cap * sizeof *f.block.at);
	mem_free(f.alloc, f.found.at, f.found.cap * sizeof *f.found.at);
	return status;
}
