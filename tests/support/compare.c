#include <stdlib.h>
#include <string.h>
#include "tests/support/play.h"

/* ---- comparing ---- */

struct answer {
	int64_t key, value, from, until;
	int64_t system_until; /* INT64_MIN: not asked for */
};

static int by_answer(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct answer)); /* any total order will do */
}

static int64_t int_at(const struct ArrowArray *a, int64_t i, size_t width)
{
	if (width == 4)
		return ((const int32_t *)a->buffers[1])[i];
	return ((const int64_t *)a->buffers[1])[i];
}

static int64_t time_or(const struct ArrowArray *a, int64_t i, int64_t open)
{
	const uint8_t *validity = a->buffers[0];

	return validity && !((validity[i >> 3] >> (i & 7)) & 1) ? open : int_at(a, i, 8);
}

/* Columns besides system_until. */
static int64_t n_usual(const struct play *w, int array)
{
	return array == TABLE ? 2 : w->models[array].valid_time ? 5 : 3;
}

static size_t take_batch(const struct play *w, int array, const struct ArrowArray *batch,
                         struct answer *out)
{
	bool table = array == TABLE;

	for (int64_t i = 0; i < batch->length; i++) {
		struct answer *a = &out[i];

		memset(a, 0, sizeof *a);
		a->key = table ? int_at(batch->children[0], i, 8)
		               : int_at(batch->children[0], i, 4) * SIDE +
		                         int_at(batch->children[1], i, 4);
		a->value = int_at(batch->children[table ? 1 : 2], i, 8);
		if (w->models[array].valid_time) {
			a->from = time_or(batch->children[3], i, INT64_MIN);
			a->until = time_or(batch->children[4], i, INT64_MAX);
		}
		a->system_until =
			batch->n_children > n_usual(w, array)
				? time_or(batch->children[n_usual(w, array)], i, INT64_MAX)
				: INT64_MIN;
	}
	return (size_t)batch->length;
}

static size_t read_rows(struct play *w, teg_array *at, int array, teg_scan_options *options,
                        bool until, struct answer *out)
{
	static const char *const table_columns[] = { "row_id", "value", "system_until" };
	static const char *const columns[] = { "x", "y", "value", "system_until" };
	static const char *const valid_columns[] = { "x",          "y",           "value",
		                                     "valid_from", "valid_until", "system_until" };
	struct ArrowArray batch;
	teg_scan *scan;
	teg_status status;
	size_t n = 0;
	teg_error err;

	options->columns = array == TABLE                ? table_columns
	                   : w->models[array].valid_time ? valid_columns
	                                                 : columns;
	options->n_columns = (size_t)n_usual(w, array) + until;
	play_fine(w, teg_scan_open(at, options, &scan, &err), &err);
	while ((status = teg_scan_next(scan, &batch, &err)) == TEG_OK) {
		n += take_batch(w, array, &batch, out + n);
		batch.release(&batch);
	}
	PLAY_ASSERT((status) == (TEG_END), "seed %llu: %s", (unsigned long long)w->seed,
	            err.message);
	teg_scan_close(scan);
	qsort(out, n, sizeof *out, by_answer);
	return n;
}

static void check_repeated(const struct play *w, int64_t s, const struct answer *rows, size_t n)
{
	const struct model *m = &w->models[REPEATED];
	size_t want = 0;

	for (size_t key = 0; key < KEYS; key++)
		for (int64_t value = 0; value < 20; value++) {
			size_t count = model_count(m, key, s, value), got = 0;

			for (size_t i = 0; i < n; i++)
				got += rows[i].key == (int64_t)key && rows[i].value == value;
			PLAY_ASSERT((got) == (count),
			            "seed %llu call %zu: repeated key %zu value %lld: %zu, not %zu",
			            (unsigned long long)w->seed, w->n_calls, key, (long long)value,
			            got, count);
			want += count;
		}
	PLAY_ASSERT((n) == (want), "%s", "(n) == (want)");
}

/* A piece holds until the first time at which something is said of any part of it. */
static void check_until(const struct play *w, int array, int64_t s, const struct answer *row)
{
	const struct model *m = &w->models[array];
	int64_t want = INT64_MAX;

	if (row->system_until == INT64_MIN)
		return;
	for (int v = 0; v < V_POINTS; v++) {
		int64_t until = model_until(m, (size_t)row->key, s, v);

		if (m->valid_time ? row->from <= v - 1 && v - 1 < row->until : v == 1)
			want = until < want ? until : want;
	}
	PLAY_ASSERT(row->system_until == want,
	            "seed %llu call %zu: %s key %lld S %lld holds until %lld, not %lld",
	            (unsigned long long)w->seed, w->n_calls, play_names[array], (long long)row->key,
	            (long long)s, (long long)row->system_until, (long long)want);
}

