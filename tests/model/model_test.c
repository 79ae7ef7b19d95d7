/* Random operations on all three kinds of array, against the model. A failure names the seed: set
 * MODEL_SEED below to it to see it again. NG1, X3, X4, X6, X9, X14, B15 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "engine/os/memory.h"
#include "engine/tegula.h"
#include "tests/support/model.h"

enum { TABLE, SPARSE, REPEATED, DENSE, N_ARRAYS };
static const char *const names[N_ARRAYS] = { "table", "sparse", "repeated", "dense" };

#define CALLS_MAX 6

enum call_kind {
	PUT,
	UPDATE,
	DELETE_KEY,
	DELETE_BOX,
	DELETE_WHERE,
	ERASE_KEY,
	ERASE_BOX,
	ERASE_WHERE,
	N_CALLS
};

struct call {
	enum call_kind kind;
	int array;
	size_t n; /* rows of a put */
	size_t keys[4];
	int64_t values[4];
	int64_t from, until;
	int x0, x1, y0, y1; /* boxes */
	int64_t above;      /* delete where value > above */
	bool forget;
	size_t n_known;     /* table rows when the call was made */
};

struct world {
	uint64_t state, seed;
	struct os *os;
	teg_store *store;
	struct model models[N_ARRAYS];
	int64_t last_time, times[4096];
	size_t n_times, n_calls;
	bool spills;
};

static uint32_t draw(struct world *w, uint32_t below)
{
	w->state = w->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(w->state >> 33) % below;
}

static void fine(const struct world *w, teg_status status, const teg_error *err)
{
	cr_assert(status == TEG_OK, "seed %llu call %zu: %s: %s (array %s, column %s, row %lld)",
	          (unsigned long long)w->seed, w->n_calls, teg_status_name(status), err->message,
	          err->array, err->column, (long long)err->row);
}

/* ---- the store ---- */

static void open_store(struct world *w)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = TEG_CREATE_IF_MISSING,
		                      .os = w->os };
	teg_error err;

	options.no_auto_compact = w->seed % 2;
	options.write_budget = w->spills ? 600 : 0; /* nearly every call becomes a sorted run */
	fine(w, teg_store_open("", &options, &w->store, &err), &err);
}

static void create_arrays(struct world *w)
{
	teg_dimension dims[2] = { { .name = "x", .type = { .type = TEG_INT32 } },
		                  { .name = "y", .type = { .type = TEG_INT32 } } };
	teg_attribute value = { .name = "value", .type = { .type = TEG_INT64 }, .nullable = true };
	teg_spec spec = { .struct_size = sizeof spec, .attributes = &value, .n_attributes = 1 };
	teg_txn *txn;
	teg_error err;

	if (w->seed % 3 == 0) /* small tiles, so that runs cross them */
		spec.tile_cells = 5;
	fine(w, teg_txn_begin(w->store, NULL, &txn, &err), &err);
	spec.kind = TEG_TABLE;
	fine(w, teg_txn_create(txn, names[TABLE], &spec, &err), &err);
	spec.dimensions = dims;
	spec.n_dimensions = 2;
	spec.kind = TEG_SPARSE;
	spec.cells = TEG_CELLS_REPEATED;
	fine(w, teg_txn_create(txn, names[REPEATED], &spec, &err), &err);
	spec.cells = TEG_CELLS_UNIQUE;
	spec.valid_time = true;
	fine(w, teg_txn_create(txn, names[SPARSE], &spec, &err), &err);
	spec.valid_time = false;
	spec.kind = TEG_DENSE;
	for (int d = 0; d < 2; d++) {
		dims[d].lo = (teg_value){ .type = TEG_INT32, .as.i = 0 };
		dims[d].hi = (teg_value){ .type = TEG_INT32, .as.i = SIDE - 1 };
		dims[d].extent = 3;
	}
	fine(w, teg_txn_create(txn, names[DENSE], &spec, &err), &err);
	fine(w, teg_txn_commit(txn, NULL, &err), &err);
}

