/* Takes, dense boxes, look-ups and aggregates against the model: what they say of one (S, V). */
#include <string.h>
#include "tests/support/play.h"

struct moment {
	teg_read_options options;
	int64_t s;
	int v;
};

/* False where it lies before the horizon. */
static bool draw_moment(struct play *w, teg_array *at, int array, struct moment *q)
{
	const struct model *m = &w->models[array];

	*q = (struct moment){ .options = { .struct_size = sizeof q->options },
		              .s = INT64_MAX,
		              .v = m->valid_time ? (int)play_draw(w, V_POINTS) : 1 };
	q->options.has_valid_at = m->valid_time;
	q->options.valid_at = model_point(q->v);
	if (w->n_times && play_draw(w, 2)) {
		q->options.mode = TEG_SCAN_AS_OF;
		q->options.system_time = q->s = play_draw_time(w);
	}
	return q->s >= play_horizon(w, at);
}

static int64_t value_at(const struct ArrowArray *a, int64_t i)
{
	const uint8_t *validity = a->buffers[0];

	return validity && !((validity[i >> 3] >> (i & 7)) & 1)
	               ? NULL_VALUE
	               : ((const int64_t *)a->buffers[1])[i];
}

static bool is_live(const struct play *w, int array, const struct moment *q, size_t key,
                    int64_t *value_out)
{
	struct saying said = model_ask(&w->models[array], key, q->s, q->v);

	*value_out = said.value;
	return said.what == SAID_LIVE;
}

/* ---- takes: ordinals count live rows in row order ---- */

static int64_t value_of_rank(const struct play *w, const struct moment *q, int64_t rank)
{
	int64_t value;

	for (size_t key = 0;; key++)
		if (is_live(w, TABLE, q, key, &value) && rank-- == 0)
			return value;
}

static void check_take(struct play *w, teg_array *at, const struct moment *q)
{
	const struct model *m = &w->models[TABLE];
	int64_t ordinals[3], value;
	struct ArrowSchema schema;
	struct ArrowArray batch;
	uint64_t n_live, live = 0;
	teg_error err;

	play_fine(w, teg_count_live(at, &q->options, &n_live, &err), &err);
	for (size_t key = 0; key < m->n_keys; key++)
		live += is_live(w, TABLE, q, key, &value);
	PLAY_ASSERT(n_live == live, "seed %llu call %zu: %llu live rows, not %llu",
	            (unsigned long long)w->seed, w->n_calls, (unsigned long long)n_live,
	            (unsigned long long)live);
	if (!live)
		return;
	for (int i = 0; i < 3; i++)
		ordinals[i] = play_draw(w, (uint32_t)live);
	play_fine(w, teg_take(at, ordinals, 3, NULL, 0, &q->options, &schema, &batch, &err), &err);
	for (int i = 0; i < 3; i++)
		PLAY_ASSERT(value_at(batch.children[0], i) == value_of_rank(w, q, ordinals[i]),
		            "seed %llu call %zu: take", (unsigned long long)w->seed, w->n_calls);
	batch.release(&batch);
	schema.release(&schema);
}

/* ---- look-ups by the table's key, its value here ---- */

static void check_find(struct play *w, teg_array *at, const struct moment *q)
{
	const char *const columns[] = { "row_id" };
	teg_value key = { .type = TEG_INT64, .as.i = play_draw(w, 20) };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	uint64_t n, found = 0;
	int64_t value;
	teg_error err;

	play_fine(w, teg_find(at, &key, columns, 1, &q->options, &n, &schema, &batch, &err), &err);
	for (size_t row = 0; row < w->models[TABLE].n_keys; row++) {
		if (!is_live(w, TABLE, q, row, &value) || value != key.as.i)
			continue;
		PLAY_ASSERT(found < n &&
		                    value_at(batch.children[0], (int64_t)found) == (int64_t)row,
		            "seed %llu call %zu: find %lld at S %lld V %d: row %zu",
		            (unsigned long long)w->seed, w->n_calls, (long long)key.as.i,
		            (long long)q->s, q->v, row);
		found++;
	}
	PLAY_ASSERT(found == n, "seed %llu call %zu: found too many", (unsigned long long)w->seed,
	            w->n_calls);
	batch.release(&batch);
	schema.release(&schema);
}

/* ---- dense boxes ---- */