/* Every point of valid time that a piece covers answers as the model does, and no other point. */
static void check_unique(const struct play *w, int array, int64_t s, const struct answer *rows,
                         size_t n, int only)
{
	const struct model *m = &w->models[array];
	int8_t(*seen)[V_POINTS] = calloc(m->n_keys + 1, sizeof *seen);

	for (size_t i = 0; i < n; i++)
		for (int v = 0; v < V_POINTS; v++) {
			struct saying want;

			if (m->valid_time ? !(rows[i].from <= v - 1 && v - 1 < rows[i].until)
			                  : v != 1)
				continue;
			PLAY_ASSERT(rows[i].key >= 0 && (size_t)rows[i].key < m->n_keys, "%s",
			            "rows[i].key >= 0 && (size_t)rows[i].key < m->n_keys");
			want = model_ask(m, (size_t)rows[i].key, s, v);
			PLAY_ASSERT(!seen[rows[i].key][v]++, "seed %llu: pieces overlap",
			            (unsigned long long)w->seed);
			PLAY_ASSERT(
				want.what == SAID_LIVE && want.value == rows[i].value,
				"seed %llu call %zu: %s key %lld V %d S %lld: value %lld, model says %d %lld",
				(unsigned long long)w->seed, w->n_calls, play_names[array],
				(long long)rows[i].key, v - 1, (long long)s,
				(long long)rows[i].value, (int)want.what, (long long)want.value);
		}
	for (size_t key = 0; key < m->n_keys; key++)
		for (int v = 0; v < V_POINTS; v++) {
			if ((only >= 0 && v != only) || (!m->valid_time && v != 1))
				continue;
			PLAY_ASSERT((model_ask(m, key, s, v).what == SAID_LIVE) ==
			                    (seen[key][v] != 0),
			            "seed %llu call %zu: %s key %zu V %d S %lld: %s",
			            (unsigned long long)w->seed, w->n_calls, play_names[array], key,
			            v - 1, (long long)s, seen[key][v] ? "too much" : "missing");
		}
	free(seen);
}

static int64_t draw_time(struct play *w)
{
	return w->times[play_draw(w, (uint32_t)(w->n_times < 4096 ? w->n_times : 4096))] -
	       (int64_t)play_draw(w, 2);
}

static void check_beyond(struct play *w, teg_array *at, const teg_scan_options *options)
{
	teg_scan *scan;
	teg_error err;

	PLAY_ASSERT((teg_scan_open(at, options, &scan, &err)) == (TEG_BEYOND_HORIZON),
	            "seed %llu: before the horizon", (unsigned long long)w->seed);
}

/* Pruned and not. */
static void check_same(const struct play *w, int array, int64_t s, const struct answer *rows,
                       size_t n, const struct answer *again, size_t n_again)
{
	for (size_t i = 0; i < n || i < n_again; i++) {
		const struct answer *a = i < n ? &rows[i] : &again[i], *b = &again[i];

		PLAY_ASSERT(
			i < n && i < n_again && !memcmp(a, b, sizeof *a),
			"seed %llu call %zu: pruning changes what %s answers at %lld: key %lld "
			"value %lld [%lld, %lld) until %lld, unpruned until %lld; %zu rows and %zu",
			(unsigned long long)w->seed, w->n_calls, play_names[array], (long long)s,
			(long long)a->key, (long long)a->value, (long long)a->from,
			(long long)a->until, (long long)a->system_until,
			(long long)(i < n_again ? b->system_until : 0), n, n_again);
	}
}

static void check_array(struct play *w, teg_array *at, int array)
{
	static struct answer rows[200000], again[200000];
	teg_scan_options options = { .struct_size = sizeof options };
	int64_t s = INT64_MAX;
	int only = -1;
	bool until;
	size_t n;

	if (w->n_times && play_draw(w, 2)) {
		options.mode = TEG_SCAN_AS_OF;
		options.system_time = s = draw_time(w);
	}
	if (s < play_horizon(w, at)) {
		check_beyond(w, at, &options);
		return;
	}
	if (w->models[array].valid_time && play_draw(w, 2)) {
		only = (int)play_draw(w, V_POINTS);
		options.valid_mode = TEG_VALID_AT;
		options.valid_at = only - 1;
	}
	until = play_draw(w, 2);
	n = read_rows(w, at, array, &options, until, rows);
	options.no_prune = true;
	check_same(w, array, s, rows, n, again, read_rows(w, at, array, &options, until, again));
	if (array == REPEATED)
		check_repeated(w, s, rows, n);
	else
		check_unique(w, array, s, rows, n, only);
	for (size_t i = 0; i < n; i++)
		check_until(w, array, s, &rows[i]);
}

