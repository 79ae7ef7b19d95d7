/* All versions, ranges of system time and changes, against the model, point by point. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/support/play.h"

/* One row of a scan with all its times. */
struct told {
	int64_t key, value, from, until, system_from, system_until;
	int64_t kind, change;
	int64_t end; /* of a box: the key at its upper corner; -1: a cell */
};

#define TOLD_MAX 100000

static const struct ArrowArray *column_of(const struct ArrowSchema *schema,
                                          const struct ArrowArray *batch, const char *name)
{
	for (int64_t c = 0; c < schema->n_children; c++)
		if (!strcmp(schema->children[c]->name, name))
			return batch->children[c];
	return NULL;
}

static int64_t number(const struct ArrowArray *a, int64_t i, size_t width, int64_t otherwise)
{
	const uint8_t *validity = a ? a->buffers[0] : NULL;
	int64_t value = 0;

	if (!a || (validity && !((validity[i >> 3] >> (i & 7)) & 1)))
		return otherwise;
	memcpy(&value, (const uint8_t *)a->buffers[1] + (size_t)i * width, width);
	return value;
}

static size_t take(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                   struct told *out)
{
	const struct ArrowArray *id = column_of(schema, batch, "row_id"),
				*x = column_of(schema, batch, "x"),
				*y = column_of(schema, batch, "y"),
				*value = column_of(schema, batch, "value"),
				*from = column_of(schema, batch, "valid_from"),
				*until = column_of(schema, batch, "valid_until"),
				*system_from = column_of(schema, batch, "system_from"),
				*system_until = column_of(schema, batch, "system_until"),
				*kind = column_of(schema, batch, "row_kind"),
				*change = column_of(schema, batch, "change"),
				*end = column_of(schema, batch, "box_end.row_id"),
				*end_x = column_of(schema, batch, "box_end.x"),
				*end_y = column_of(schema, batch, "box_end.y");

	for (int64_t i = 0; i < batch->length; i++)
		out[i] =
			(struct told){ .key = id ? number(id, i, 8, -1)
			                         : number(x, i, 4, -1) * SIDE + number(y, i, 4, -1),
			               .value = number(value, i, 8, -1),
			               .from = number(from, i, 8, INT64_MIN),
			               .until = number(until, i, 8, INT64_MAX),
			               .system_from = number(system_from, i, 8, -1),
			               .system_until = number(system_until, i, 8, INT64_MAX),
			               .kind = number(kind, i, 1, -1),
			               .change = number(change, i, 1, 0),
			               .end = end     ? number(end, i, 8, -1)
			                      : end_x ? number(end_x, i, 4, -1) * (SIDE + 1) +
			                                        number(end_y, i, 4, -1)
			                              : -1 };
	return (size_t)batch->length;
}

static size_t read_told(struct play *w, teg_array *at, teg_scan_options *options, struct told *out)
{
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_scan *scan;
	teg_status status;
	size_t n = 0;
	teg_error err;

	options->struct_size = sizeof *options;
	options->times = true;
	play_fine(w, teg_scan_open(at, options, &scan, &err), &err);
	play_fine(w, teg_scan_schema(scan, &schema, &err), &err);
	while ((status = teg_scan_next(scan, &batch, &err)) == TEG_OK) {
		n += take(&schema, &batch, out + n);
		batch.release(&batch);
	}
	PLAY_ASSERT((status) == (TEG_END), "seed %llu: %s", (unsigned long long)w->seed,
	            err.message);
	schema.release(&schema);
	teg_scan_close(scan);
	return n;
}

static int by_all(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct told)); /* any total order will do */
}

/* All but a list of all versions comes in the order of tiles, which a merge may change. */
static void sort_told(const teg_scan_options *options, struct told *rows, size_t n)
{
	if (options->mode != TEG_SCAN_ALL_VERSIONS)
		qsort(rows, n, sizeof *rows, by_all);
}

/* ---- what is asked for, and what a point of it covers ---- */

struct asked {
	teg_scan_options options;
	int only;       /* V index; -1: all */
	int64_t a, b;   /* the window */
	int64_t s1, s2; /* range and changes */
};