static void check_box(struct play *w, teg_array *at, const struct moment *q)
{
	int64_t values[KEYS];
	uint8_t mask[KEYS], validity[KEYS];
	struct call c;
	teg_range box[2];
	teg_buffer buffer = {
		.name = "value", .values = values, .values_len = sizeof values, .validity = validity
	};
	teg_error err;
	int i = 0;

	play_draw_call(w, &c);
	c.array = DENSE;
	play_box_of(&c, box);
	play_fine(w, teg_read_box(at, box, &buffer, 1, mask, &q->options, &err), &err);
	for (int x = c.x0; x <= c.x1; x++)
		for (int y = c.y0; y <= c.y1; y++, i++) {
			int64_t value;
			bool live = is_live(w, DENSE, q, (size_t)(x * SIDE + y), &value);

			PLAY_ASSERT(mask[i] == live &&
			                    validity[i] == (live && value != NULL_VALUE) &&
			                    (!validity[i] || values[i] == value),
			            "seed %llu call %zu: box at %d %d, S %lld V %d",
			            (unsigned long long)w->seed, w->n_calls, x, y, (long long)q->s,
			            q->v);
		}
}

/* ---- aggregates ---- */

struct totals {
	int64_t rows, values, sum, min, max;
};

static void add_values(struct totals *t, int64_t value, size_t n)
{
	t->rows += (int64_t)n;
	if (value == NULL_VALUE || !n)
		return;
	t->min = !t->values || value < t->min ? value : t->min;
	t->max = !t->values || value > t->max ? value : t->max;
	t->values += (int64_t)n;
	t->sum += value * (int64_t)n;
}

static void add_key(const struct play *w, int array, const struct moment *q, size_t key,
                    struct totals *t)
{
	int64_t value;

	if (array == REPEATED)
		for (value = NULL_VALUE; value < 20; value++)
			add_values(t, value,
			           model_count(&w->models[array], key, q->s, q->v, value));
	else if (is_live(w, array, q, key, &value))
		add_values(t, value, 1);
}

static void check_totals(const struct play *w, int array, const struct moment *q,
                         const struct ArrowArray *batch, int64_t row, const struct totals *t)
{
	struct ArrowArray **columns = batch->children + (batch->n_children - 5);
	const int64_t want[] = { t->rows, t->values, t->values ? t->sum : NULL_VALUE,
		                 t->values ? t->min : NULL_VALUE, t->values ? t->max : NULL_VALUE };

	for (int i = 0; i < 5; i++)
		PLAY_ASSERT(value_at(columns[i], row) == want[i],
		            "seed %llu call %zu: %s S %lld V %d: aggregate %d: %lld, not %lld",
		            (unsigned long long)w->seed, w->n_calls, play_names[array],
		            (long long)q->s, q->v, i, (long long)value_at(columns[i], row),
		            (long long)want[i]);
}

/* By x, or over everything; without rows there is no group. */
static void compare_groups(const struct play *w, int array, const struct moment *q, bool by_x,
                           const struct ArrowArray *batch)
{
	int64_t row = 0;

	for (size_t group = 0; group < (by_x ? SIDE : 1); group++) {
		struct totals t = { 0 };
		size_t first = group * SIDE, end = by_x ? first + SIDE : w->models[array].n_keys;

		for (size_t key = first; key < end; key++)
			add_key(w, array, q, key, &t);
		if (by_x && !t.rows)
			continue;
		PLAY_ASSERT(row < batch->length &&
		                    (!by_x ||
		                     ((const int32_t *)batch->children[0]->buffers[1])[row] ==
		                             (int32_t)group),
		            "seed %llu call %zu: %s: group %zu", (unsigned long long)w->seed,
		            w->n_calls, play_names[array], group);
		check_totals(w, array, q, batch, row++, &t);
	}
	PLAY_ASSERT(row == batch->length, "seed %llu call %zu: groups too many",
	            (unsigned long long)w->seed, w->n_calls);
}

static void check_aggregate(struct play *w, teg_array *at, int array, const struct moment *q)
{
	static const teg_measure measures[] = { { TEG_COUNT, NULL },
		                                { TEG_COUNT, "value" },
		                                { TEG_SUM, "value" },
		                                { TEG_MIN, "value" },
		                                { TEG_MAX, "value" } };
	const char *const by[] = { "x" };
	bool by_x = array != TABLE && play_draw(w, 2);
	teg_aggregate_options options = { .struct_size = sizeof options, .by = by, .n_by = by_x };
	teg_scan_options scan = { .struct_size = sizeof scan,
		                  .mode = q->options.mode,
		                  .system_time = q->options.system_time };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_error err;

	if (q->options.has_valid_at) {
		scan.valid_mode = TEG_VALID_AT;
		scan.valid_at = q->options.valid_at;
	}
	play_fine(w, teg_aggregate(at, measures, 5, &options, &scan, &schema, &batch, &err), &err);
	compare_groups(w, array, q, by_x, &batch);
	batch.release(&batch);
	schema.release(&schema);
}

void play_check_values(struct play *w, teg_array *at, int array)
{
	struct moment q;

	if (!draw_moment(w, at, array, &q))
		return;
	check_aggregate(w, at, array, &q);
	if (array == TABLE)
		check_take(w, at, &q);
	if (array == TABLE && teg_array_spec(at)->key)
		check_find(w, at, &q);
	if (array == DENSE)
		check_box(w, at, &q);
}
