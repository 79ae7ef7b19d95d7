/* Predicates through the public calls: rows of every type are written in commits of small tiles, and
 * each scan must return the rows that the oracle names, whether or not tiles are pruned. */
#include <criterion/criterion.h>
#include "engine/os/memory.h"
#include "tests/support/conditions.h"
#include "tests/support/memory.h"

#define OK(call)                                                                      \
	do {                                                                          \
		teg_error err_ = { 0 }, *err = &err_;                                 \
		teg_status got_ = (call);                                             \
		cr_assert_eq(got_, TEG_OK, "%s: %s %s", #call, teg_status_name(got_), \
		             err->message);                                           \
	} while (0)

#define ID_COLUMN "i64" /* holds the row's number */

struct world {
	struct memory mem;
	struct os *os;
	teg_store *store;
	teg_snapshot *snapshot;
	teg_array *array;
	struct crowd crowd;
	uint32_t n_columns; /* of the crowd, the engine's own too */
};

static void number_rows(struct crowd *crowd)
{
	for (uint32_t c = 0; c < crowd->n_columns; c++) {
		struct crowd_column *column = &crowd->columns[c];

		if (strcmp(column->name, ID_COLUMN) != 0)
			continue;
		column_buf_clear(&column->values);
		for (size_t i = 0; i < crowd->n; i++) {
			int64_t id = (int64_t)i;
			struct cell cell = { .i = id, .f = (long double)id, .len = sizeof id };

			memcpy(cell.bytes, &id, sizeof id);
			column->cells[i] = cell;
			OK(column_buf_append_value(&column->values, span_of(&id, sizeof id), 1));
		}
	}
}

/* Rows [from, from + n) in one commit. */
static void put(struct world *w, size_t from, size_t n)
{
	teg_column columns[CROWD_COLUMNS] = { { .name = NULL } };
	teg_txn *txn;

	for (uint32_t c = 0; c < w->crowd.n_columns; c++) {
		struct column view = column_buf_view(&w->crowd.columns[c].values);
		bool runs = view.shape == COLUMN_BYTES;

		columns[c].name = w->crowd.columns[c].name;
		columns[c].values = runs ? view.values : view.values + from * view.width;
		columns[c].offsets = runs ? view.offsets + from : NULL;
		columns[c].validity = view.validity;
		columns[c].validity_bit = from;
	}
	OK(teg_txn_begin(w->store, NULL, &txn, err));
	OK(teg_txn_put(txn, "a", columns, w->crowd.n_columns, n, NULL, err));
	OK(teg_txn_commit(txn, NULL, err));
}

static void open_world(struct world *w, struct rng *rng)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = TEG_CREATE_NEW,
		                      .no_auto_compact = true };
	teg_txn *txn;

	crowd_init(&w->crowd, rng, CROWD_ROWS);
	w->n_columns = w->crowd.n_columns;
	/* The oracle does not know the store's own times. */
	w->crowd.n_columns = w->crowd.schema->n_dims + w->crowd.schema->n_attrs;
	number_rows(&w->crowd);
	memory_init(&w->mem);
	w->os = os_memory_new(&w->mem.alloc, 1);
	options.allocator = &w->mem.alloc;
	options.os = w->os;
	OK(teg_store_open(NULL, &options, &w->store, err));
	OK(teg_txn_begin(w->store, NULL, &txn, err));
	OK(teg_txn_create(txn, "a", &w->crowd.schema->spec, err));
	OK(teg_txn_commit(txn, NULL, err));
	put(w, 0, 20);
	put(w, 20, 20);
	put(w, 40, CROWD_ROWS - 40);
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
	w->crowd.n_columns = w->n_columns;
	crowd_release(&w->crowd);
}

/* Counts how often each row comes; returns the tiles that were pruned by it. */
static uint64_t scan(struct world *w, const char *text, bool no_prune, uint8_t *seen)
{
	const char *columns[] = { ID_COLUMN };
	teg_scan_options options = { .struct_size = sizeof options,
		                     .columns = columns,
		                     .n_columns = 1,
		                     .no_prune = no_prune };
	teg_scan_stats stats = { .struct_size = sizeof stats };
	teg_predicate *predicate;
	struct ArrowArray batch;
	teg_scan *scan;
	teg_status status;

	OK(teg_predicate_parse(text, NULL, &predicate, err));
	options.predicate = predicate;
	OK(teg_scan_open(w->array, &options, &scan, err));
	teg_predicate_free(predicate);
	memset(seen, 0, CROWD_ROWS);
	while ((status = teg_scan_next(scan, &batch, NULL)) == TEG_OK) {
		const int64_t *ids = batch.children[0]->buffers[1];

		for (int64_t i = 0; i < batch.length; i++)
			seen[ids[i + batch.children[0]->offset]]++;
		batch.release(&batch);
	}
	cr_assert_eq(status, TEG_END);
	teg_scan_get_stats(scan, &stats);
	teg_scan_close(scan);
	return stats.tiles_pruned_attribute;
}

Test(predicate_scan, returns_the_rows_that_the_oracle_names) /* V6, PRED-1, PRED-26 */
{
	struct rng rng = { 1 };
	uint64_t n_pruned = 0;

	for (int round = 0; round < 6; round++) {
		static struct world w;

		open_world(&w, &rng);
		for (int i = 0; i < 60; i++) {
			uint8_t pruned[CROWD_ROWS], whole[CROWD_ROWS];
			struct conditions c;

			conditions_make(&c, &w.crowd, 1 + (int)rng_below(&rng, 4));
			n_pruned += scan(&w, c.text, false, pruned);
			scan(&w, c.text, true, whole);
			for (size_t row = 0; row < CROWD_ROWS; row++) {
				int want = conditions_answer(&c, row) == 1;

				cr_assert_eq(whole[row], want, "row %zu: %s", row, c.text);
				cr_assert_eq(pruned[row], want, "row %zu, pruned: %s", row, c.text);
			}
		}
		close_world(&w);
	}
	cr_assert_gt(n_pruned, 100, "%llu tiles pruned", (unsigned long long)n_pruned);
}

Test(predicate_scan, names_the_column_that_it_does_not_know) /* PRED-12, PRED-20 */
{
	static const struct {
		const char *text;
		teg_status status;
		const char *column;
	} refused[] = {
		{ "nothing = 1", TEG_NOT_FOUND, "nothing" },
		{ "s = 1", TEG_MISUSE, "s" },
		{ "i8 = 'x'", TEG_MISUSE, "i8" },
	};
	struct rng rng = { 2 };
	static struct world w;

	open_world(&w, &rng);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		teg_scan_options options = { .struct_size = sizeof options };
		teg_predicate *predicate;
		teg_scan *scan = NULL;
		teg_error why;

		OK(teg_predicate_parse(refused[i].text, NULL, &predicate, err));
		options.predicate = predicate;
		cr_assert_eq(teg_scan_open(w.array, &options, &scan, &why), refused[i].status);
		cr_assert_str_eq(why.column, refused[i].column);
		cr_assert_str_eq(why.array, "a");
		teg_predicate_free(predicate);
	}
	close_world(&w);
}