/* ---- calls ---- */

static void draw_call(struct world *w, struct call *c)
{
	memset(c, 0, sizeof *c);
	c->array = (int)draw(w, N_ARRAYS);
	c->kind = draw(w, 10) < 6 ? PUT : (enum call_kind)draw(w, N_CALLS);
	if (w->spills && c->kind >= DELETE_BOX)
		c->kind = DELETE_KEY; /* the others are refused once cells have been spilled */
	if (w->spills && c->array != TABLE)
		c->array = SPARSE;
	if (c->kind == UPDATE && c->array != TABLE)
		c->kind = PUT;
	c->n = 1 + draw(w, 4);
	for (size_t i = 0; i < c->n; i++) {
		c->keys[i] =
			draw(w, (uint32_t)(c->array == TABLE ? (w->models[TABLE].n_keys
		                                                        ? w->models[TABLE].n_keys
		                                                        : 1)
		                                             : KEYS));
		c->values[i] = (int64_t)draw(w, 20);
	}
	c->from = INT64_MIN;
	c->until = INT64_MAX;
	if (c->array == SPARSE && draw(w, 3)) {
		c->from = draw(w, 4) ? (int64_t)draw(w, V_POINTS - 2) : INT64_MIN;
		c->until = draw(w, 3) ? (c->from == INT64_MIN ? 0 : c->from) + 1 +
		                                (int64_t)draw(w, V_POINTS - 2)
		                      : INT64_MAX;
		if (c->until != INT64_MAX && c->until > V_POINTS - 2)
			c->until = INT64_MAX;
	}
	c->x0 = (int)draw(w, SIDE);
	c->x1 = c->x0 + (int)draw(w, (uint32_t)(SIDE - c->x0));
	c->y0 = (int)draw(w, SIDE);
	c->y1 = c->y0 + (int)draw(w, (uint32_t)(SIDE - c->y0));
	c->above = 10 + (int64_t)draw(w, 10);
	if (c->kind >= ERASE_KEY) {
		c->from = INT64_MIN;
		c->until = INT64_MAX;
		c->n = 1;
		c->x1 = c->x0; /* small ones, or nothing would be left */
		c->above = 15 + (int64_t)draw(w, 5);
		c->forget = w->seed % 4 == 0 && draw(w, 2);
	}
	c->n_known = w->models[TABLE].n_keys;
}

static teg_put_options interval(const struct call *c)
{
	teg_put_options options = { .struct_size = sizeof options };

	if (c->from != INT64_MIN || c->until != INT64_MAX) {
		options.valid_from = c->from;
		options.valid_until = c->until;
	}
	return options;
}

static teg_status put(teg_txn *txn, const struct call *c, bool by_key, teg_error *err)
{
	teg_put_options options = interval(c);
	int32_t x[4], y[4];
	int64_t ids[4];
	teg_column columns[3];
	size_t n = 0;
	bool deletes = c->kind == DELETE_KEY;

	for (size_t i = 0; i < c->n; i++) {
		x[i] = (int32_t)(c->keys[i] / SIDE);
		y[i] = (int32_t)(c->keys[i] % SIDE);
		ids[i] = (int64_t)c->keys[i];
	}
	if (c->array == TABLE && by_key) {
		columns[n++] = (teg_column){ .name = "row_id", .values = ids };
		if (!deletes)
			options.row_id_column = "row_id";
	} else if (c->array != TABLE) {
		columns[n++] = (teg_column){ .name = "x", .values = x };
		columns[n++] = (teg_column){ .name = "y", .values = y };
	}
	if (deletes)
		return teg_txn_delete(txn, names[c->array], columns, n, c->n, &options, err);
	columns[n++] = (teg_column){ .name = "value", .values = c->values };
	return teg_txn_put(txn, names[c->array], columns, n, c->n, &options, err);
}

