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

/* Columns besides the times. */
static size_t n_usual(int array)
{
	return array == TABLE ? 2 : 3;
}

static size_t take_batch(const struct play *w, int array, const struct ArrowArray *batch,
                         struct answer *out)
{
	bool table = array == TABLE, valid_time = w->models[array].valid_time;
	size_t usual = n_usual(array), until = usual + (valid_time ? 2 : 0);

	for (int64_t i = 0; i < batch->length; i++) {
		struct answer *a = &out[i];

		memset(a, 0, sizeof *a);
		a->key = table ? int_at(batch->children[0], i, 8)
		               : int_at(batch->children[0], i, 4) * SIDE +
		                         int_at(batch->children[1], i, 4);
		a->value = time_or(batch->children[usual - 1], i, NULL_VALUE);
		if (valid_time) {
			a->from = time_or(batch->children[usual], i, INT64_MIN);
			a->until = time_or(batch->children[usual + 1], i, INT64_MAX);
		}
		a->system_until = (size_t)batch->n_children > until
		                          ? time_or(batch->children[until], i, INT64_MAX)
		                          : INT64_MIN;
	}
	return (size_t)batch->length;
}

static size_t choose_columns(const struct play *w, int array, bool until, const char **columns)
{
	size_t n = 0;

	if (array == TABLE)
		columns[n++] = "row_id";
	else
		columns[n++] = "x", columns[n++] = "y";
	columns[n++] = "value";
	if (w->models[array].valid_time)
		columns[n++] = "valid_from", columns[n++] = "valid_until";
	if (until)
		columns[n++] = "system_until";
	return n;
}