static void check_point(struct play *w, teg_array *at, int array)
{
	struct model *m = &w->models[array];
	size_t key = m->n_keys ? play_draw(w, (uint32_t)m->n_keys) : 0;
	teg_value value[2] = { { .type = TEG_INT32, .as.i = (int64_t)(key / SIDE) },
		               { .type = TEG_INT32, .as.i = (int64_t)(key % SIDE) } };
	teg_read_options options = { .struct_size = sizeof options };
	int v = m->valid_time ? (int)play_draw(w, V_POINTS) : 1;
	int64_t s = INT64_MAX;
	static const teg_outcome outcomes[] = { TEG_OUTCOME_NOT_FOUND, TEG_OUTCOME_LIVE,
		                                TEG_OUTCOME_DELETED, TEG_OUTCOME_ERASED };
	enum said said;
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_outcome outcome;
	teg_error err;

	if (array == REPEATED || !m->n_keys)
		return;
	if (array == TABLE)
		value[0] = (teg_value){ .type = TEG_INT64, .as.i = (int64_t)key };
	options.has_valid_at = m->valid_time;
	options.valid_at = v - 1;
	if (w->n_times && play_draw(w, 2)) {
		options.mode = TEG_SCAN_AS_OF;
		options.system_time = s = draw_time(w);
	}
	play_fine(w,
	          teg_get(at, value, array == TABLE ? 1 : 2, &options, &outcome, &schema, &batch,
	                  &err),
	          &err);
	said = model_ask(m, key, s, v).what;
	if (s < play_horizon(w, at)) {
		PLAY_ASSERT((outcome) == (TEG_OUTCOME_BEYOND_HORIZON), "%s",
		            "(outcome) == (TEG_OUTCOME_BEYOND_HORIZON)");
		return;
	}
	/* A key to be forgotten is erased until a merge has seen to it; an older box shows then. */
	if (!(said == SAID_ERASED && outcome != TEG_OUTCOME_LIVE && w->seed % 4 == 0))
		PLAY_ASSERT((outcome) == (outcomes[said]),
		            "seed %llu call %zu: %s key %zu V %d S %lld: outcome %d, model %d",
		            (unsigned long long)w->seed, w->n_calls, play_names[array], key, v - 1,
		            (long long)s, (int)outcome, (int)said);
	if (outcome == TEG_OUTCOME_LIVE) {
		batch.release(&batch);
		schema.release(&schema);
	}
}

/* Ordinals count live rows in row order. */
static void check_take(struct play *w, teg_array *at)
{
	const struct model *m = &w->models[TABLE];
	int64_t ordinals[3], want[3];
	struct ArrowSchema schema;
	struct ArrowArray batch;
	uint64_t n_live, live = 0;
	teg_error err;

	play_fine(w, teg_count_live(at, NULL, &n_live, &err), &err);
	for (size_t key = 0; key < m->n_keys; key++)
		live += model_ask(m, key, INT64_MAX, 1).what == SAID_LIVE;
	PLAY_ASSERT((n_live) == (live), "seed %llu: live rows", (unsigned long long)w->seed);
	if (!live)
		return;
	for (int i = 0; i < 3; i++) {
		int64_t at_rank = ordinals[i] = play_draw(w, (uint32_t)live);

		for (size_t key = 0;; key++)
			if (model_ask(m, key, INT64_MAX, 1).what == SAID_LIVE && at_rank-- == 0) {
				want[i] = model_ask(m, key, INT64_MAX, 1).value;
				break;
			}
	}
	play_fine(w, teg_take(at, ordinals, 3, NULL, 0, NULL, &schema, &batch, &err), &err);
	for (int i = 0; i < 3; i++)
		PLAY_ASSERT((int_at(batch.children[0], i, 8)) == (want[i]), "seed %llu: take",
		            (unsigned long long)w->seed);
	batch.release(&batch);
	schema.release(&schema);
}

static void check_box(struct play *w, teg_array *at)
{
	int64_t values[KEYS];
	uint8_t mask[KEYS];
	struct call c;
	teg_range box[2];
	teg_buffer buffer = { .name = "value", .values = values, .values_len = sizeof values };
	teg_error err;
	int i = 0;

	play_draw_call(w, &c);
	c.array = DENSE;
	play_box_of(&c, box);
	play_fine(w, teg_read_box(at, box, &buffer, 1, mask, NULL, &err), &err);
	for (int x = c.x0; x <= c.x1; x++)
		for (int y = c.y0; y <= c.y1; y++, i++) {
			struct saying want =
				model_ask(&w->models[DENSE], (size_t)(x * SIDE + y), INT64_MAX, 1);

			PLAY_ASSERT((mask[i]) == (want.what == SAID_LIVE),
			            "seed %llu: mask of %d %d", (unsigned long long)w->seed, x, y);
			PLAY_ASSERT((values[i]) == (want.what == SAID_LIVE ? want.value : 0),
			            "seed %llu: box", (unsigned long long)w->seed);
		}
}

void play_check(struct play *w)
{
	teg_snapshot *snapshot;
	teg_error err;

	play_fine(w, teg_snapshot_open(w->store, &snapshot, &err), &err);
	for (int array = 0; array < N_ARRAYS; array++) {
		teg_array *at;

		play_fine(w, teg_array_open(snapshot, play_names[array], &at, &err), &err);
		check_array(w, at, array);
		check_point(w, at, array);
		play_check_history(w, at, array);
		if (array == TABLE)
			check_take(w, at);
		if (array == DENSE)
			check_box(w, at);
		teg_array_close(at);
	}
	teg_snapshot_close(snapshot);
}
