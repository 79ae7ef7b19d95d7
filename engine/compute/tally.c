#include "engine/compute/tally.h"
#include <math.h>
#include "codec/base/checked.h"

#define BLOCK 1024

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for an aggregate");
}

/* ---- what goes with what ---- */

static enum tally_kind kind_of(const struct field *field)
{
	switch (field->class) {
	case VALUE_SIGNED: return TALLY_INT;
	case VALUE_UNSIGNED: return TALLY_UINT;
	case VALUE_FLOAT: return TALLY_FLOAT;
	case VALUE_WIDE: return TALLY_WIDE;
	case VALUE_BYTES: return TALLY_BYTES;
	default: return TALLY_NONE;
	}
}

/* Numbers and lengths of time add up; points in time, truths and text do not. */
static bool can_add(const struct tally *t)
{
	switch (t->field->type.type) {
	case TEG_BOOL:
	case TEG_DATE32:
	case TEG_TIMESTAMP: return false;
	case TEG_DURATION: return t->function == TEG_SUM;
	default: return t->kind != TALLY_BYTES && t->kind != TALLY_NONE;
	}
}

static const char *const names[] = { "", "count", "null_count", "sum", "min", "max", "mean" };

static teg_status check(const struct tally *t, teg_error *err)
{
	char type[96];

	if (t->function < TEG_COUNT || t->function > TEG_MEAN)
		return teg_fail(err, TEG_MISUSE, "an unknown function");
	if (!t->field)
		return t->function == TEG_COUNT
		               ? TEG_OK
		               : teg_fail(err, TEG_MISUSE, "%s needs a column", names[t->function]);
	if (tally_is_sum(t) ? can_add(t) : !tally_is_extreme(t) || t->kind != TALLY_NONE)
		return TEG_OK;
	type_name(&t->field->type, type, sizeof type);
	teg_fail(err, TEG_MISUSE, "%s of column %s: it cannot be %s", names[t->function],
	         t->field->name, type);
	return error_in_column(err, TEG_MISUSE, t->field->name);
}

/* ---- what comes out ---- */

static teg_data_type sum_type(const struct tally *t)
{
	teg_data_type type = t->field->type;

	if (t->kind == TALLY_WIDE)
		type.precision = 38;
	else if (t->kind == TALLY_FLOAT)
		type.type = TEG_FLOAT64;
	else if (t->kind == TALLY_UINT)
		type.type = TEG_UINT64;
	else if (type.type != TEG_DURATION)
		type.type = TEG_INT64;
	return type;
}

static void choose_output(struct tally *t)
{
	struct output *out = &t->output;
	enum value_class class;

	if (tally_is_extreme(t)) {
		*out = output_of_field(t->field);
		out->metadata = NULL;
		out->n_metadata = 0;
	} else {
		*out = (struct output){ .type = { .type = TEG_INT64 } };
		if (t->function == TEG_SUM)
			out->type = sum_type(t);
		if (t->function == TEG_MEAN)
			out->type.type = TEG_FLOAT64;
		type_layout(&out->type, &out->layout.shape, &out->layout.width, &class);
	}
	out->nullable = tally_is_sum(t) || tally_is_extreme(t);
}

teg_status tally_init(struct tally *t, const teg_allocator *alloc, teg_error *err)
{
	t->alloc = alloc;
	t->kind = t->field ? kind_of(t->field) : TALLY_NONE;
	TEG_TRY(check(t, err));
	choose_output(t);
	return TEG_OK;
}

/* ---- memory ---- */

size_t tally_size(const struct tally *t)
{
	return t->cap * sizeof *t->cells + t->text_len;
}

teg_status tally_grow(struct tally *t, size_t n, teg_error *err)
{
	void *block = t->cells;

	if (!mem_grow(t->alloc, &block, &t->cap, n, sizeof *t->cells))
		return no_memory(err);
	t->cells = block;
	if (n > t->n_groups)
		memset(t->cells + t->n_groups, 0, (n - t->n_groups) * sizeof *t->cells);
	t->n_groups = n;
	return TEG_OK;
}