static void draw_window(struct play *w, const struct model *m, struct asked *q)
{
	q->only = -1;
	q->a = INT64_MIN;
	q->b = INT64_MAX;
	if (!m->valid_time)
		return;
	switch (play_draw(w, 3)) {
	case 0:
		q->only = (int)play_draw(w, V_POINTS);
		q->options.valid_mode = TEG_VALID_AT;
		q->options.valid_at = model_point(q->only);
		q->a = model_point(q->only);
		q->b = q->a + 1;
		break;
	case 1:
		q->options.valid_mode = TEG_VALID_RANGE;
		q->a = q->options.valid_at = play_draw(w, V_BOUND);
		q->b = q->options.valid_end = q->a + 1 + play_draw(w, 4);
		break;
	default: break;
	}
}

static bool asks_point(const struct model *m, const struct asked *q, int v)
{
	return m->valid_time ? model_point(v) >= q->a && model_point(v) < q->b : v == 1;
}

static bool covers(const struct model *m, const struct told *row, int v)
{
	return m->valid_time ? row->from <= model_point(v) && model_point(v) < row->until : v == 1;
}

static bool draw_range(struct play *w, teg_array *at, struct asked *q)
{
	int64_t a, b;

	if (!w->n_times)
		return false;
	a = w->times[play_draw(w, (uint32_t)(w->n_times < 4096 ? w->n_times : 4096))];
	b = w->times[play_draw(w, (uint32_t)(w->n_times < 4096 ? w->n_times : 4096))] +
	    (int64_t)play_draw(w, 2);
	q->s1 = a < b ? a : b;
	q->s2 = (a < b ? b : a) + (a == b);
	q->options.system_time = q->s1;
	q->options.system_end = q->s2;
	return q->s1 >= play_horizon(w, at);
}

/* Rows by key, so that a key's are found at once. */
static int by_key(const void *a, const void *b)
{
	const struct told *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

static size_t first_of(const struct told *rows, size_t n, int64_t key)
{
	size_t lo = 0;

	while (lo < n) {
		size_t mid = lo + (n - lo) / 2;

		if (rows[mid].key < key)
			lo = mid + 1;
		else
			n = mid;
	}
	return lo;
}

struct keyed {
	const struct told *rows;
	size_t n;
};

static struct keyed rows_of(const struct told *rows, size_t n, size_t key)
{
	size_t first = first_of(rows, n, (int64_t)key), end = first_of(rows, n, (int64_t)key + 1);

	return (struct keyed){ rows + first, end - first };
}

#define COMPLAIN(w, array, key, v, what)                                                           \
	PLAY_ASSERT(false, "seed %llu call %zu: %s key %zu V %d: %s",                              \
	            (unsigned long long)(w)->seed, (w)->n_calls, play_names[array], (size_t)(key), \
	            (v)-1, what)

/* ---- system range ---- */

static void check_rectangles(struct play *w, int array, const struct asked *q, size_t key, int v,
                             struct keyed rows)
{
	const struct model *m = &w->models[array];
	struct saying told[SAYINGS_MAX];
	size_t n = model_told(m, key, v, told), want = 0, got = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t until = i ? told[i - 1].system_time : INT64_MAX;
		size_t found = 0;

		if (told[i].what != SAID_LIVE || told[i].system_time >= q->s2 || until <= q->s1)
			continue;
		want++;
		for (size_t r = 0; r < rows.n; r++)
			found += covers(m, &rows.rows[r], v) &&
			         rows.rows[r].system_from == told[i].system_time &&
			         rows.rows[r].system_until == until &&
			         rows.rows[r].value == told[i].value;
		if (found != 1)
			COMPLAIN(w, array, key, v, "a rectangle is missing or there twice");
	}
	for (size_t r = 0; r < rows.n; r++)
		got += covers(m, &rows.rows[r], v);
	if (got != want)
		COMPLAIN(w, array, key, v, "rectangles too many");
}

/* ---- changes ---- */

static int expected_change(struct saying was, struct saying is, int64_t s1, int64_t s2)
{
	if (is.what == SAID_LIVE)
		return was.what != SAID_LIVE               ? TEG_ADDED
		       : was.system_time != is.system_time ? TEG_CHANGED
		                                           : 0;
	if (was.what == SAID_LIVE)
		return TEG_DELETED;
	return is.what == SAID_ERASED && is.system_time > s1 && is.system_time <= s2 ? TEG_ERASED
	                                                                             : 0;
}