static void box_of(const struct call *c, teg_range box[2])
{
	size_t n = c->n_known;
	int64_t lo[2] = { c->x0, c->y0 }, hi[2] = { c->x1, c->y1 };

	for (int d = 0; d < 2; d++) {
		box[d].lo = (teg_value){ .type = TEG_INT32, .as.i = lo[d] };
		box[d].hi = (teg_value){ .type = TEG_INT32, .as.i = hi[d] };
	}
	if (c->array == TABLE) {
		box[0].lo = (teg_value){ .type = TEG_INT64,
			                 .as.i = (int64_t)(n * (size_t)c->x0 / SIDE) };
		box[0].hi = (teg_value){ .type = TEG_INT64,
			                 .as.i = (int64_t)(n * (size_t)c->x1 / SIDE) };
	}
}

static void erase(struct world *w, teg_txn *txn, const struct call *c)
{
	teg_erase what = { .struct_size = sizeof what, .forget = c->forget };
	int32_t x = (int32_t)(c->keys[0] / SIDE), y = (int32_t)(c->keys[0] % SIDE);
	int64_t id = (int64_t)c->keys[0];
	teg_column columns[2] = { { .name = "x", .values = &x }, { .name = "y", .values = &y } };
	teg_value above = { .type = TEG_INT64, .as.i = c->above };
	teg_predicate *where = NULL;
	teg_range box[2];
	teg_error err;

	if (c->array == TABLE)
		columns[0] = (teg_column){ .name = "row_id", .values = &id };
	box_of(c, box);
	if (c->kind == ERASE_WHERE) {
		fine(w, teg_predicate_compare("value", TEG_GT, &above, NULL, &where, &err), &err);
		what.predicate = where;
	} else if (c->kind == ERASE_BOX) {
		what.box = box;
	} else {
		what.columns = columns;
		what.n_columns = c->array == TABLE ? 1 : 2;
		what.n_rows = 1;
	}
	fine(w, teg_txn_erase(txn, names[c->array], &what, &err), &err);
	teg_predicate_free(where);
}

static void do_call(struct world *w, teg_txn *txn, const struct call *c)
{
	teg_put_options options = interval(c);
	teg_predicate *where;
	teg_range box[2];
	teg_value above = { .type = TEG_INT64, .as.i = c->above };
	teg_error err;

	box_of(c, box);
	switch (c->kind) {
	case DELETE_BOX:
		fine(w, teg_txn_delete_box(txn, names[c->array], box, &options, &err), &err);
		return;
	case DELETE_WHERE:
		fine(w, teg_predicate_compare("value", TEG_GT, &above, NULL, &where, &err), &err);
		fine(w,
		     teg_txn_delete_where(txn, names[c->array], NULL, where, &options, NULL, &err),
		     &err);
		teg_predicate_free(where);
		return;
	case ERASE_KEY:
	case ERASE_BOX:
	case ERASE_WHERE: erase(w, txn, c); return;
	default: fine(w, put(txn, c, c->kind != PUT, &err), &err);
	}
}

/* ---- the same to the model, when it has committed ---- */

static bool in_box(const struct call *c, size_t key)
{
	teg_range box[2];

	box_of(c, box);
	if (c->array == TABLE)
		return (int64_t)key >= box[0].lo.as.i && (int64_t)key <= box[0].hi.as.i;
	return (int)(key / SIDE) >= c->x0 && (int)(key / SIDE) <= c->x1 &&
	       (int)(key % SIDE) >= c->y0 && (int)(key % SIDE) <= c->y1;
}

/* What the predicate finds is decided by what held before the transaction. */
struct found {
	size_t key;
	int v;
};