void tally_release(struct tally *t)
{
	if (!t->alloc)
		return;
	for (size_t g = 0; t->kind == TALLY_BYTES && tally_is_extreme(t) && g < t->n_groups; g++)
		mem_free(t->alloc, t->cells[g].as.text.at, t->cells[g].as.text.cap);
	mem_free(t->alloc, t->cells, t->cap * sizeof *t->cells);
	t->cells = NULL;
}

/* ---- blocks ---- */

struct block {
	uint32_t n;
	const uint32_t *group; /* NULL: all to group 0 */
	bool has_nulls;
	uint8_t valid[BLOCK];
	union {
		int64_t i[BLOCK];
		uint64_t u[BLOCK];
		double f[BLOCK];
	} as;
};

static void note_nulls(struct block *b, const struct column *c, size_t from)
{
	b->has_nulls = c->validity != NULL;
	for (uint32_t i = 0; b->has_nulls && i < b->n; i++)
		b->valid[i] = bitmap_get(c->validity, from + i);
}

static void load_integers(struct block *b, const struct column *c, enum value_class class,
                          size_t from)
{
	lanes_of_column(c, class, from, b->n, b->as.u);
}

static void load_floats(struct block *b, const struct column *c, size_t from)
{
	const uint8_t *at = c->values + from * c->width;

	if (c->width == 8)
		memcpy(b->as.f, at, b->n * sizeof *b->as.f);
	for (uint32_t i = 0; c->width == 4 && i < b->n; i++) {
		float v;

		memcpy(&v, at + (size_t)i * 4, 4);
		b->as.f[i] = (double)v;
	}
	for (uint32_t i = 0; c->width == 2 && i < b->n; i++)
		b->as.f[i] = float_value(at + (size_t)i * 2, 2);
}

static bool counts(const struct block *b, uint32_t i)
{
	return !b->has_nulls || b->valid[i];
}

static struct tally_cell *cell_of(const struct tally *t, const struct block *b, uint32_t i)
{
	return &t->cells[b->group ? b->group[i] : 0];
}

static void count_block(struct tally *t, const struct block *b)
{
	if (!b->group && !b->has_nulls) {
		t->cells[0].rows += b->n;
		t->cells[0].valid += b->n;
		return;
	}
	for (uint32_t i = 0; i < b->n; i++) {
		struct tally_cell *cell = cell_of(t, b, i);

		cell->rows++;
		cell->valid += counts(b, i);
	}
}

/* ---- sums ---- */

/* 1,024 halves of 32 bits fit 64; so the loop needs no wide numbers. `flip` makes lanes values. */
static __int128 sum_lanes(const struct block *b, bool is_signed)
{
	uint64_t low = 0, high = 0;
	__int128 sum;

	for (uint32_t i = 0; i < b->n; i++) {
		uint64_t keep = b->has_nulls ? 0 - (uint64_t)b->valid[i] : UINT64_MAX,
			 v = b->as.u[i] & keep;

		low += v & UINT32_MAX;
		high += v >> 32;
	}
	sum = ((__int128)high << 32) + low;
	if (!is_signed)
		return sum;
	for (uint32_t i = 0, n = b->n; i < b->n; i++) {
		if (!b->has_nulls)
			return sum - ((__int128)n << 63);
		sum -= b->valid[i] ? (__int128)1 << 63 : 0;
	}
	return sum;
}

static void sum_integers(struct tally *t, const struct block *b)
{
	bool is_signed = t->kind == TALLY_INT;

	if (!b->group) {
		t->cells[0].as.sum += sum_lanes(b, is_signed);
		return;
	}
	for (uint32_t i = 0; i < b->n; i++)
		if (counts(b, i))
			cell_of(t, b, i)->as.sum += is_signed ? (__int128)lane_to_i64(b->as.u[i])
			                                      : (__int128)b->as.u[i];
}

/* Two-sum (Knuth): what a + b lost, without a branch; NaN where a + b overflows. */
static inline double lost(double a, double b, double sum)
{
	double of_b = sum - a;

	return (a - (sum - of_b)) + (b - of_b);
}

