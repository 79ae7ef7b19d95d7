#include "engine/write/build.h"
#include "engine/write/partition.h"
#include "engine/write/ties.h"

/* ---- sorting ---- */

/* Rows a block at a time, as lanes: the whole of them is never in memory. */
struct lane_block {
	uint64_t lanes[TEG_MAX_DIMENSIONS][CURVE_BLOCK];
	const uint64_t *at[TEG_MAX_DIMENSIONS];
};

static uint32_t load_block(struct lane_block *block, const struct rows *rows, uint32_t from)
{
	uint32_t n = rows->n - from < CURVE_BLOCK ? rows->n - from : CURVE_BLOCK;

	for (uint32_t d = 0; d < rows->schema->n_dims; d++) {
		struct column view = column_buf_view(&rows->dims[d]);

		lanes_of_column(&view, rows->schema->dims[d].class, from, n, block->lanes[d]);
		block->at[d] = block->lanes[d];
	}
	return n;
}

static void fill_keys(struct order_batch *batch, struct lane_block *block, const struct rows *rows,
                      const struct order *order)
{
	batch_init(batch, order);
	for (uint32_t from = 0; from < rows->n; from += CURVE_BLOCK)
		batch_add(batch, block->at, load_block(block, rows, from));
	batch_finish(batch);
}

static void make_keys(const struct order_batch *batch, struct lane_block *block,
                      const struct rows *rows, uint64_t *const *words)
{
	uint64_t *to[POSITION_WORDS_MAX];

	for (uint32_t from = 0; from < rows->n; from += CURVE_BLOCK) {
		uint32_t n = load_block(block, rows, from);

		for (uint32_t w = 0; w < batch->n_words; w++)
			to[w] = words[w] + from;
		batch_keys(batch, block->at, n, to);
	}
}

/* What rows are sorted by, made from their coordinates; and the parts they were dealt into. */
struct sort_keys {
	struct order_batch batch;
	struct lane_block block;
	struct column_buf words[POSITION_WORDS_MAX]; /* batch.n_words, most significant first */
	struct row_parts parts;                      /* n 0: rows lie as they were staged */
};

static void sort_keys_free(struct sort_keys *keys, const teg_allocator *alloc)
{
	for (uint32_t w = 0; keys && w < POSITION_WORDS_MAX; w++)
		column_buf_release(&keys->words[w]);
	mem_free(alloc, keys, sizeof *keys);
}

static teg_status make_words(struct sort_keys *keys, const struct rows *rows)
{
	uint64_t *words[POSITION_WORDS_MAX];

	for (uint32_t w = 0; w < keys->batch.n_words; w++) {
		words[w] = column_buf_extend(&keys->words[w], rows->n);
		if (!words[w])
			return TEG_NOMEM;
	}
	make_keys(&keys->batch, &keys->block, rows, words);
	return TEG_OK;
}

static teg_status sort_keys_new(const struct rows *rows, const struct order *order,
                                struct sort_keys **keys_out)
{
	struct sort_keys *keys = mem_alloc(rows->alloc, sizeof *keys);

	if (!keys)
		return TEG_NOMEM;
	keys->parts.n = 0;
	for (uint32_t w = 0; w < POSITION_WORDS_MAX; w++)
		column_buf_init(&keys->words[w], COLUMN_FIXED, sizeof(uint64_t), rows->alloc);
	fill_keys(&keys->batch, &keys->block, rows, order);
	if (make_words(keys, rows) != TEG_OK) {
		sort_keys_free(keys, rows->alloc);
		return TEG_NOMEM;
	}
	*keys_out = keys;
	return TEG_OK;
}

/* Rows [from, to) of those the keys are of. Indices and ties count from the first of all. */
static teg_status sort_range(const struct sort_keys *keys, uint32_t from, uint32_t to,
                             const teg_allocator *alloc, uint32_t *perm, struct order_ties *ties)
{
	uint64_t *words[POSITION_WORDS_MAX];
	size_t k = ties->n;

	for (uint32_t w = 0; w < keys->batch.n_words; w++)
		words[w] = (uint64_t *)(void *)keys->words[w].values + from;
	TEG_TRY(order_sort_keys(words, keys->batch.n_words, keys->batch.n_bits, to - from, alloc,
	                        perm + from, ties));
	for (uint32_t i = from; from && i < to; i++)
		perm[i] += from;
	for (; k < ties->n; k++)
		ties->at[k] += from;
	return TEG_OK;
}

static teg_status sort_by_keys(const struct sort_keys *keys, const struct rows *rows,
                               const struct order *order, uint32_t *perm, struct order_ties *ties,
                               teg_error *err)
{
	const struct row_parts *parts = &keys->parts;
	teg_status status = TEG_OK;

	if (!parts->n)
		status = sort_range(keys, 0, rows->n, rows->alloc, perm, ties);
	for (uint32_t p = 0; status == TEG_OK && p < parts->n; p++)
		status = sort_range(keys, parts->starts[p], parts->starts[p + 1], rows->alloc, perm,
		                    ties);
	if (status != TEG_OK)
		return teg_fail(err, status, "no memory to sort %u rows", rows->n);
	if (ties->n && order->has_text)
		return ties_settle(rows, order, ties, perm, err);
	return TEG_OK;
}

static void identity(uint32_t *perm, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		perm[i] = i;
}

