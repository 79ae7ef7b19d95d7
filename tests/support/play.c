#include "tests/support/play.h"
#include <stdio.h>
#include <string.h>

const char *const play_names[N_ARRAYS] = { "table", "sparse", "repeated", "dense" };

uint32_t play_draw(struct play *w, uint32_t below)
{
	w->state = w->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(w->state >> 33) % below;
}

void play_fine(const struct play *w, teg_status status, const teg_error *err)
{
	PLAY_ASSERT(status == TEG_OK, "seed %llu call %zu: %s: %s (array %s, column %s, row %lld)",
	            (unsigned long long)w->seed, w->n_calls, teg_status_name(status), err->message,
	            err->array, err->column, (long long)err->row);
}

/* ---- the store ---- */

void play_open(struct play *w)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = TEG_CREATE_IF_MISSING,
		                      .os = w->os };
	teg_error err;

	options.no_auto_compact = w->seed % 2 || w->retains;
	options.write_budget = w->spills ? 600 : 0; /* nearly every call becomes a sorted run */
	options.cache_budget = w->seed % 3 == 1 ? 20000 : 0;
	options.map_files = w->seed % 4 == 3;
	play_fine(w, teg_store_open("", &options, &w->store, &err), &err);
}

void play_create(struct play *w)
{
	teg_dimension dims[2] = { { .name = "x", .type = { .type = TEG_INT32 } },
		                  { .name = "y", .type = { .type = TEG_INT32 } } };
	teg_attribute value = { .name = "value", .type = { .type = TEG_INT64 }, .nullable = true };
	teg_spec spec = { .struct_size = sizeof spec, .attributes = &value, .n_attributes = 1 };
	teg_txn *txn;
	teg_error err;

	if (w->seed % 3 == 0) /* small tiles, so that runs cross them */
		spec.tile_cells = w->seed % 9 ? 5 : 1;
	play_fine(w, teg_txn_begin(w->store, NULL, &txn, &err), &err);
	spec.kind = TEG_TABLE;
	spec.key = w->seed % 2 ? "value" : NULL;
	spec.valid_time = w->models[TABLE].valid_time;
	play_fine(w, teg_txn_create(txn, play_names[TABLE], &spec, &err), &err);
	spec.key = NULL;
	spec.dimensions = dims;
	spec.n_dimensions = 2;
	spec.kind = TEG_SPARSE;
	spec.cells = TEG_CELLS_REPEATED;
	spec.valid_time = w->models[REPEATED].valid_time;
	play_fine(w, teg_txn_create(txn, play_names[REPEATED], &spec, &err), &err);
	spec.cells = TEG_CELLS_UNIQUE;
	spec.valid_time = w->models[SPARSE].valid_time;
	play_fine(w, teg_txn_create(txn, play_names[SPARSE], &spec, &err), &err);
	spec.valid_time = w->models[DENSE].valid_time;
	spec.kind = TEG_DENSE;
	for (int d = 0; d < 2; d++) {
		dims[d].lo = (teg_value){ .type = TEG_INT32, .as.i = 0 };
		dims[d].hi = (teg_value){ .type = TEG_INT32, .as.i = SIDE - 1 };
		dims[d].extent = 3;
	}
	play_fine(w, teg_txn_create(txn, play_names[DENSE], &spec, &err), &err);
	play_fine(w, teg_txn_commit(txn, NULL, &err), &err);
}

/* ---- calls ---- */

static void draw_kind(struct play *w, struct call *c)
{
	c->array = (int)play_draw(w, N_ARRAYS);
	c->kind = play_draw(w, 10) < 6 ? PUT : (enum call_kind)play_draw(w, N_CALLS);
	if (w->spills && c->kind >= DELETE_BOX)
		c->kind = DELETE_KEY; /* the others are refused once cells have been spilled */
	if (w->spills && c->array != TABLE)
		c->array = SPARSE;
	if ((c->kind == UPDATE && c->array != TABLE) || (c->kind == PUT_BOX && c->array != DENSE))
		c->kind = PUT;
}

