/* A sparse array over (number, text) whose cells lie in two overlapping commits, so that a scan has
 * to resolve them: the number's range must hold there as it does on the fast path. */
#include <string.h>
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define NUMBERS 10
#define TEXTS "abcde"

static void make(struct world *w)
{
	teg_dimension dims[] = { axis_of("number", TEG_INT64), axis_of("text", TEG_UTF8) };
	teg_attribute v = attribute_of("v", TEG_INT64);
	teg_spec spec = spec_make(TEG_SPARSE, dims, 2, &v, 1);

	txn_create(w->store, "a", &spec);
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

	for (int64_t number = from; number <= to; number++) {
		for (size_t t = 0; t < n_texts; t++, n++) {
			numbers[n] = number;
			values[n] = base + number;
			texts[n] = TEXTS[t];
			offsets[n + 1] = (int32_t)n + 1;
		}
	}
	txn_put(w->store, "a", columns, 3, n);
}

/* Rows of the scan, and the sum of number * 1000 + v over them. */
static size_t rows_of(const struct reading *at, const teg_scan_options *options, int64_t *sum_out)
{
	teg_scan *scan = reading_scan(at, options);
	struct ArrowArray batch;
	size_t n = 0;

	*sum_out = 0;
	while (batch_next(scan, &batch)) {
		const int64_t *numbers = batch.children[0]->buffers[1];
		const int64_t *values = batch.children[1]->buffers[1];

		n += (size_t)batch.length;
		for (int64_t i = 0; i < batch.length; i++)
			*sum_out += numbers[i] * 1000 + values[i];
		batch.release(&batch);
	}
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
	struct reading at;
	struct world w;

	world_make(&w, (teg_store_options){ .no_auto_compact = true });
	make(&w);
	put(&w, 0, NUMBERS - 1, 100);
	put(&w, 3, 5, 200);
	reading_open(&at, w.store, "a");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		teg_value text = { 0 };
		teg_range box[2] = { int_range(cases[i].lo, cases[i].hi) };
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
		cr_expect_eq(rows_of(&at, &options, &sum), cases[i].rows, "%s", cases[i].name);
		cr_expect_eq(sum, cases[i].sum, "%s: %lld", cases[i].name, (long long)sum);
	}
	reading_close(&at);
	world_release(&w);
}