static void add_real(struct tally_cell *cell, double v)
{
	double sum = cell->as.real.high + v;

	cell->as.real.low += lost(cell->as.real.high, v, sum);
	cell->as.real.high = sum;
}

#define LANES 8 /* sums side by side, for vector units */

static void sum_floats(struct tally *t, struct block *b)
{
	double high[LANES] = { 0 }, low[LANES] = { 0 };
	uint32_t whole = b->group ? 0 : b->n - b->n % LANES;

	for (uint32_t i = 0; i < whole && b->has_nulls; i++)
		b->as.f[i] = b->valid[i] ? b->as.f[i] : 0.0;
	for (uint32_t i = 0; i < whole; i += LANES)
		for (uint32_t k = 0; k < LANES; k++) {
			double v = b->as.f[i + k], sum = high[k] + v;

			low[k] += lost(high[k], v, sum);
			high[k] = sum;
		}
	for (uint32_t k = 0; whole && k < LANES; k++) {
		add_real(&t->cells[0], high[k]);
		t->cells[0].as.real.low += low[k];
	}
	for (uint32_t i = whole; i < b->n; i++)
		if (counts(b, i))
			add_real(cell_of(t, b, i), b->as.f[i]);
}

/* ---- extremes ---- */

/* Doubles as ordered numbers: every NaN is the greatest, -0.0 lies below 0.0. */
static uint64_t key_of_real(double v)
{
	uint64_t bits;

	if (isnan(v))
		return UINT64_MAX;
	memcpy(&bits, &v, sizeof bits);
	return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static void take_key(const struct tally *t, struct tally_cell *cell, bool first, uint64_t key)
{
	if (first || (t->function == TEG_MIN ? key < cell->as.key : key > cell->as.key))
		cell->as.key = key;
}

/* The extreme of a block without nulls, all of one group. */
static uint64_t extreme_key(const struct tally *t, const struct block *b)
{
	uint64_t least = UINT64_MAX, most = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		least = b->as.u[i] < least ? b->as.u[i] : least;
		most = b->as.u[i] > most ? b->as.u[i] : most;
	}
	return t->function == TEG_MIN ? least : most;
}

/* Before the block is counted: `valid` 0 says that there is no extreme yet. */
static void extremes(struct tally *t, struct block *b)
{
	for (uint32_t i = 0; t->kind == TALLY_FLOAT && i < b->n; i++)
		b->as.u[i] = key_of_real(b->as.f[i]);
	if (!b->group && !b->has_nulls) {
		take_key(t, &t->cells[0], !t->cells[0].valid, extreme_key(t, b));
		t->cells[0].rows += b->n;
		t->cells[0].valid += b->n;
		return;
	}
	for (uint32_t i = 0; i < b->n; i++) {
		struct tally_cell *cell = cell_of(t, b, i);

		cell->rows++;
		if (!counts(b, i))
			continue;
		take_key(t, cell, !cell->valid, b->as.u[i]);
		cell->valid++;
	}
}

/* ---- 128 bits ---- */

/* Sums of 38 digits at most lie far from the ends of 128 bits, so one addition at a time is safe. */
static bool fits_decimal(__int128 v)
{
	__int128 end = 1;

	for (int i = 0; i < 38; i++)
		end *= 10;
	return v > -end && v < end;
}

static teg_status add_wide(struct tally *t, struct tally_cell *cell, __int128 v, teg_error *err)
{
	bool first = !cell->valid++;

	if (tally_is_sum(t)) {
		cell->as.sum += v;
		return fits_decimal(cell->as.sum) ? TEG_OK : tally_too_large(t, err);
	}
	if (first || (t->function == TEG_MIN ? v < cell->as.sum : v > cell->as.sum))
		cell->as.sum = v;
	return TEG_OK;
}