static size_t find(const struct world *w, const struct call *c, struct found *found)
{
	const struct model *m = &w->models[c->array];
	size_t n = 0;

	for (size_t key = 0; key < m->n_keys && c->kind == ERASE_WHERE; key++)
		if (model_ever_above(m, key, c->above))
			found[n++] = (struct found){ key, 0 };
	for (size_t key = 0; key < m->n_keys && c->kind == DELETE_WHERE; key++)
		for (int v = 0; v < V_POINTS; v++) {
			int64_t point = v - 1;

			if (!m->valid_time && v != 1)
				continue;
			if (m->valid_time && !(c->from <= point && point < c->until))
				continue;
			if (m->repeated) {
				for (int64_t value = c->above + 1; value < 20; value++)
					if (model_count(m, key, INT64_MAX, value)) {
						found[n++] = (struct found){ key, v };
						break;
					}
				continue;
			}
			struct saying s = model_ask(m, key, INT64_MAX, v);

			if (s.what == SAID_LIVE && s.value > c->above)
				found[n++] = (struct found){ key, v };
		}
	return n;
}

static void say(struct world *w, const struct call *c, size_t key, int64_t time, enum said what,
                int64_t value)
{
	model_say(&w->models[c->array], key, c->from, c->until, time, what, value);
}

static void tell_one(struct world *w, const struct call *c, int64_t time, const struct found *found,
                     size_t n_found)
{
	struct model *m = &w->models[c->array];

	for (size_t i = 0; i < c->n && c->kind <= DELETE_KEY; i++) {
		size_t key = c->array == TABLE && c->kind == PUT ? model_add_key(m) : c->keys[i];

		say(w, c, key, time, c->kind == DELETE_KEY ? SAID_DELETED : SAID_LIVE,
		    c->values[i]);
	}
	for (size_t key = 0; key < m->n_keys && c->kind == DELETE_BOX; key++)
		if (in_box(c, key))
			say(w, c, key, time, SAID_DELETED, 0);
	for (size_t key = 0; key < m->n_keys && c->kind == ERASE_BOX; key++)
		if (in_box(c, key))
			say(w, c, key, time, SAID_ERASED, 0);
	if (c->kind == ERASE_KEY)
		say(w, c, c->keys[0], time, SAID_ERASED, 0);
	for (size_t i = 0; i < n_found; i++) {
		if (c->kind == ERASE_WHERE)
			say(w, c, found[i].key, time, SAID_ERASED, 0);
		else if (m->valid_time)
			model_say(m, found[i].key, found[i].v - 1, found[i].v, time, SAID_DELETED,
			          0);
		else
			model_say(m, found[i].key, INT64_MIN, INT64_MAX, time, SAID_DELETED, 0);
	}
}

/* Appended rows get ids when the commit does, so a table's keys are limited to those known before. */
static void tell(struct world *w, const struct call *calls, size_t n, int64_t time)
{
	static struct found found[CALLS_MAX][200000];
	size_t n_found[CALLS_MAX] = { 0 };

	for (size_t i = 0; i < n; i++)
		if (calls[i].kind == DELETE_WHERE || calls[i].kind == ERASE_WHERE)
			n_found[i] = find(w, &calls[i], found[i]);
	for (size_t i = 0; i < n; i++)
		tell_one(w, &calls[i], time, found[i], n_found[i]);
}

struct transaction {
	teg_txn *txn;
	struct call calls[CALLS_MAX];
	size_t n;
};

static void begin(struct world *w, struct transaction *t)
{
	teg_txn_options options = { .struct_size = sizeof options };
	teg_error err;

	t->n = 1 + draw(w, CALLS_MAX);
	fine(w, teg_txn_begin(w->store, &options, &t->txn, &err), &err);
	for (size_t i = 0; i < t->n; i++) {
		do
			draw_call(w, &t->calls[i]);
		while (t->calls[i].array == TABLE && t->calls[i].kind != PUT &&
		       w->models[TABLE].n_keys == 0);
		do_call(w, t->txn, &t->calls[i]);
	}
}

static void commit(struct world *w, struct transaction *t)
{
	teg_commit_result result = { .struct_size = sizeof result };
	teg_error err;

	fine(w, teg_txn_commit(t->txn, &result, &err), &err);
	w->n_calls += t->n;
	if (!result.system_time)
		return; /* deletes by predicate that found nothing */
	cr_assert(result.system_time > w->last_time, "times ascend");
	w->last_time = result.system_time;
	w->times[w->n_times++ % 4096] = result.system_time;
	tell(w, t->calls, t->n, result.system_time);
}

