#include "engine/scan/keys.h"
#include <criterion/criterion.h>
#include "tests/support/memory.h"
#include "tests/support/rng.h"

#define ROWS_MAX 400
#define DIMS 3

/* Rows as plain arrays, and as key rows whose columns they are. */
struct plain {
	struct arena arena;
	const struct schema *schema;
	struct order order;
	uint32_t n;
	uint64_t lane[DIMS][ROWS_MAX];
	const char *text[DIMS][ROWS_MAX]; /* NULL: not a dimension of text */
	int64_t system_from[ROWS_MAX], superseded[ROWS_MAX];
	int64_t valid_from[ROWS_MAX], valid_until[ROWS_MAX];
	uint8_t kind[ROWS_MAX];
	uint32_t tile[ROWS_MAX], row[ROWS_MAX];
	struct key_rows keys; /* a view of the above, for key_rows_append() */
};

/* Dimensions: a letter each, i (int64), u (uint8), f (float64), s (text). */
static void make_schema(struct plain *plain, const char *types, teg_order tile_order,
                        teg_order cell_order, bool valid_time)
{
	static const char *const names[] = { "a", "b", "c" };
	teg_dimension dims[DIMS] = { { .name = NULL } };
	teg_attribute attr = { .name = "x", .type = { .type = TEG_INT64 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .valid_time = valid_time,
		          .dimensions = dims,
		          .n_dimensions = strlen(types),
		          .attributes = &attr,
		          .n_attributes = 1,
		          .tile_order = tile_order,
		          .cell_order = cell_order };

	for (size_t d = 0; types[d]; d++) {
		dims[d].name = names[d];
		dims[d].type.type = types[d] == 'i'   ? TEG_INT64
		                    : types[d] == 'u' ? TEG_UINT8
		                    : types[d] == 'f' ? TEG_FLOAT64
		                                      : TEG_UTF8;
	}
	arena_init(&plain->arena, teg_allocator_default(), SIZE_MAX);
	cr_assert_eq(schema_from_spec(&spec, &plain->arena, &plain->schema, NULL), TEG_OK);
	order_init(&plain->order, plain->schema);
}

static void make_coordinate(struct plain *plain, uint32_t d, uint32_t i, struct rng *rng)
{
	/* Some tell themselves apart only behind the eight bytes of a lane. */
	static const char *const texts[] = { "",
		                             "a",
		                             "common p",
		                             "common prefix",
		                             "common prefix 1",
		                             "common prefix 2",
		                             "common prefix 10",
		                             "common q" };
	uint64_t v = rng_below(rng, 4);

	switch (plain->schema->dims[d].type.type) {
	case TEG_INT64: plain->lane[d][i] = lane_of_i64((int64_t)v - 2); return;
	case TEG_UINT8: plain->lane[d][i] = v; return;
	case TEG_FLOAT64: plain->lane[d][i] = lane_of_f64((double)v / 2 - 1); return;
	default: break;
	}
	plain->text[d][i] = texts[rng_below(rng, sizeof texts / sizeof *texts)];
	plain->lane[d][i] = lane_of_bytes(span_of_text(plain->text[d][i]));
	cr_assert_eq(column_buf_append_value(&plain->keys.text[d], span_of_text(plain->text[d][i]),
	                                     1),
	             TEG_OK);
}

static void make_rows(struct plain *plain, uint32_t n, struct rng *rng)
{
	struct key_rows *keys = &plain->keys;

	key_rows_init(keys, plain->schema, &plain->order, teg_allocator_default());
	plain->n = n;
	memset(plain->text, 0, sizeof plain->text);
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t d = 0; d < plain->order.n_dims; d++)
			make_coordinate(plain, d, i, rng);
		plain->system_from[i] = (int64_t)rng_below(rng, 3) - 1;
		plain->superseded[i] = (int64_t)rng_below(rng, 100);
		plain->valid_from[i] = (int64_t)rng_below(rng, 3) - 1;
		plain->valid_until[i] = 5 + (int64_t)rng_below(rng, 3);
		plain->kind[i] = (uint8_t)rng_below(rng, 3);
		plain->tile[i] = (uint32_t)rng_below(rng, 7);
		plain->row[i] = i;
	}
	for (uint32_t d = 0; d < plain->order.n_dims; d++)
		keys->lane[d] = plain->lane[d];
	keys->n = n;
	keys->system_from = plain->system_from;
	keys->superseded = plain->superseded;
	keys->valid_from = plain->schema->valid_time ? plain->valid_from : NULL;
	keys->valid_until = plain->schema->valid_time ? plain->valid_until : NULL;
	keys->kind = plain->kind;
	keys->tile = plain->tile;
	keys->row = plain->row;
}