static size_t read_rows(struct play *w, teg_array *at, int array, teg_scan_options *options,
                        bool until, struct answer *out)
{
	const char *columns[6];
	struct ArrowArray batch;
	teg_scan *scan;
	teg_status status;
	size_t n = 0;
	teg_error err;

	options->columns = columns;
	options->n_columns = choose_columns(w, array, until, columns);
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

/* Which keys, values and points are asked for, and when. */
struct question {
	struct call call; /* its box and `above` */
	bool boxed, above;
	int only;   /* V index; -1: all */
	int64_t s;  /* INT64_MAX: now */
	bool until; /* system_until as well */
};

static bool asks_key(const struct question *q, size_t key)
{
	return !q->boxed || play_in_box(&q->call, key);
}

static bool asks_value(const struct question *q, int64_t value)
{
	return !q->above || value > q->call.above;
}

static bool asks_point(const struct model *m, const struct question *q, int v)
{
	return m->valid_time ? q->only < 0 || v == q->only : v == 1;
}

static bool row_covers(const struct model *m, const struct answer *row, int v)
{
	return m->valid_time ? row->from <= model_point(v) && model_point(v) < row->until : v == 1;
}

static void check_repeated(const struct play *w, const struct question *q,
                           const struct answer *rows, size_t n)
{
	const struct model *m = &w->models[REPEATED];
	static uint32_t got[KEYS][V_POINTS][21];

	memset(got, 0, sizeof got);
	for (size_t i = 0; i < n; i++)
		for (int v = 0; v < V_POINTS; v++) {
			PLAY_ASSERT(rows[i].key >= 0 && rows[i].key < KEYS &&
			                    rows[i].value >= NULL_VALUE && rows[i].value < 20,
			            "seed %llu: no such event", (unsigned long long)w->seed);
			got[rows[i].key][v][rows[i].value + 1] += row_covers(m, &rows[i], v);
		}
	for (size_t key = 0; key < KEYS; key++)
		for (int v = 0; v < V_POINTS; v++)
			for (int64_t value = NULL_VALUE; value < 20 && asks_point(m, q, v);
			     value++) {
				size_t want = asks_key(q, key) && asks_value(q, value)
				                      ? model_count(m, key, q->s, v, value)
				                      : 0;

				PLAY_ASSERT(want == got[key][v][value + 1],
				            "seed %llu call %zu: repeated key %zu V %d S %lld "
				            "value %lld: %u, not %zu",
				            (unsigned long long)w->seed, w->n_calls, key, v,
				            (long long)q->s, (long long)value,
				            got[key][v][value + 1], want);
			}
}

/* A piece holds until the first time at which something is said of any part of it. Of one between the times
 * of two commits the model has no point. */
static void check_until(const struct play *w, int array, int64_t s, const struct answer *row)
{
	const struct model *m = &w->models[array];
	int64_t want = INT64_MAX;
	bool any = false;

	if (row->system_until == INT64_MIN)
		return;
	for (int v = 0; v < V_POINTS; v++) {
		int64_t until = model_until(m, (size_t)row->key, s, v);

		if (!row_covers(m, row, v))
			continue;
		want = until < want ? until : want;
		any = true;
	}
	PLAY_ASSERT(!any || row->system_until == want,
	            "seed %llu call %zu: %s key %lld S %lld holds until %lld, not %lld",
	            (unsigned long long)w->seed, w->n_calls, play_names[array], (long long)row->key,
	            (long long)s, (long long)row->system_until, (long long)want);
}

/* Every point of valid time that a piece covers answers as the model does, and no other point. */
static void check_unique(const struct play *w, int array, const struct question *q,
                         const struct answer *rows, size_t n)
{
	const struct model *m = &w->models[array];
	int64_t s = q->s;
	int8_t(*seen)[V_POINTS] = calloc(m->n_keys + 1, sizeof *seen);

	for (size_t i = 0; i < n; i++)
		for (int v = 0; v < V_POINTS; v++) {
			struct saying want;

			if (!row_covers(m, &rows[i], v))
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
			struct saying said = model_ask(m, key, s, v);

			if (!asks_point(m, q, v))
				continue;
			PLAY_ASSERT((said.what == SAID_LIVE && asks_key(q, key) &&
			             asks_value(q, said.value)) == (seen[key][v] != 0),
			            "seed %llu call %zu: %s key %zu V %d S %lld: %s",
			            (unsigned long long)w->seed, w->n_calls, play_names[array], key,
			            v - 1, (long long)s, seen[key][v] ? "too much" : "missing");
		}
	free(seen);
}

int64_t play_draw_time(struct play *w)
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

static void draw_times(struct play *w, int array, struct question *q, teg_scan_options *options)
{
	uint32_t mode = w->n_times ? play_draw(w, 5) : 0;

	q->s = INT64_MAX;
	q->only = -1;
	if (mode > 2) {
		options->mode = TEG_SCAN_AS_OF;
		options->system_time = q->s = play_draw_time(w);
	} else if (mode == 2 && !w->retains &&
	           w->steady) { /* the horizon is the array's own time's */
		size_t i = play_draw(w, (uint32_t)(w->n_times < 4096 ? w->n_times : 4096));

		options->mode = TEG_SCAN_AS_OF_VERSION;
		options->version = w->versions[i].version;
		q->s = w->versions[i].time;
	}
	if (w->models[array].valid_time && play_draw(w, 2)) {
		q->only = (int)play_draw(w, V_POINTS);
		options->valid_mode = TEG_VALID_AT;
		options->valid_at = model_point(q->only);
	}
}

static void draw_cells(struct play *w, int array, struct question *q, teg_scan_options *options,
                       teg_range *box, teg_predicate **where)
{
	teg_value above = { .type = TEG_INT64 };
	teg_error err;

	play_draw_call(w, &q->call);
	q->call.array = array;
	q->call.n_known = w->models[TABLE].n_keys;
	q->boxed = play_draw(w, 3) == 0;
	q->above = play_draw(w, 3) == 0;
	q->until = play_draw(w, 2);
	play_box_of(&q->call, box);
	options->box = q->boxed ? box : NULL;
	above.as.i = q->call.above;
	if (q->above)
		play_fine(w, teg_predicate_compare("value", TEG_GT, &above, NULL, where, &err),
		          &err);
	options->predicate = *where;
}

static void check_array(struct play *w, teg_array *at, int array)
{
	static struct answer rows[200000], again[200000];
	teg_scan_options options = { .struct_size = sizeof options };
	struct question q;
	teg_range box[2];
	teg_predicate *where = NULL;
	size_t n, n_again;

	draw_times(w, array, &q, &options);
	if (q.s < play_horizon(w, at)) {
		check_beyond(w, at, &options);
		return;
	}
	draw_cells(w, array, &q, &options, box, &where);
	n = read_rows(w, at, array, &options, q.until, rows);
	options.no_prune = true;
	n_again = read_rows(w, at, array, &options, q.until, again);
	teg_predicate_free(where);
	check_same(w, array, q.s, rows, n, again, n_again);
	if (array == REPEATED)
		check_repeated(w, &q, rows, n);
	else
		check_unique(w, array, &q, rows, n);
	for (size_t i = 0; i < n; i++)
		check_until(w, array, q.s, &rows[i]);
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
	options.valid_at = model_point(v);
	if (w->n_times && play_draw(w, 2)) {
		options.mode = TEG_SCAN_AS_OF;
		options.system_time = s = play_draw_time(w);
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
		play_check_values(w, at, array);
		teg_array_close(at);
	}
	teg_snapshot_close(snapshot);
}