/* ---- comparing ---- */

struct answer {
	int64_t key, value, from, until;
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

static size_t take_batch(const struct world *w, int array, const struct ArrowArray *batch,
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
	}
	return (size_t)batch->length;
}

static size_t read_rows(struct world *w, teg_array *at, int array, teg_scan_options *options,
                        struct answer *out)
{
	static const char *const table_columns[] = { "row_id", "value" };
	static const char *const columns[] = { "x", "y", "value", "valid_from", "valid_until" };
	struct ArrowArray batch;
	teg_scan *scan;
	teg_status status;
	size_t n = 0;
	teg_error err;

	options->columns = array == TABLE ? table_columns : columns;
	options->n_columns = array == TABLE ? 2 : w->models[array].valid_time ? 5 : 3;
	fine(w, teg_scan_open(at, options, &scan, &err), &err);
	while ((status = teg_scan_next(scan, &batch, &err)) == TEG_OK) {
		n += take_batch(w, array, &batch, out + n);
		batch.release(&batch);
	}
	cr_assert_eq(status, TEG_END, "seed %llu: %s", (unsigned long long)w->seed, err.message);
	teg_scan_close(scan);
	qsort(out, n, sizeof *out, by_answer);
	return n;
}

static void check_repeated(const struct world *w, int64_t s, const struct answer *rows, size_t n)
{
	const struct model *m = &w->models[REPEATED];
	size_t want = 0;

	for (size_t key = 0; key < KEYS; key++)
		for (int64_t value = 0; value < 20; value++) {
			size_t count = model_count(m, key, s, value), got = 0;

			for (size_t i = 0; i < n; i++)
				got += rows[i].key == (int64_t)key && rows[i].value == value;
			cr_assert_eq(
				got, count,
				"seed %llu call %zu: repeated key %zu value %lld: %zu, not %zu",
				(unsigned long long)w->seed, w->n_calls, key, (long long)value, got,
				count);
			want += count;
		}
	cr_assert_eq(n, want);
}

/* Every point of valid time that a piece covers answers as the model does, and no other point. */
static void check_unique(const struct world *w, int array, int64_t s, const struct answer *rows,
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
			cr_assert(rows[i].key >= 0 && (size_t)rows[i].key < m->n_keys);
			want = model_ask(m, (size_t)rows[i].key, s, v);
			cr_assert(!seen[rows[i].key][v]++, "seed %llu: pieces overlap",
			          (unsigned long long)w->seed);
			cr_assert(
				want.what == SAID_LIVE && want.value == rows[i].value,
				"seed %llu call %zu: %s key %lld V %d S %lld: value %lld, model says %d %lld",
				(unsigned long long)w->seed, w->n_calls, names[array],
				(long long)rows[i].key, v - 1, (long long)s,
				(long long)rows[i].value, (int)want.what, (long long)want.value);
		}
	for (size_t key = 0; key < m->n_keys; key++)
		for (int v = 0; v < V_POINTS; v++) {
			if ((only >= 0 && v != only) || (!m->valid_time && v != 1))
				continue;
			cr_assert((model_ask(m, key, s, v).what == SAID_LIVE) ==
			                  (seen[key][v] != 0),
			          "seed %llu call %zu: %s key %zu V %d S %lld: %s",
			          (unsigned long long)w->seed, w->n_calls, names[array], key, v - 1,
			          (long long)s, seen[key][v] ? "too much" : "missing");
		}
	free(seen);
}