void play_draw_interval(struct play *w, int64_t *from, int64_t *until)
{
	*from = play_draw(w, 4) ? (int64_t)play_draw(w, V_BOUND) : INT64_MIN;
	*until = play_draw(w, 3)
	                 ? (*from == INT64_MIN ? 0 : *from) + 1 + (int64_t)play_draw(w, V_BOUND)
	                 : INT64_MAX;
	if (*until > V_BOUND)
		*until = INT64_MAX;
}

void play_draw_call(struct play *w, struct call *c)
{
	size_t n_keys;

	memset(c, 0, sizeof *c);
	draw_kind(w, c);
	n_keys = w->models[c->array].n_keys;
	c->n = 1 + play_draw(w, 4);
	for (size_t i = 0; i < c->n; i++) {
		c->keys[i] = play_draw(w, (uint32_t)(n_keys ? n_keys : 1));
		c->values[i] = play_draw(w, 10) ? (int64_t)play_draw(w, 20) : NULL_VALUE;
	}
	c->from = INT64_MIN;
	c->until = INT64_MAX;
	if (w->models[c->array].valid_time && play_draw(w, 3))
		play_draw_interval(w, &c->from, &c->until);
	c->x0 = (int)play_draw(w, SIDE);
	c->x1 = c->x0 + (int)play_draw(w, (uint32_t)(SIDE - c->x0));
	c->y0 = (int)play_draw(w, SIDE);
	c->y1 = c->y0 + (int)play_draw(w, (uint32_t)(SIDE - c->y0));
	c->above = 10 + (int64_t)play_draw(w, 10);
	c->boxed = play_draw(w, 2);
	if (c->kind >= ERASE_KEY) {
		c->from = INT64_MIN;
		c->until = INT64_MAX;
		c->n = 1;
		c->x1 = c->x0; /* small ones, or nothing would be left */
		c->above = 15 + (int64_t)play_draw(w, 5);
		c->forget = w->seed % 4 == 0 && play_draw(w, 2);
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
	uint8_t validity = 0;
	size_t n = 0;
	bool deletes = c->kind == DELETE_KEY;

	for (size_t i = 0; i < c->n; i++) {
		validity |= (uint8_t)((c->values[i] != NULL_VALUE) << i);
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
		return teg_txn_delete(txn, play_names[c->array], columns, n, c->n, &options, err);
	columns[n++] = (teg_column){ .name = "value", .values = c->values, .validity = &validity };
	return teg_txn_put(txn, play_names[c->array], columns, n, c->n, &options, err);
}

void play_box_of(const struct call *c, teg_range box[2])
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

/* Of one value the whole box, of others each cell its own. */
static void put_box(struct play *w, teg_txn *txn, const struct call *c)
{
	static const ptrdiff_t still[2] = { 0, 0 };
	teg_put_options options = interval(c);
	int64_t values[KEYS];
	uint8_t validity[KEYS];
	teg_buffer buffer = { .name = "value",
		              .values = values,
		              .values_len = sizeof values,
		              .strides = c->n == 1 ? still : NULL,
		              .validity = validity };
	teg_range box[2];
	teg_error err;

	for (size_t i = 0; i < KEYS; i++) {
		values[i] = c->values[i % c->n];
		validity[i] = values[i] != NULL_VALUE;
	}
	play_box_of(c, box);
	play_fine(w, teg_txn_put_box(txn, play_names[c->array], box, &buffer, 1, &options, &err),
	          &err);
}

static void erase(struct play *w, teg_txn *txn, const struct call *c)
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
	play_box_of(c, box);
	if (c->kind == ERASE_WHERE) {
		play_fine(w, teg_predicate_compare("value", TEG_GT, &above, NULL, &where, &err),
		          &err);
		what.predicate = where;
		what.box = c->boxed ? box : NULL;
	} else if (c->kind == ERASE_BOX) {
		what.box = box;
	} else {
		what.columns = columns;
		what.n_columns = c->array == TABLE ? 1 : 2;
		what.n_rows = 1;
	}
	play_fine(w, teg_txn_erase(txn, play_names[c->array], &what, &err), &err);
	teg_predicate_free(where);
}

static void tell_call(const struct call *c)
{
	static const char *const kinds[] = { "put",        "put box",    "update",
		                             "delete key", "delete box", "delete where",
		                             "erase key",  "erase box",  "erase where" };

	fprintf(stderr, "  %s %s", play_names[c->array], kinds[c->kind]);
	for (size_t i = 0; i < c->n && c->kind <= ERASE_KEY; i++)
		fprintf(stderr, " %zu=%lld", c->keys[i], (long long)c->values[i]);
	fprintf(stderr, " valid [%lld, %lld) box [%d..%d, %d..%d]%s above %lld%s\n",
	        (long long)c->from, (long long)c->until, c->x0, c->x1, c->y0, c->y1,
	        c->boxed ? " and" : "", (long long)c->above, c->forget ? " forget" : "");
}

static void do_call(struct play *w, teg_txn *txn, const struct call *c)
{
	teg_put_options options = interval(c);
	teg_predicate *where;
	teg_range box[2];
	teg_value above = { .type = TEG_INT64, .as.i = c->above };
	teg_error err;

	if (w->tells)
		tell_call(c);
	play_box_of(c, box);
	switch (c->kind) {
	case DELETE_BOX:
		play_fine(w, teg_txn_delete_box(txn, play_names[c->array], box, &options, &err),
		          &err);
		return;
	case DELETE_WHERE:
		play_fine(w, teg_predicate_compare("value", TEG_GT, &above, NULL, &where, &err),
		          &err);
		play_fine(w,
		          teg_txn_delete_where(txn, play_names[c->array], c->boxed ? box : NULL,
		                               where, &options, NULL, &err),
		          &err);
		teg_predicate_free(where);
		return;
	case ERASE_KEY:
	case ERASE_BOX:
	case ERASE_WHERE: erase(w, txn, c); return;
	case PUT_BOX: put_box(w, txn, c); return;
	default: play_fine(w, put(txn, c, c->kind != PUT, &err), &err);
	}
}

/* ---- the same to the model, when it has committed ---- */

bool play_in_box(const struct call *c, size_t key)
{
	teg_range box[2];

	play_box_of(c, box);
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

static size_t find(const struct play *w, const struct call *c, struct found *found)
{
	const struct model *m = &w->models[c->array];
	size_t n = 0;

	for (size_t key = 0; key < m->n_keys && c->kind == ERASE_WHERE; key++)
		if ((!c->boxed || play_in_box(c, key)) && model_ever_above(m, key, c->above))
			found[n++] = (struct found){ key, 0 };
	for (size_t key = 0; key < m->n_keys && c->kind == DELETE_WHERE; key++)
		for (int v = 0; v < V_POINTS; v++) {
			int64_t point = model_point(v);

			if ((!m->valid_time && v != 1) || (c->boxed && !play_in_box(c, key)))
				continue;
			if (m->valid_time && !(c->from <= point && point < c->until))
				continue;
			if (m->repeated) {
				for (int64_t value = c->above + 1; value < 20; value++)
					if (model_count(m, key, INT64_MAX, v, value)) {
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

static void say(struct play *w, const struct call *c, size_t key, int64_t time, enum said what,
                int64_t value)
{
	model_say(&w->models[c->array], key, c->from, c->until, time, what, value);
}

static void tell_one(struct play *w, const struct call *c, int64_t time, const struct found *found,
                     size_t n_found)
{
	struct model *m = &w->models[c->array];
	int64_t point;
	size_t cell = 0;

	for (size_t key = 0; key < m->n_keys && c->kind == PUT_BOX; key++)
		if (play_in_box(c, key))
			say(w, c, key, time, SAID_LIVE, c->values[cell++ % c->n]);
	for (size_t i = 0; i < c->n && c->kind <= DELETE_KEY && c->kind != PUT_BOX; i++) {
		size_t key = c->array == TABLE && c->kind == PUT ? model_add_key(m) : c->keys[i];

		say(w, c, key, time, c->kind == DELETE_KEY ? SAID_DELETED : SAID_LIVE,
		    c->values[i]);
	}
	for (size_t key = 0; key < m->n_keys && c->kind == DELETE_BOX; key++)
		if (play_in_box(c, key))
			say(w, c, key, time, SAID_DELETED, 0);
	for (size_t key = 0; key < m->n_keys && c->kind == ERASE_BOX; key++)
		if (play_in_box(c, key))
			say(w, c, key, time, SAID_ERASED, 0);
	if (c->kind == ERASE_KEY)
		say(w, c, c->keys[0], time, SAID_ERASED, 0);
	for (size_t i = 0; i < n_found; i++) {
		point = model_point(found[i].v);
		if (c->kind == ERASE_WHERE)
			say(w, c, found[i].key, time, SAID_ERASED, 0);
		else if (m->valid_time)
			model_say(m, found[i].key, point, point + 1, time, SAID_DELETED, 0);
		else
			model_say(m, found[i].key, INT64_MIN, INT64_MAX, time, SAID_DELETED, 0);
	}
}

/* Appended rows get ids when the commit does, so a table's keys are limited to those known before. */
static void tell(struct play *w, const struct call *calls, size_t n, int64_t time)
{
	static struct found found[CALLS_MAX][200000];
	size_t n_found[CALLS_MAX] = { 0 };

	for (size_t i = 0; i < n; i++)
		if (calls[i].kind == DELETE_WHERE || calls[i].kind == ERASE_WHERE)
			n_found[i] = find(w, &calls[i], found[i]);
	for (size_t i = 0; i < n; i++)
		tell_one(w, &calls[i], time, found[i], n_found[i]);
}

/* Of what begins at the commit's time nothing may be said in the same commit that is to be cut there:
 * only the last call may cover all of time. */
static void take_commits_time(struct play *w, struct call *c, bool last)
{
	if (c->kind == DELETE_WHERE)
		c->kind = DELETE_KEY;
	if (!w->models[c->array].valid_time || c->kind >= ERASE_KEY)
		return;
	/* A deletion of what a predicate finds between two commits' times, where the model has no point,
	 * takes other events with it. */
	if (w->models[c->array].repeated)
		return;
	c->from = last && play_draw(w, 2) ? INT64_MIN : TEG_TIME_OF_COMMIT;
	c->until = INT64_MAX;
}

void play_begin(struct play *w, int64_t at, struct transaction *t)
{
	teg_txn_options options = { .struct_size = sizeof options, .system_time = at };
	teg_error err;

	t->n = 1 + play_draw(w, CALLS_MAX);
	/* Of a piece between two commits' times the model has no point: where rows expire it would take one
	 * for gone. */
	t->of_commit = !w->spills && !w->retains && play_draw(w, 6) == 0;
	play_fine(w, teg_txn_begin(w->store, &options, &t->txn, &err), &err);
	for (size_t i = 0; i < t->n; i++) {
		do
			play_draw_call(w, &t->calls[i]);
		while (t->calls[i].array == TABLE && t->calls[i].kind != PUT &&
		       w->models[TABLE].n_keys == 0);
		if (t->of_commit)
			take_commits_time(w, &t->calls[i], i + 1 == t->n);
		do_call(w, t->txn, &t->calls[i]);
	}
}

void play_note(struct play *w, const teg_commit_result *result, int64_t time)
{
	size_t i = w->n_times++ % 4096;

	PLAY_ASSERT(!w->steady || time > w->last_time, "seed %llu: times ascend",
	            (unsigned long long)w->seed);
	w->times[i] = time;
	if (time > w->last_time)
		w->last_time = time;
	if (w->steady)
		memory_set_clock(w->os, w->last_time + 1);
	w->versions[i].version = result->version;
	w->versions[i].time = result->system_time;
}

void play_commit(struct play *w, struct transaction *t)
{
	teg_commit_result result = { .struct_size = sizeof result };
	teg_error err;
	size_t i;

	play_fine(w, teg_txn_commit(t->txn, &result, &err), &err);
	w->n_calls += t->n;
	if (w->tells)
		fprintf(stderr, "  commit of %zu calls at %lld\n", t->n,
		        (long long)result.system_time);
	if (!result.system_time)
		return; /* deletes by predicate that found nothing */
	play_note(w, &result, result.system_time);
	for (i = 0; i < t->n; i++)
		if (t->calls[i].from == TEG_TIME_OF_COMMIT)
			t->calls[i].from = result.system_time;
	tell(w, t->calls, t->n, result.system_time);
}