static void check_changes(struct play *w, int array, const struct asked *q, size_t key, int v,
                          struct keyed rows)
{
	const struct model *m = &w->models[array];
	struct saying was = model_ask(m, key, q->s1, v), is = model_ask(m, key, q->s2, v);
	int want = expected_change(was, is, q->s1, q->s2);
	size_t n = 0;

	for (size_t r = 0; r < rows.n; r++) {
		const struct told *row = &rows.rows[r];

		if (!covers(m, row, v))
			continue;
		n++;
		if (row->change != want)
			COMPLAIN(w, array, key, v, "another change");
		if (want != TEG_ERASED &&
		    row->value != (want == TEG_DELETED ? was.value : is.value))
			COMPLAIN(w, array, key, v, "the change of another row");
	}
	/* Erasures of boxes are not listed, nor what has been forgotten. */
	if (n > 1 || (n != (want != 0) && want != TEG_ERASED))
		COMPLAIN(w, array, key, v, n ? "a change too many" : "a change is missing");
}

/* ---- repeated cells: how many of each value, by what the mode tells ---- */

static int64_t n_told(const struct model *m, const struct asked *q, struct keyed of, int v,
                      int64_t value)
{
	int64_t n = 0;

	for (size_t r = 0; r < of.n; r++) {
		const struct told *row = &of.rows[r];

		if (row->value != value || !covers(m, row, v))
			continue;
		if (q->options.mode != TEG_SCAN_CHANGES)
			n += row->kind == 0;
		else
			n += row->change == TEG_ADDED ? 1 : row->change == TEG_DELETED ? -1 : 0;
	}
	return n;
}

/* A row stays for as long as any part of it answers, so a list has no less than the model. */
static bool fits(const struct model *m, const struct asked *q, size_t key, int v, int64_t value,
                 int64_t horizon, int64_t told)
{
	if (q->options.mode == TEG_SCAN_CHANGES)
		return told == (int64_t)model_count(m, key, q->s2, v, value) -
		                       (int64_t)model_count(m, key, q->s1, v, value);
	if (q->options.mode == TEG_SCAN_SYSTEM_RANGE)
		return told == (int64_t)model_events(m, key, v, value, q->s1, q->s2);
	if (horizon == INT64_MIN)
		return told == (int64_t)model_events(m, key, v, value, INT64_MIN, INT64_MAX);
	return told >= (int64_t)model_events(m, key, v, value, horizon, INT64_MAX);
}

static void check_events(struct play *w, const struct asked *q, int64_t horizon,
                         const struct told *rows, size_t n)
{
	const struct model *m = &w->models[REPEATED];

	for (size_t key = 0; key < KEYS; key++) {
		struct keyed of = rows_of(rows, n, key);

		for (int v = 0; v < V_POINTS; v++)
			for (int64_t value = NULL_VALUE; value < 20 && asks_point(m, q, v); value++)
				if (!fits(m, q, key, v, value, horizon, n_told(m, q, of, v, value)))
					COMPLAIN(w, REPEATED, key, v, "other events");
	}
}

/* ---- all versions ---- */

static bool has_live(const struct model *m, const struct asked *q, size_t key, int64_t horizon)
{
	struct saying told[SAYINGS_MAX];

	for (int v = 0; v < V_POINTS; v++) {
		size_t n = model_told(m, key, v, told);

		for (size_t i = 0; i < n && asks_point(m, q, v); i++)
			if (told[i].what == SAID_LIVE &&
			    (i ? told[i - 1].system_time : INT64_MAX) > horizon)
				return true;
	}
	return false;
}

static size_t n_matching(const struct model *m, struct keyed rows, int v, const struct saying *s)
{
	int64_t kind = s->what == SAID_LIVE ? 0 : s->what == SAID_DELETED ? 1 : 2;
	size_t n = 0;

	for (size_t r = 0; r < rows.n; r++)
		n += covers(m, &rows.rows[r], v) && rows.rows[r].system_from == s->system_time &&
		     rows.rows[r].kind == kind && (kind || rows.rows[r].value == s->value);
	return n;
}