static void check_array(struct world *w, teg_array *at, int array)
{
	static struct answer rows[200000], again[200000];
	teg_scan_options options = { .struct_size = sizeof options };
	int64_t s = INT64_MAX;
	int only = -1;
	size_t n;

	if (w->n_times && draw(w, 2)) {
		options.mode = TEG_SCAN_AS_OF;
		s = w->times[draw(w, (uint32_t)(w->n_times < 4096 ? w->n_times : 4096))] -
		    (int64_t)draw(w, 2);
		options.system_time = s;
	}
	if (w->models[array].valid_time && draw(w, 2)) {
		only = (int)draw(w, V_POINTS);
		options.valid_mode = TEG_VALID_AT;
		options.valid_at = only - 1;
	}
	n = read_rows(w, at, array, &options, rows);
	options.no_prune = true;
	cr_assert_eq(read_rows(w, at, array, &options, again), n,
	             "seed %llu: pruning changes the answer", (unsigned long long)w->seed);
	cr_assert(n == 0 || memcmp(rows, again, n * sizeof *rows) == 0,
	          "seed %llu: pruning changes the answer", (unsigned long long)w->seed);
	if (array == REPEATED)
		check_repeated(w, s, rows, n);
	else
		check_unique(w, array, s, rows, n, only);
}

static void check_point(struct world *w, teg_array *at, int array)
{
	struct model *m = &w->models[array];
	size_t key = m->n_keys ? draw(w, (uint32_t)m->n_keys) : 0;
	teg_value value[2] = { { .type = TEG_INT32, .as.i = (int64_t)(key / SIDE) },
		               { .type = TEG_INT32, .as.i = (int64_t)(key % SIDE) } };
	teg_read_options options = { .struct_size = sizeof options };
	int v = m->valid_time ? (int)draw(w, V_POINTS) : 1;
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
	fine(w,
	     teg_get(at, value, array == TABLE ? 1 : 2, &options, &outcome, &schema, &batch, &err),
	     &err);
	said = model_ask(m, key, INT64_MAX, v).what;
	/* A key to be forgotten is erased until a merge has seen to it. */
	if (!(said == SAID_ERASED && outcome == TEG_OUTCOME_NOT_FOUND && w->seed % 4 == 0))
		cr_assert_eq(outcome, outcomes[said],
		             "seed %llu call %zu: %s key %zu V %d: outcome %d, model %d",
		             (unsigned long long)w->seed, w->n_calls, names[array], key, v - 1,
		             (int)outcome, (int)said);
	if (outcome == TEG_OUTCOME_LIVE) {
		batch.release(&batch);
		schema.release(&schema);
	}
}

/* Ordinals count live rows in row order. */
static void check_take(struct world *w, teg_array *at)
{
	const struct model *m = &w->models[TABLE];
	int64_t ordinals[3], want[3];
	struct ArrowSchema schema;
	struct ArrowArray batch;
	uint64_t n_live, live = 0;
	teg_error err;

	fine(w, teg_count_live(at, NULL, &n_live, &err), &err);
	for (size_t key = 0; key < m->n_keys; key++)
		live += model_ask(m, key, INT64_MAX, 1).what == SAID_LIVE;
	cr_assert_eq(n_live, live, "seed %llu: live rows", (unsigned long long)w->seed);
	if (!live)
		return;
	for (int i = 0; i < 3; i++) {
		int64_t at_rank = ordinals[i] = draw(w, (uint32_t)live);

		for (size_t key = 0;; key++)
			if (model_ask(m, key, INT64_MAX, 1).what == SAID_LIVE && at_rank-- == 0) {
				want[i] = model_ask(m, key, INT64_MAX, 1).value;
				break;
			}
	}
	fine(w, teg_take(at, ordinals, 3, NULL, 0, NULL, &schema, &batch, &err), &err);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(int_at(batch.children[0], i, 8), want[i], "seed %llu: take",
		             (unsigned long long)w->seed);
	batch.release(&batch);
	schema.release(&schema);
}

