#include "engine/os/memory.h"
#include "engine/tegula.h"
#include "tests/support/memory.h"
#include <criterion/criterion.h>
#include <string.h>

/* A sparse array over (number, text) whose cells lie in two overlapping commits, so that a scan has
 * to resolve them: the number's range must hold there as it does on the fast path. */

#define OK(call)                                                                      \
	do {                                                                          \
		teg_error err_ = { 0 }, *err = &err_;                                 \
		teg_status got_ = (call);                                             \
		cr_assert_eq(got_, TEG_OK, "%s: %s %s", #call, teg_status_name(got_), \
		             err->message);                                           \
	} while (0)

#define NUMBERS 10
#define TEXTS "abcde"

struct world {
	struct memory mem;
	struct os *os;
	teg_store *store;
	teg_snapshot *snapshot;
	teg_array *array;
};

static void make(struct world *w)
{
	teg_dimension dims[] = { { .name = "number", .type = { .type = TEG_INT64 } },
		                 { .name = "text", .type = { .type = TEG_UTF8 } } };
	teg_attribute attribute = { .name = "v", .type = { .type = TEG_INT64 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .dimensions = dims,
		          .n_dimensions = 2,
		          .attributes = &attribute,
		          .n_attributes = 1 };
	teg_txn *txn;

	OK(teg_txn_begin(w->store, NULL, &txn, err));
	OK(teg_txn_create(txn, "a", &spec, err));
	OK(teg_txn_commit(txn, NULL, err));
}

/* Commits v = base + number for the numbers, each with every text. */
static void put(struct world *w, int64_t from, int64_t to, int64_t base)
{
	size_t n = 0, n_texts = strlen(TEXTS);
	int64_t numbers[64], values[64];
	int32_t offsets[65] = { 0 };
	char texts[64];
	teg_column columns[] = { { .name = "number", .values = numbers },
		                 { .name = "text", .values = texts, .offsets = offsets },
		                 { .name = "v", .values = values } };
	teg_txn *txn;

	for (int64_t number = from; number <= to; number++) {
		for (size_t t = 0; t < n_texts; t++, n++) {
			numbers[n] = number;
			values[n] = base + number;
			texts[n] = TEXTS[t];
			offsets[n + 1] = (int32_t)n + 1;
		}
	}
	OK(teg_txn_begin(w->store, NULL, &txn, err));
	OK(teg_txn_put(txn, "a", columns, 3, n, NULL, err));
	OK(teg_txn_commit(txn, NULL, err));
}

static void open_world(struct world *w)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = TEG_CREATE_NEW,
		                      .no_auto_compact = true };

	memory_init(&w->mem);
	w->os = os_memory_new(&w->mem.alloc, 1);
	options.allocator = &w->mem.alloc;
	options.os = w->os;
	OK(teg_store_open(NULL, &options, &w->store, err));
	make(w);
	put(w, 0, NUMBERS - 1, 100);
	put(w, 3, 5, 200);
	OK(teg_snapshot_open(w->store, &w->snapshot, err));
	OK(teg_array_open(w->snapshot, "a", &w->array, err));
}

static void close_world(struct world *w)
{
	teg_array_close(w->array);
	teg_snapshot_close(w->snapshot);
	teg_store_close(w->store);
	os_free(w->os);
	memory_check(&w->mem);
}

/* Rows of the scan, and the sum of number * 1000 + v over them. */
static size_t scan(struct world *w, const teg_scan_options *options, int64_t *sum_out)
{
	teg_scan *scan;
	struct ArrowArray batch;
	size_t n = 0;
	teg_status s;
	teg_error end = { 0 };

	*sum_out = 0;
	OK(teg_scan_open(w->array, options, &scan, err));
	while ((s = teg_scan_next(scan, &batch, &end)) == TEG_OK) {
		const int64_t *numbers = batch.children[0]->buffers[1];
		const int64_t *values = batch.children[1]->buffers[1];

		n += (size_t)batch.length;
		for (int64_t i = 0; i < batch.length; i++)
			*sum_out += numbers[i] * 1000 + values[i];
		batch.release(&batch);
	}
	cr_assert_eq(s, TEG_END, "%s", end.message);
	teg_scan_close(scan);
	return n;
}

static const struct {
	const char *name;
	int64_t lo, hi;
	const char *text; /* NULL: any */
	teg_scan_mode mode;
	size_t rows;
	int64_t sum;
} cases[] = {
	{ "old and new", 2, 4, "b", TEG_SCAN_CURRENT, 3, 9000 + 102 + 203 + 204 },
	{ "new only", 4, 4, "e", TEG_SCAN_CURRENT, 1, 4000 + 204 },
	{ "old only", 8, 20, "a", TEG_SCAN_CURRENT, 2, 17000 + 108 + 109 },
	{ "any text", 5, 6, NULL, TEG_SCAN_CURRENT, 10, 5 * (11000 + 205 + 106) },
	{ "no such number", 10, 20, "b", TEG_SCAN_CURRENT, 0, 0 },
	{ "no such text", 2, 4, "f", TEG_SCAN_CURRENT, 0, 0 },
	{ "every version", 2, 4, "b", TEG_SCAN_ALL_VERSIONS, 5,
	  16000 + 102 + 103 + 104 + 203 + 204 },
};

Test(text_box, holds_in_every_dimension_where_versions_are_resolved) /* B5 */
{
	static const char *const columns[] = { "number", "v" };
	struct world w;

	open_world(&w);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		teg_value text = { 0 };
		teg_range box[2] = { { .lo = { .type = TEG_INT64, .as.i = cases[i].lo },
			               .hi = { .type = TEG_INT64, .as.i = cases[i].hi } } };
		teg_scan_options options = { .struct_size = sizeof options,
			                     .columns = columns,
			                     .n_columns = 2,
			                     .box = box,
			                     .mode = cases[i].mode };
		int64_t sum;

		if (cases[i].text)
			text = (teg_value){ .type = TEG_UTF8,
				            .as.bytes = { cases[i].text, strlen(cases[i].text) } };
		box[1] = (teg_range){ text, text };
		cr_expect_eq(scan(&w, &options, &sum), cases[i].rows, "%s", cases[i].name);
		cr_expect_eq(sum, cases[i].sum, "%s: %lld", cases[i].name, (long long)sum);
	}
	close_world(&w);
}
