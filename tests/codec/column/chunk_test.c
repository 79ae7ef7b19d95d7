/* Every shape of column through every profile: what goes in comes out, bit by bit. */
#include <criterion/criterion.h>
#include <stdio.h>
#include "tests/support/columns.h"
#include "tests/support/rng.h"

enum shape {
	RANDOM,
	SMALL_RANGE,
	ASCENDING,
	ALTERNATING,
	FEW_DISTINCT,
	RUNS_OF_VALUES,
	MOSTLY_MAX,
	EXTREMES,
	ONE_VALUE,
	N_SHAPES
};

static uint64_t make_value(enum shape shape, size_t i, struct rng *rng)
{
	uint64_t r = rng_u64(rng);

	switch (shape) {
	case RANDOM: return r;
	case SMALL_RANGE: return (uint64_t)-40 + r % 100;
	case ASCENDING: return i * 37 + r % 30;
	case ALTERNATING: /* X13 */ return i & 1 ? INT64_MAX : 1700000000000000u + r % 1000000;
	case FEW_DISTINCT: return (r % 23) * 0x0123456789abcdefu;
	case RUNS_OF_VALUES: return i / 50 * 0x1234567u;
	case MOSTLY_MAX: return r % 50 ? INT64_MAX : r >> 20;
	case EXTREMES: /* X12 */
		return i % 3 == 0 ? (uint64_t)INT64_MIN : i % 3 == 1 ? INT64_MAX : r;
	default: return 42;
	}
}

/* n values of `width` bytes, every `null_every`-th of them null (0: none). */
static void make_fixed(struct column_buf *b, uint32_t width, enum shape shape, size_t n,
                       size_t null_every, struct rng *rng)
{
	column_buf_init(b, COLUMN_FIXED, width, teg_allocator_default());
	for (size_t i = 0; i < n; i++) {
		uint64_t v[16] = { make_value(shape, i, rng) };

		v[1] = shape == RANDOM ? rng_u64(rng) : 7;
		if (null_every && rng_u64(rng) % null_every == 0)
			cr_assert_eq(column_buf_append_nulls(b, 1), TEG_OK);
		else
			cr_assert_eq(column_buf_append_value(b, span_of(v, width), 1), TEG_OK);
	}
}

static const size_t counts[] = { 0, 1, 2, 7, 1023, 1024, 1025, 9000 };
static const size_t null_rates[] = { 0, 1, 2, 400 };
static const uint32_t widths[] = { 1, 2, 3, 4, 8, 16, 40 };

static enum value_class class_of(uint32_t width, size_t turn)
{
	static const enum value_class classes[] = { VALUE_UNSIGNED, VALUE_SIGNED, VALUE_FLOAT };

	if (width == 16)
		return turn % 2 ? VALUE_WIDE : VALUE_OPAQUE;
	if (width == 3 || width == 40)
		return VALUE_BYTES;
	return classes[turn % (width == 1 ? 2 : 3)];
}

static void check_shape(enum shape shape, uint32_t width, struct rng *rng)
{
	char name[80];
	size_t turn = 0;

	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		for (size_t j = 0; j < sizeof null_rates / sizeof *null_rates; j++, turn++) {
			struct column_buf b;
			struct column c;

			make_fixed(&b, width, shape, counts[i], null_rates[j], rng);
			c = column_buf_view(&b);
			snprintf(name, sizeof name, "shape %d width %u n %zu nulls 1/%zu", shape,
			         width, counts[i], null_rates[j]);
			columns_check_round_trip(&c, class_of(width, turn),
			                         (enum profile)(turn % 3), name);
			column_buf_release(&b);
		}
}

Test(chunk, keeps_fixed_columns) /* X1 ND4 X12 X13 */
{
	struct rng rng = { 1 };

	for (int shape = 0; shape < N_SHAPES; shape++)
		for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
			check_shape((enum shape)shape, widths[i], &rng);
}

enum text_shape {
	SHORT_FEW,
	SHORT_MANY,
	EMPTY_MOSTLY,
	LONG,
	VERY_LONG,
	ALL_THE_SAME,
	N_TEXT_SHAPES
};

static struct span make_text(enum text_shape shape, struct rng *rng, uint8_t *room)
{
	uint64_t r = rng_u64(rng);
	size_t len = 0;

	switch (shape) {
	case SHORT_FEW: memset(room, (int)('A' + r % 17), 16); return span_of(room, r % 17);
	case EMPTY_MOSTLY: len = r % 20 ? 0 : 12; break;
	case LONG: len = r % 3000; break;
	case VERY_LONG: len = r % 40 ? 30 : 90000; break;
	case SHORT_MANY: len = r % 24; break;
	default: return span_of_text("all the same");
	}
	rng_fill(rng, room, len);
	return span_of(room, len);
}

static void make_bytes(struct column_buf *b, enum text_shape shape, size_t n, size_t null_every,
                       struct rng *rng)
{
	static uint8_t room[90000];

	column_buf_init(b, COLUMN_BYTES, 0, teg_allocator_default());
	for (size_t i = 0; i < n; i++) {
		if (null_every && rng_below(rng, null_every) == 0)
			cr_assert_eq(column_buf_append_nulls(b, 1), TEG_OK);
		else
			cr_assert_eq(column_buf_append_value(b, make_text(shape, rng, room), 1),
			             TEG_OK);
	}
}

Test(chunk, keeps_bytes_columns) /* X1 ND2 */
{
	static const size_t text_counts[] = { 0, 1, 5, 1024, 2500 };
	struct rng rng = { 2 };
	char name[80];
	size_t turn = 0;

	for (int shape = 0; shape < N_TEXT_SHAPES; shape++)
		for (size_t i = 0; i < sizeof text_counts / sizeof *text_counts; i++)
			for (size_t j = 0; j < sizeof null_rates / sizeof *null_rates;
			     j++, turn++) {
				struct column_buf b;
				struct column c;

				make_bytes(&b, (enum text_shape)shape, text_counts[i],
				           null_rates[j], &rng);
				c = column_buf_view(&b);
				snprintf(name, sizeof name, "text %d n %zu nulls 1/%zu", shape,
				         text_counts[i], null_rates[j]);
				columns_check_round_trip(&c, VALUE_BYTES, (enum profile)(turn % 3),
				                         name);
				column_buf_release(&b);
			}
}