static void check_box(struct world *w, teg_array *at)
{
	int64_t values[KEYS];
	uint8_t mask[KEYS];
	struct call c;
	teg_range box[2];
	teg_buffer buffer = { .name = "value", .values = values, .values_len = sizeof values };
	teg_error err;
	int i = 0;

	draw_call(w, &c);
	c.array = DENSE;
	box_of(&c, box);
	fine(w, teg_read_box(at, box, &buffer, 1, mask, NULL, &err), &err);
	for (int x = c.x0; x <= c.x1; x++)
		for (int y = c.y0; y <= c.y1; y++, i++) {
			struct saying want =
				model_ask(&w->models[DENSE], (size_t)(x * SIDE + y), INT64_MAX, 1);

			cr_assert_eq(mask[i], want.what == SAID_LIVE, "seed %llu: mask of %d %d",
			             (unsigned long long)w->seed, x, y);
			cr_assert_eq(values[i], want.what == SAID_LIVE ? want.value : 0,
			             "seed %llu: box", (unsigned long long)w->seed);
		}
}

static void check(struct world *w)
{
	teg_snapshot *snapshot;
	teg_error err;

	fine(w, teg_snapshot_open(w->store, &snapshot, &err), &err);
	for (int array = 0; array < N_ARRAYS; array++) {
		teg_array *at;

		fine(w, teg_array_open(snapshot, names[array], &at, &err), &err);
		check_array(w, at, array);
		check_point(w, at, array);
		if (array == TABLE)
			check_take(w, at);
		if (array == DENSE)
			check_box(w, at);
		teg_array_close(at);
	}
	teg_snapshot_close(snapshot);
}

/* ---- the run ---- */

static void upkeep(struct world *w)
{
	teg_compact_options compact = { .struct_size = sizeof compact };
	teg_vacuum_options vacuum = { .struct_size = sizeof vacuum, .has_grace = true };
	teg_error err;

	switch (draw(w, 4)) {
	case 0:
		compact.by_policy = draw(w, 2);
		compact.array = draw(w, 2) ? names[draw(w, N_ARRAYS)] : NULL;
		fine(w, teg_compact(w->store, &compact, NULL, &err), &err);
		break;
	case 1: fine(w, teg_vacuum(w->store, &vacuum, NULL, &err), &err); break;
	case 2:
		teg_store_close(w->store);
		open_store(w);
		break;
	default: break;
	}
}

static void check_intact(struct world *w)
{
	teg_verify_result result = { .struct_size = sizeof result };
	teg_error err;

	fine(w, teg_verify(w->store, true, NULL, NULL, &result, &err), &err);
	cr_assert_eq(result.damages, 0, "seed %llu: verify finds damage",
	             (unsigned long long)w->seed);
	cr_assert(result.rows > 0);
}

static void run_seed(uint64_t seed, size_t n_calls)
{
	struct world w = { .state = seed * 7919 + 1, .seed = seed, .last_time = INT64_MIN };

	w.spills = seed % 8 == 5;
	w.os = os_memory_new(teg_allocator_default(), seed);
	open_store(&w);
	create_arrays(&w);
	model_init(&w.models[TABLE], 0, false, false);
	model_init(&w.models[SPARSE], KEYS, true, false);
	model_init(&w.models[REPEATED], KEYS, false, true);
	model_init(&w.models[DENSE], KEYS, false, false);
	while (w.n_calls < n_calls) {
		struct transaction a, b;
		bool race = draw(&w, 5) == 0;

		begin(&w, &a);
		if (race) { /* b comes first, a rebases over it */
			begin(&w, &b);
			commit(&w, &b);
		}
		commit(&w, &a);
		if (draw(&w, 8) == 0)
			upkeep(&w);
		if (draw(&w, 4) == 0)
			check(&w);
	}
	check(&w);
	check_intact(&w);
	for (int i = 0; i < N_ARRAYS; i++)
		model_release(&w.models[i]);
	teg_store_close(w.store);
	os_free(w.os);
}

Test(model, agrees_with_a_naive_model_over_random_operations, .timeout = 300)
{
	for (uint64_t seed = 1; seed <= 40; seed++)
		run_seed(seed, 550);
}