static void plain_release(struct plain *plain)
{
	for (uint32_t d = 0; d < plain->order.n_dims; d++)
		column_buf_release(&plain->keys.text[d]);
	arena_release(&plain->arena);
}

/* ---- the naive order, from the words of the specification ---- */

static int order_of(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int naive_positions(const struct plain *p, uint32_t i, uint32_t k)
{
	uint64_t a[DIMS], b[DIMS], words_a[POSITION_WORDS_MAX], words_b[POSITION_WORDS_MAX];

	for (uint32_t d = 0; d < p->order.n_dims; d++) {
		a[d] = p->lane[d][i];
		b[d] = p->lane[d][k];
	}
	order_position(&p->order, a, words_a);
	order_position(&p->order, b, words_b);
	return position_compare(words_a, words_b, p->order.n_words);
}

static int naive_keys(const struct plain *p, uint32_t i, uint32_t k)
{
	uint32_t n = p->order.n_dims;
	bool column = p->schema->cell_order == TEG_ORDER_COLUMN;
	int order = 0;

	for (uint32_t w = 0; w < n && !order; w++) /* CELL-1 */
		order = order_of(p->lane[column ? n - 1 - w : w][i],
		                 p->lane[column ? n - 1 - w : w][k]);
	for (uint32_t w = 0; w < n && !order; w++) { /* CELL-2 */
		uint32_t d = column ? n - 1 - w : w;

		if (p->text[d][i])
			order = strcmp(p->text[d][i], p->text[d][k]);
	}
	return order;
}

static int naive_times(const struct plain *p, uint32_t i, uint32_t k) /* CELL-3 */
{
	bool erased_i = p->kind[i] == ROW_ERASED, erased_k = p->kind[k] == ROW_ERASED;

	if (p->system_from[i] != p->system_from[k])
		return p->system_from[i] > p->system_from[k] ? -1 : 1;
	if (erased_i && erased_k)
		return 0;
	if (erased_i != erased_k)
		return erased_i ? 1 : -1;
	if (!p->schema->valid_time)
		return 0;
	return (p->valid_from[i] > p->valid_from[k]) - (p->valid_from[i] < p->valid_from[k]);
}

/* Insertion sort: stable. */
static void naive_sort(const struct plain *p, bool by_position, uint32_t *perm)
{
	for (uint32_t i = 0; i < p->n; i++) {
		uint32_t at = i;

		for (; at > 0; at--) {
			int order = by_position ? naive_positions(p, perm[at - 1], i) : 0;

			order = order ? order : naive_keys(p, perm[at - 1], i);
			order = order ? order : naive_times(p, perm[at - 1], i);
			if (order <= 0)
				break;
			perm[at] = perm[at - 1];
		}
		perm[at] = i;
	}
}

/* ---- sorting ---- */

static const struct {
	const char *types;
	teg_order tile_order, cell_order;
	bool valid_time;
} arrays[] = {
	{ "i", TEG_ORDER_HILBERT, TEG_ORDER_ROW, false },
	{ "s", TEG_ORDER_HILBERT, TEG_ORDER_ROW, false },
	{ "s", TEG_ORDER_HILBERT, TEG_ORDER_ROW, true },
	{ "iu", TEG_ORDER_HILBERT, TEG_ORDER_ROW, true },
	{ "iu", TEG_ORDER_HILBERT, TEG_ORDER_COLUMN, true },
	{ "si", TEG_ORDER_HILBERT, TEG_ORDER_ROW, true },
	{ "si", TEG_ORDER_HILBERT, TEG_ORDER_COLUMN, true },
	{ "is", TEG_ORDER_ROW, TEG_ORDER_ROW, false },
	{ "ss", TEG_ORDER_Z, TEG_ORDER_ROW, true },
	{ "ss", TEG_ORDER_COLUMN, TEG_ORDER_COLUMN, false },
	{ "sfs", TEG_ORDER_HILBERT, TEG_ORDER_ROW, true },
	{ "sus", TEG_ORDER_Z, TEG_ORDER_COLUMN, true },
	{ "fui", TEG_ORDER_COLUMN, TEG_ORDER_ROW, true },
};

Test(keys, sort_as_a_naive_sort_does) /* CELL-1 to CELL-3, POS-3 */
{
	static struct plain plain;
	struct rng rng = { 1 };

	for (size_t a = 0; a < sizeof arrays / sizeof *arrays; a++) {
		for (int by_position = 0; by_position < 2; by_position++) {
			uint32_t n = (uint32_t)rng_below(&rng, ROWS_MAX), perm[ROWS_MAX],
				 want[ROWS_MAX];

			make_schema(&plain, arrays[a].types, arrays[a].tile_order,
			            arrays[a].cell_order, arrays[a].valid_time);
			make_rows(&plain, n, &rng);
			cr_assert_eq(key_rows_sort(&plain.keys, by_position, perm, NULL), TEG_OK);
			naive_sort(&plain, by_position, want);
			for (uint32_t i = 0; i < n; i++)
				cr_assert_eq(perm[i], want[i], "array %zu: place %u", a, i);
			plain_release(&plain);
		}
	}
}

Test(keys, sort_none_and_one)
{
	static struct plain plain;
	struct rng rng = { 2 };

	for (uint32_t n = 0; n < 2; n++) {
		uint32_t perm[] = { 9, 9 };

		make_schema(&plain, "si", TEG_ORDER_HILBERT, TEG_ORDER_ROW, true);
		make_rows(&plain, n, &rng);
		cr_assert_eq(key_rows_sort(&plain.keys, true, perm, NULL), TEG_OK);
		cr_assert_eq(perm[0], n ? 0 : 9);
		cr_assert_eq(perm[1], 9);
		plain_release(&plain);
	}
}

/* ---- same keys ---- */

Test(keys, are_the_same_only_to_the_last_byte) /* CELL-2 */
{
	static struct plain plain;
	struct rng rng = { 3 };
	size_t n_same = 0, n_alike = 0;

	make_schema(&plain, "si", TEG_ORDER_HILBERT, TEG_ORDER_ROW, false);
	make_rows(&plain, 120, &rng);
	for (uint32_t i = 0; i < plain.n; i++) {
		for (uint32_t k = 0; k < plain.n; k++) {
			bool lanes = plain.lane[0][i] == plain.lane[0][k] &&
			             plain.lane[1][i] == plain.lane[1][k];
			bool same = naive_keys(&plain, i, k) == 0;

			cr_assert_eq(key_rows_same(&plain.keys, i, &plain.keys, k), same, "%u %u",
			             i, k);
			n_same += same;
			n_alike += lanes && !same;
		}
	}
	cr_assert_gt(n_same, plain.n);
	cr_assert_gt(n_alike, plain.n);
	plain_release(&plain);
}

/* ---- appending ---- */

static void check_row(const struct key_rows *keys, uint32_t i, const struct plain *p, uint32_t k)
{
	for (uint32_t d = 0; d < p->order.n_dims; d++) {
		struct column text = column_buf_view(&keys->text[d]);

		cr_assert_eq(keys->lane[d][i], p->lane[d][k]);
		if (p->text[d][k])
			cr_assert(span_equal(column_value(&text, i), span_of_text(p->text[d][k])));
	}
	cr_assert_eq(keys->system_from[i], p->system_from[k]);
	cr_assert_eq(keys->superseded[i], p->superseded[k]);
	cr_assert_eq(keys->kind[i], p->kind[k]);
	cr_assert_eq(keys->tile[i], p->tile[k]);
	cr_assert_eq(keys->row[i], p->row[k]);
	if (!p->schema->valid_time)
		return;
	cr_assert_eq(keys->valid_from[i], p->valid_from[k]);
	cr_assert_eq(keys->valid_until[i], p->valid_until[k]);
}

Test(keys, append_any_rows_in_any_order)
{
	static struct plain plain;
	struct rng rng = { 4 };

	for (int valid_time = 0; valid_time < 2; valid_time++) {
		uint32_t taken[3 * ROWS_MAX], n = 0;
		struct key_rows keys;
		struct memory mem;

		memory_init(&mem);
		make_schema(&plain, "sis", TEG_ORDER_HILBERT, TEG_ORDER_ROW, valid_time);
		make_rows(&plain, ROWS_MAX, &rng);
		key_rows_init(&keys, plain.schema, &plain.order, &mem.alloc);
		for (int round = 0; round < 12; round++) {
			uint32_t from = n;

			for (uint64_t more = rng_below(&rng, 100); more > 0; more--)
				taken[n++] = (uint32_t)rng_below(&rng, ROWS_MAX);
			cr_assert_eq(key_rows_append(&keys, &plain.keys, taken + from, n - from,
			                             NULL),
			             TEG_OK);
		}
		cr_assert_eq(keys.n, n);
		for (uint32_t i = 0; i < n; i++)
			check_row(&keys, i, &plain, taken[i]);
		/* The lanes alone are 24 bytes a row. */
		cr_assert_geq(key_rows_size(&keys),
		              (size_t)n * (24 + 25 + 16 * (size_t)valid_time));
		cr_assert_leq(key_rows_size(&keys), mem.live_len);
		key_rows_clear(&keys);
		cr_assert_eq(keys.n, 0);
		cr_assert_eq(key_rows_append(&keys, &plain.keys, (uint32_t[]){ 7 }, 1, NULL),
		             TEG_OK);
		check_row(&keys, 0, &plain, 7);
		key_rows_release(&keys);
		key_rows_release(&keys);
		memory_check(&mem);
		plain_release(&plain);
	}
}

/* ---- versions ---- */

Test(keys, tell_the_version_of_a_row)
{
	static struct plain plain;
	struct rng rng = { 5 };

	for (int valid_time = 0; valid_time < 2; valid_time++) {
		make_schema(&plain, "i", TEG_ORDER_HILBERT, TEG_ORDER_ROW, valid_time);
		make_rows(&plain, 30, &rng);
		for (uint32_t i = 0; i < plain.n; i++) {
			struct version unique = key_rows_version(&plain.keys, i, false);
			struct version repeated = key_rows_version(&plain.keys, i, true);

			cr_assert_eq(unique.row, i);
			cr_assert_eq(unique.kind, plain.kind[i]);
			cr_assert_eq(unique.system_from, plain.system_from[i]);
			cr_assert_eq(unique.superseded_at, plain.superseded[i]);
			cr_assert_eq(unique.valid_from,
			             valid_time ? plain.valid_from[i] : INT64_MIN);
			cr_assert_eq(unique.valid_until,
			             valid_time ? plain.valid_until[i] : INT64_MAX);
			cr_assert(unique.target && unique.claims);
			/* Events hide nothing; deletes and erasures of them do. */
			cr_assert_eq(repeated.claims, plain.kind[i] != ROW_LIVE);
		}
		plain_release(&plain);
	}
}

/* ---- memory ---- */

static teg_status append_and_sort(const teg_allocator *alloc, void *ctx)
{
	struct plain *plain = ctx;
	uint32_t at[100], perm[200];
	struct key_rows keys;
	teg_status status;
	teg_error err;

	for (uint32_t i = 0; i < 100; i++)
		at[i] = 3 * i;
	err.message[0] = 0;
	key_rows_init(&keys, plain->schema, &plain->order, alloc);
	status = key_rows_append(&keys, &plain->keys, at, 50, &err);
	if (status == TEG_OK)
		status = key_rows_append(&keys, &plain->keys, at, 100, &err);
	if (status == TEG_OK)
		status = key_rows_sort(&keys, true, perm, &err);
	cr_assert_eq(status != TEG_OK, err.message[0] != 0, "%s", err.message);
	key_rows_release(&keys);
	return status;
}

Test(keys, survive_memory_that_fails)
{
	static struct plain plain;
	struct rng rng = { 6 };

	make_schema(&plain, "ss", TEG_ORDER_HILBERT, TEG_ORDER_ROW, true);
	make_rows(&plain, ROWS_MAX, &rng);
	cr_assert_gt(memory_fail_each(append_and_sort, &plain), 20);
	plain_release(&plain);
}