teg_status rows_sort(const struct rows *rows, const struct order *order, uint32_t *perm_out,
                     struct order_ties *ties_out, teg_error *err)
{
	struct sort_keys *keys;
	teg_status status;

	if (rows->implicit_ids || rows->n < 2) {
		identity(perm_out, rows->n);
		return TEG_OK;
	}
	status = sort_keys_new(rows, order, &keys);
	if (status != TEG_OK)
		return teg_fail(err, status, "no memory to sort %u rows", rows->n);
	status = sort_by_keys(keys, rows, order, perm_out, ties_out, err);
	sort_keys_free(keys, rows->alloc);
	return status;
}

/* ---- writing ---- */

struct build {
	struct rows *rows;
	const struct row_box *boxes;
	uint32_t n_boxes;
	struct tiler *tiler;
	struct order order;
};

static bool in_order(const uint32_t *perm, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (perm[i] != i)
			return false;
	return true;
}

/* Collisions are the exception: only then is there room for the pieces that rows may be split into. */
static teg_status push_colliding(struct build *b, const uint32_t *sorted,
                                 const struct order_ties *ties, bool dealt, teg_error *err)
{
	size_t room = b->rows->n + 2 * ties->n;
	uint32_t *perm = mem_array(b->rows->alloc, room, sizeof *perm), n;
	teg_status status;

	if (!perm)
		return teg_fail(err, TEG_NOMEM, "no memory to sort %u rows", b->rows->n);
	status = rows_make_disjoint(b->rows, sorted, b->rows->n, ties, perm, &n, err);
	if (status == TEG_OK) {
		if (!dealt)
			rows_partition(b->rows, perm, n);
		status = tiler_push(b->tiler, b->rows, perm, n, err);
	}
	mem_free(b->rows->alloc, perm, room * sizeof *perm);
	return status;
}

static teg_status push_sorted(struct build *b, uint32_t *perm, const struct order_ties *ties,
                              bool dealt, teg_error *err)
{
	uint32_t n = b->rows->n;

	if (ties->n)
		return push_colliding(b, perm, ties, dealt, err);
	if (in_order(perm, n))
		return tiler_push(b->tiler, b->rows, NULL, n, err);
	if (!dealt)
		rows_partition(b->rows, perm, n);
	return tiler_push(b->tiler, b->rows, perm, n, err);
}

/* Deals the rows and sorts them; memory for the one goes before the other takes its own. */
static teg_status sort_for_tiles(struct build *b, uint32_t **perm_out, bool *dealt_out,
                                 struct order_ties *ties, teg_error *err)
{
	const teg_allocator *alloc = b->rows->alloc;
	struct sort_keys *keys = NULL;
	uint32_t *perm = NULL;
	teg_status status = sort_keys_new(b->rows, &b->order, &keys);

	if (status == TEG_OK) {
		*dealt_out = rows_deal(b->rows, keys->words, keys->batch.n_words,
		                       keys->batch.n_bits, &keys->parts);
		perm = mem_array(alloc, b->rows->n, sizeof *perm);
	}
	if (!perm)
		teg_fail(err, TEG_NOMEM, "no memory to sort %u rows", b->rows->n);
	status = perm ? sort_by_keys(keys, b->rows, &b->order, perm, ties, err) : TEG_NOMEM;
	sort_keys_free(keys, alloc);
	*perm_out = perm;
	return status;
}

static teg_status push_rows(struct build *b, teg_error *err)
{
	uint32_t n = b->rows->n, *perm = NULL;
	struct order_ties ties;
	bool dealt = false;
	teg_status status;

	if (n < 2 || b->rows->implicit_ids)
		return tiler_push(b->tiler, b->rows, NULL, n, err);
	ties_init(&ties, b->rows->alloc);
	status = sort_for_tiles(b, &perm, &dealt, &ties, err);
	if (status == TEG_OK)
		status = push_sorted(b, perm, &ties, dealt, err);
	ties_release(&ties);
	mem_free(b->rows->alloc, perm, n * sizeof *perm);
	return status;
}

static teg_status push_boxes(struct build *b, teg_error *err)
{
	for (uint32_t i = 0; i < b->n_boxes; i++) {
		const struct row_box *box = &b->boxes[i];

		TEG_TRY(tiler_push_box(b->tiler, &box->box, box->kind, box->system_from,
		                       box->valid_from, box->valid_until, err));
	}
	return TEG_OK;
}

teg_status write_sorted_boxes(struct rows *rows, const struct row_box *boxes, uint32_t n_boxes,
                              const struct tiler_options *options, struct segment_sink *sink,
                              const teg_allocator *alloc, struct segment_result *result_out,
                              teg_error *err)
{
	struct build b = { .rows = rows, .boxes = boxes, .n_boxes = n_boxes };
	teg_status status;

	order_init(&b.order, rows->schema);
	TEG_TRY(tiler_new(rows->schema, options, sink, alloc, &b.tiler, err));
	status = push_rows(&b, err);
	if (status == TEG_OK)
		status = push_boxes(&b, err);
	if (status == TEG_OK)
		status = tiler_finish(b.tiler, result_out, err);
	tiler_free(b.tiler);
	return status;
}

teg_status write_sorted(struct rows *rows, const struct tiler_options *options,
                        struct segment_sink *sink, const teg_allocator *alloc,
                        struct segment_result *result_out, teg_error *err)
{
	return write_sorted_boxes(rows, NULL, 0, options, sink, alloc, result_out, err);
}