static void check_versions(struct play *w, int array, const struct asked *q, int64_t horizon,
                           size_t key, int v, struct keyed rows)
{
	const struct model *m = &w->models[array];
	struct saying told[SAYINGS_MAX];
	size_t n = model_told(m, key, v, told), matched = 0, covering = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t until = i ? told[i - 1].system_time : INT64_MAX;
		size_t found = n_matching(m, rows, v, &told[i]);
		/* Deletions by box show where the key has rows; erasures by box do not. */
		bool must = until > horizon &&
		            (told[i].what == SAID_LIVE || (told[i].what == SAID_DELETED && !found &&
		                                           has_live(m, q, key, horizon)));

		if (found > 1 || (must && !found))
			COMPLAIN(w, array, key, v,
			         found ? "a version twice" : "a version is missing");
		matched += found;
	}
	for (size_t r = 0; r < rows.n; r++)
		covering += covers(m, &rows.rows[r], v);
	/* A row stays for as long as any part of it answers. */
	if (horizon == INT64_MIN && covering != matched)
		COMPLAIN(w, array, key, v, "a version that nobody told");
}

/* ---- the whole ---- */

static void check_points(struct play *w, teg_array *at, int array, const struct asked *q,
                         struct told *rows, size_t n)
{
	const struct model *m = &w->models[array];
	int64_t horizon = play_horizon(w, at);

	qsort(rows, n, sizeof *rows, by_key);
	if (array == REPEATED)
		check_events(w, q, horizon, rows, n);
	for (size_t key = 0; key < m->n_keys && array != REPEATED; key++)
		for (int v = 0; v < V_POINTS; v++) {
			struct keyed of = rows_of(rows, n, key);

			if (!asks_point(m, q, v))
				continue;
			if (q->options.mode == TEG_SCAN_SYSTEM_RANGE)
				check_rectangles(w, array, q, key, v, of);
			else if (q->options.mode == TEG_SCAN_CHANGES)
				check_changes(w, array, q, key, v, of);
			else
				check_versions(w, array, q, horizon, key, v, of);
		}
}

static void tell_row(const char *what, const struct told *row)
{
	fprintf(stderr, "%s: ", what);
	if (row)
		fprintf(stderr,
		        "key %lld value %lld V [%lld, %lld) S [%lld, %lld) kind %d change %d",
		        (long long)row->key, (long long)row->value, (long long)row->from,
		        (long long)row->until, (long long)row->system_from,
		        (long long)row->system_until, (int)row->kind, (int)row->change);
	fputc('\n', stderr);
}

void play_check_history(struct play *w, teg_array *at, int array)
{
	static const teg_scan_mode modes[] = { TEG_SCAN_SYSTEM_RANGE, TEG_SCAN_CHANGES,
		                               TEG_SCAN_ALL_VERSIONS };
	static struct told rows[TOLD_MAX], again[TOLD_MAX];
	struct asked q = { .options = { .mode = modes[play_draw(w, 3)] } };
	size_t n, n_again;

	/* Under a key that is forgotten an older box shows again. */
	if (w->seed % 4 == 0 && q.options.mode == TEG_SCAN_ALL_VERSIONS)
		return;
	draw_window(w, &w->models[array], &q);
	if (q.options.mode != TEG_SCAN_ALL_VERSIONS && !draw_range(w, at, &q))
		return;
	n = read_told(w, at, &q.options, rows);
	q.options.no_prune = true;
	n_again = read_told(w, at, &q.options, again);
	sort_told(&q.options, rows, n);
	sort_told(&q.options, again, n_again);
	for (size_t i = 0; i < n || i < n_again; i++)
		if (i >= n || i >= n_again || by_all(&rows[i], &again[i]) != 0) {
			tell_row("pruned", i < n ? &rows[i] : NULL);
			tell_row("whole", i < n_again ? &again[i] : NULL);
			fprintf(stderr, "asked: mode %d S %lld to %lld, V [%lld, %lld)\n",
			        (int)q.options.mode, (long long)q.s1, (long long)q.s2,
			        (long long)q.a, (long long)q.b);
			COMPLAIN(w, array, rows[i].key, 0, "pruning changes the answer");
		}
	check_points(w, at, array, &q, rows, n);
}

