/* What tallies come to, in the types of their results. */
#include <math.h>
#include "engine/compute/tally.h"

teg_status tally_too_large(const struct tally *t, teg_error *err)
{
	char type[96];

	type_name(&t->output.type, type, sizeof type);
	teg_fail(err, TEG_LIMIT, "the sum of column %s overflows %s", t->field->name, type);
	return error_in_column(err, TEG_LIMIT, t->field->name);
}

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for an aggregate");
}

/* The double that an ordered number stands for: see key_of_real in tally.c. */
static double real_of_key(uint64_t key)
{
	uint64_t bits = key >> 63 ? key & ~((uint64_t)1 << 63) : ~key;
	double v;

	if (key == UINT64_MAX)
		return (double)NAN;
	memcpy(&v, &bits, sizeof v);
	return v;
}

static teg_status whole_result(const struct tally *t, const struct tally_cell *cell,
                               struct column_buf *out, teg_error *err)
{
	__int128 v = cell->as.sum;
	int64_t i = (int64_t)v;
	uint64_t u = (uint64_t)v;

	if (t->kind == TALLY_WIDE)
		return column_buf_append_value(out, span_of(&v, sizeof v), 1);
	if (t->kind == TALLY_INT ? (__int128)i != v : (__int128)u != v)
		return tally_too_large(t, err);
	return column_buf_append_value(out,
	                               t->kind == TALLY_INT ? span_of(&i, sizeof i)
	                                                    : span_of(&u, sizeof u),
	                               1);
}

/* An overflow leaves NaN in the lower part, where the upper one says all there is to say. */
static double real_sum(const struct tally_cell *cell)
{
	double low = cell->as.real.low;

	return isfinite(cell->as.real.high) && isfinite(low) ? cell->as.real.high + low
	                                                     : cell->as.real.high;
}

static teg_status mean_result(const struct tally *t, const struct tally_cell *cell,
                              struct column_buf *out)
{
	double v = t->kind == TALLY_FLOAT ? real_sum(cell) : (double)cell->as.sum;

	for (int i = 0; t->kind == TALLY_WIDE && i < t->field->type.scale; i++)
		v /= 10;
	for (int i = 0; t->kind == TALLY_WIDE && i > t->field->type.scale; i--)
		v *= 10;
	v /= (double)cell->valid;
	return column_buf_append_value(out, span_of(&v, sizeof v), 1);
}

static teg_status extreme_result(const struct tally *t, const struct tally_cell *cell,
                                 struct column_buf *out)
{
	uint8_t room[8];
	uint32_t width = t->field->width;
	double v;
	float narrow;

	if (t->kind == TALLY_WIDE)
		return column_buf_append_value(out, span_of(&cell->as.sum, sizeof cell->as.sum), 1);
	if (t->kind == TALLY_BYTES)
		return column_buf_append_value(out, span_of(cell->as.text.at, cell->as.text.len),
		                               1);
	lane_to_value(t->field->class, width, cell->as.key, room);
	if (t->kind == TALLY_FLOAT) {
		v = real_of_key(cell->as.key);
		narrow = (float)v;
		if (width == 8)
			memcpy(room, &v, 8);
		if (width == 4)
			memcpy(room, &narrow, 4);
		if (width == 2) {
			lane_to_value(VALUE_FLOAT, 2, lane_of_f64(v), room);
			room[1] |= v == 0 && signbit(v) ? 0x80 : 0;
		}
	}
	return column_buf_append_value(out, span_of(room, width), 1);
}

static teg_status one_result(const struct tally *t, const struct tally_cell *cell,
                             struct column_buf *out, teg_error *err)
{
	int64_t n = (int64_t)(t->field ? cell->valid : cell->rows);

	if (t->function == TEG_NULL_COUNT)
		n = (int64_t)(cell->rows - cell->valid);
	if (t->function == TEG_COUNT || t->function == TEG_NULL_COUNT)
		return column_buf_append_value(out, span_of(&n, sizeof n), 1);
	if (!cell->valid)
		return column_buf_append_nulls(out, 1);
	if (tally_is_extreme(t))
		return extreme_result(t, cell, out);
	if (t->function == TEG_MEAN)
		return mean_result(t, cell, out);
	if (t->kind == TALLY_FLOAT) {
		double v = real_sum(cell);

		return column_buf_append_value(out, span_of(&v, sizeof v), 1);
	}
	return whole_result(t, cell, out, err);
}

teg_status tally_result(const struct tally *t, const uint32_t *at, size_t n, struct column_buf *out,
                        teg_error *err)
{
	for (size_t i = 0; i < n; i++) {
		teg_status status = one_result(t, &t->cells[at[i]], out, err);

		if (status != TEG_OK)
			return status == TEG_LIMIT ? status : no_memory(err);
	}
	return TEG_OK;
}