static teg_status wide_rows(struct tally *t, const struct column *c, const struct block *b,
                            size_t from, teg_error *err)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct tally_cell *cell = cell_of(t, b, i);
		__int128 v;

		cell->rows++;
		if (!counts(b, i))
			continue;
		memcpy(&v, c->values + (from + i) * sizeof v, sizeof v);
		TEG_TRY(add_wide(t, cell, v, err));
	}
	return TEG_OK;
}

/* ---- texts ---- */

static teg_status keep_text(struct tally *t, struct tally_text *text, struct span v, teg_error *err)
{
	void *block = text->at;
	size_t cap = text->cap;
	bool ok = mem_grow(t->alloc, &block, &text->cap, v.len + 1, 1);

	text->at = block;
	t->text_len += text->cap - cap;
	if (!ok)
		return no_memory(err);
	memcpy(text->at, v.at, v.len);
	text->len = v.len;
	return TEG_OK;
}

static teg_status text_rows(struct tally *t, const struct column *c, const struct block *b,
                            size_t from, teg_error *err)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct tally_cell *cell = cell_of(t, b, i);
		struct span v, best = span_of(cell->as.text.at, cell->as.text.len);
		int order;

		cell->rows++;
		if (!counts(b, i))
			continue;
		v = column_value(c, from + i);
		order = cell->valid ? span_compare(v, best) : 0;
		if (!cell->valid || (t->function == TEG_MIN ? order < 0 : order > 0))
			TEG_TRY(keep_text(t, &cell->as.text, v, err));
		cell->valid++;
	}
	return TEG_OK;
}

/* ---- rows in ---- */

static teg_status add_block(struct tally *t, const struct column *c, struct block *b, size_t from,
                            teg_error *err)
{
	note_nulls(b, c, from);
	if (!tally_is_sum(t) && !tally_is_extreme(t)) {
		count_block(t, b);
		return TEG_OK;
	}
	if (t->kind == TALLY_WIDE)
		return wide_rows(t, c, b, from, err);
	if (t->kind == TALLY_BYTES)
		return text_rows(t, c, b, from, err);
	if (t->kind == TALLY_FLOAT)
		load_floats(b, c, from);
	else
		load_integers(b, c, t->field->class, from);
	if (tally_is_extreme(t)) {
		extremes(t, b);
		return TEG_OK;
	}
	if (t->kind == TALLY_FLOAT)
		sum_floats(t, b);
	else
		sum_integers(t, b);
	count_block(t, b);
	return TEG_OK;
}

static void count_rows(struct tally *t, const uint32_t *group, uint32_t n)
{
	if (!group)
		t->cells[0].rows += n;
	for (uint32_t i = 0; group && i < n; i++)
		t->cells[group[i]].rows++;
}

teg_status tally_add(struct tally *t, const struct column *column, const uint32_t *group,
                     uint32_t n, teg_error *err)
{
	struct block block;

	if (!column) {
		count_rows(t, group, n);
		return TEG_OK;
	}
	for (uint32_t from = 0; from < n; from += BLOCK) {
		block.n = n - from < BLOCK ? n - from : BLOCK;
		block.group = group ? group + from : NULL;
		TEG_TRY(add_block(t, column, &block, from, err));
	}
	return TEG_OK;
}

/* ---- from statistics ---- */

bool tally_lane_tells(const struct tally *t, uint64_t lane)
{
	if (t->kind == TALLY_INT || t->kind == TALLY_UINT)
		return true;
	/* One lane stands for both zeros, and one for every NaN, whose sum is the same. */
	return t->kind == TALLY_FLOAT && lane != lane_of_f64(0.0);
}

void tally_add_known(struct tally *t, uint64_t n, uint64_t n_valid, uint64_t lo, uint64_t hi)
{
	struct tally_cell *cell = &t->cells[0];
	uint64_t lane = t->function == TEG_MIN ? lo : hi;

	if (tally_is_extreme(t) && n_valid)
		take_key(t, cell, !cell->valid,
		         t->kind == TALLY_FLOAT ? key_of_real(lane_to_f64(lane)) : lane);
	cell->rows += n;
	cell->valid += n_valid;
}