/* ---- the same before and after ---- */

static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * 1099511628211u;
	return hash;
}

uint64_t play_fingerprint(struct play *w, teg_array *at, int array, bool any_order)
{
	static struct told rows[TOLD_MAX];
	int64_t horizon = play_horizon(w, at);
	const teg_scan_options asked[] = {
		{ .kinds = 3 },
		{ .mode = TEG_SCAN_ALL_VERSIONS },
		{ .mode = TEG_SCAN_SYSTEM_RANGE, .system_time = horizon, .system_end = INT64_MAX },
		{ .mode = TEG_SCAN_CHANGES,
		  .system_time = horizon > 0 ? horizon : 0,
		  .system_end = INT64_MAX },
	};
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
		teg_scan_options options = asked[i];
		size_t n;

		/* Of box deletions no rows are told but in a list of all versions. */
		if (array != SPARSE && !i)
			options.kinds = 1;
		n = read_told(w, at, &options, rows);
		if (any_order)
			qsort(rows, n, sizeof *rows, by_all);
		else
			sort_told(&options, rows, n);
		for (size_t k = 0; w->tells && k < n; k++)
			tell_row("as of", &rows[k]);
		hash = mix(mix(hash, &n, sizeof n), rows, n * sizeof *rows);
	}
	return hash;
}

/* What every key answers at a few (S, V), put or not. */
static uint64_t print_outcomes(struct play *w, teg_array *at, int array, uint64_t hash)
{
	int64_t horizon = play_horizon(w, at);

	for (size_t key = 0; key < KEYS; key++)
		for (size_t i = key % 5; i < w->n_times && i < 4096; i += w->n_times / 4 + 1) {
			teg_value value[2] = { { .type = TEG_INT32, .as.i = (int64_t)key / SIDE },
				               { .type = TEG_INT32, .as.i = (int64_t)key % SIDE } };
			teg_read_options options = { .struct_size = sizeof options,
				                     .mode = TEG_SCAN_AS_OF,
				                     .system_time = w->times[i],
				                     .has_valid_at = w->models[array].valid_time,
				                     .valid_at = model_point((int)(i % V_POINTS)) };
			struct ArrowSchema schema;
			struct ArrowArray batch;
			teg_outcome outcome;
			teg_error err;

			if (array == TABLE)
				value[0] = (teg_value){ .type = TEG_INT64, .as.i = (int64_t)key };
			if (w->times[i] < horizon || w->retains)
				continue;
			play_fine(w,
			          teg_get(at, value, array == TABLE ? 1 : 2, &options, &outcome,
			                  &schema, &batch, &err),
			          &err);
			hash = mix(hash, &outcome, sizeof outcome);
			if (outcome != TEG_OUTCOME_LIVE)
				continue;
			batch.release(&batch);
			schema.release(&schema);
		}
	return hash;
}

uint64_t play_ledger_print(struct play *w, teg_array *at, int array)
{
	static struct told rows[TOLD_MAX];
	teg_scan_options all = { .mode = TEG_SCAN_ALL_VERSIONS, .kinds = 7 | TEG_KIND_BOX };
	uint64_t hash = print_outcomes(w, at, array, 14695981039346656037u);
	int64_t horizon = play_horizon(w, at);
	size_t n = read_told(w, at, &all, rows);

	for (size_t i = 0; w->tells && i < n; i++)
		tell_row(teg_array_name(at), &rows[i]);
	hash = mix(mix(hash, &n, sizeof n), rows, n * sizeof *rows);
	for (size_t i = 0; i < w->n_times && i < 4096; i += 7) {
		teg_scan_options options = { .mode = TEG_SCAN_AS_OF, .system_time = w->times[i] };

		if (w->times[i] < horizon || w->retains)
			continue;
		n = read_told(w, at, &options, rows);
		sort_told(&options, rows, n);
		for (size_t k = 0; w->tells && k < n; k++)
			tell_row("as of", &rows[k]);
		hash = mix(mix(hash, &n, sizeof n), rows, n * sizeof *rows);
	}
	return hash;
}
