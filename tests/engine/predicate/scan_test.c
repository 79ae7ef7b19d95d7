/* Predicates through the public calls: rows of every type are written in commits of small tiles, and
 * each scan must return the rows that the oracle names, whether or not tiles are pruned. */
#include "tests/support/conditions.h"
#include "tests/support/world.h"

#define ID_COLUMN "i64" /* holds the row's number */

struct filtered {
	struct world world;
	struct reading at;
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
static void put(struct filtered *w, size_t from, size_t n)
{
	teg_column columns[CROWD_COLUMNS] = { { .name = NULL } };

	for (uint32_t c = 0; c < w->crowd.n_columns; c++) {
		struct column view = column_buf_view(&w->crowd.columns[c].values);
		bool runs = view.shape == COLUMN_BYTES;

		columns[c].name = w->crowd.columns[c].name;
		columns[c].values = runs ? view.values : view.values + from * view.width;
		columns[c].offsets = runs ? view.offsets + from : NULL;
		columns[c].validity = view.validity;
		columns[c].validity_bit = from;
	}
	txn_put(w->world.store, "a", columns, w->crowd.n_columns, n);
}

static void open_filtered(struct filtered *w, struct rng *rng)
{
	crowd_init(&w->crowd, rng, CROWD_ROWS);
	w->n_columns = w->crowd.n_columns;
	/* The oracle does not know the store's own times. */
	w->crowd.n_columns = w->crowd.schema->n_dims + w->crowd.schema->n_attrs;
	number_rows(&w->crowd);
	world_make(&w->world, (teg_store_options){ .no_auto_compact = true });
	txn_create(w->world.store, "a", &w->crowd.schema->spec);
	put(w, 0, 20);
	put(w, 20, 20);
	put(w, 40, CROWD_ROWS - 40);
	reading_open(&w->at, w->world.store, "a");
}

static void close_filtered(struct filtered *w)
{
	reading_close(&w->at);
	world_release(&w->world);
	w->crowd.n_columns = w->n_columns;
	crowd_release(&w->crowd);
}

/* Counts how often each row comes; returns the tiles that were pruned by it. */
static uint64_t scan(struct filtered *w, const char *text, bool no_prune, uint8_t *seen)
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

	OK(teg_predicate_parse(text, NULL, &predicate, err));
	options.predicate = predicate;
	scan = reading_scan(&w->at, &options);
	teg_predicate_free(predicate);
	memset(seen, 0, CROWD_ROWS);
	while (batch_next(scan, &batch)) {
		const int64_t *ids = batch.children[0]->buffers[1];

		for (int64_t i = 0; i < batch.length; i++)
			seen[ids[i + batch.children[0]->offset]]++;
		batch.release(&batch);
	}
	teg_scan_get_stats(scan, &stats);
	teg_scan_close(scan);
	return stats.tiles_pruned_attribute;
}

Test(predicate_scan, returns_the_rows_that_the_oracle_names) /* V6, PRED-1, PRED-26 */
{
	struct rng rng = { 1 };
	uint64_t n_pruned = 0;

	for (int round = 0; round < 6; round++) {
		static struct filtered w;

		open_filtered(&w, &rng);
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
		close_filtered(&w);
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
	static struct filtered w;

	open_filtered(&w, &rng);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		teg_scan_options options = { .struct_size = sizeof options };
		teg_predicate *predicate;
		teg_scan *scan = NULL;
		teg_error why;

		OK(teg_predicate_parse(refused[i].text, NULL, &predicate, err));
		options.predicate = predicate;
		cr_assert_eq(teg_scan_open(w.at.array, &options, &scan, &why), refused[i].status);
		cr_assert_str_eq(why.column, refused[i].column);
		cr_assert_str_eq(why.array, "a");
		teg_predicate_free(predicate);
	}
	close_filtered(&w);
}
