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

static void free_words(uint64_t **words, uint32_t n_words, uint32_t n, const teg_allocator *alloc)
{
	for (uint32_t w = 0; w < n_words; w++)
		mem_free(alloc, words[w], n * sizeof **words);
}

static teg_status sort_keys(struct order_batch *batch, struct lane_block *block,
                            const struct rows *rows, const struct order *order, uint32_t *perm,
                            struct order_ties *ties)
{
	uint64_t *words[POSITION_WORDS_MAX] = { 0 };
	teg_status status = TEG_OK;

	fill_keys(batch, block, rows, order);
	for (uint32_t w = 0; w < batch->n_words; w++) {
		words[w] = mem_array(rows->alloc, rows->n, sizeof **words);
		if (!words[w])
			status = TEG_NOMEM;
	}
	if (status == TEG_OK) {
		make_keys(batch, block, rows, words);
		status = order_sort_keys(words, batch->n_words, batch->n_bits, rows->n, rows->alloc,
		                         perm, ties);
	}
	free_words(words, batch->n_words, rows->n, rows->alloc);
	return status;
}

static void identity(uint32_t *perm, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		perm[i] = i;
}

teg_status rows_sort(const struct rows *rows, const struct order *order, uint32_t *perm_out,
                     struct order_ties *ties_out, teg_error *err)
{
	struct order_batch *batch;
	struct lane_block *block;
	teg_status status = TEG_NOMEM;

	if (rows->implicit_ids || rows->n < 2) {
		identity(perm_out, rows->n);
		return TEG_OK;
	}
	batch = mem_alloc(rows->alloc, sizeof *batch);
	block = mem_alloc(rows->alloc, sizeof *block);
	if (batch && block)
		status = sort_keys(batch, block, rows, order, perm_out, ties_out);
	mem_free(rows->alloc, batch, sizeof *batch);
	mem_free(rows->alloc, block, sizeof *block);
	if (status != TEG_OK)
		return teg_fail(err, status, "no memory to sort %u rows", rows->n);
	if (ties_out->n && order->has_text)
		return ties_settle(rows, order, ties_out, perm_out, err);
	return TEG_OK;
}

/* ---- writing ---- */

struct build {
	struct rows *rows;
	const struct row_box *boxes;
	uint32_t n_boxes;
	struct tiler *tiler;
	struct order order;
};

/* Collisions are the exception: only then is there room for the pieces that rows may be split into. */
static teg_status push_colliding(struct build *b, const uint32_t *sorted,
                                 const struct order_ties *ties, teg_error *err)
{
	size_t room = b->rows->n + 2 * ties->n;
	uint32_t *perm = mem_array(b->rows->alloc, room, sizeof *perm), n;
	teg_status status;

	if (!perm)
		return teg_fail(err, TEG_NOMEM, "no memory to sort %u rows", b->rows->n);
	status = rows_make_disjoint(b->rows, sorted, b->rows->n, ties, perm, &n, err);
	if (status == TEG_OK) {
		rows_partition(b->rows, perm, n);
		status = tiler_push(b->tiler, b->rows, perm, n, err);
	}
	mem_free(b->rows->alloc, perm, room * sizeof *perm);
	return status;
}

static bool in_order(const uint32_t *perm, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (perm[i] != i)
			return false;
	return true;
}

static teg_status push_rows(struct build *b, teg_error *err)
{
	uint32_t n = b->rows->n;
	struct order_ties ties;
	uint32_t *perm;
	teg_status status;

	if (!n || b->rows->implicit_ids)
		return tiler_push(b->tiler, b->rows, NULL, n, err);
	perm = mem_array(b->rows->alloc, n, sizeof *perm);
	if (!perm)
		return teg_fail(err, TEG_NOMEM, "no memory to sort %u rows", n);
	ties_init(&ties, b->rows->alloc);
	status = rows_sort(b->rows, &b->order, perm, &ties, err);
	if (status == TEG_OK && ties.n) {
		status = push_colliding(b, perm, &ties, err);
	} else if (status == TEG_OK && in_order(perm, n)) {
		status = tiler_push(b->tiler, b->rows, NULL, n, err);
	} else if (status == TEG_OK) {
		rows_partition(b->rows, perm, n);
		status = tiler_push(b->tiler, b->rows, perm, n, err);
	}
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
