/* Any column, encoded and decoded: the same bits and the same nulls.
 *
 *   input   kind u8 | profile + 3 * m u8 | null rate u8 | repeat u8 | values
 *
 * Above 0, m is the first allocation to be refused in a second run. The kind picks shape, width and class; every value comes `repeat` + 1 times, so that few bytes
 * make long columns. The i-th value is null where a hash of i falls under the rate.
 */
#include <stdlib.h>
#include "codec/column/chunk.h"
#include "codec/column/lane.h"
#include "fuzz/failing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static const struct {
	enum value_class class;
	uint32_t width; /* 0: BYTES */
} kinds[] = {
	{ VALUE_UNSIGNED, 1 }, { VALUE_UNSIGNED, 2 }, { VALUE_UNSIGNED, 4 }, { VALUE_UNSIGNED, 8 },
	{ VALUE_SIGNED, 1 },   { VALUE_SIGNED, 2 },   { VALUE_SIGNED, 4 },   { VALUE_SIGNED, 8 },
	{ VALUE_FLOAT, 2 },    { VALUE_FLOAT, 4 },    { VALUE_FLOAT, 8 },    { VALUE_BYTES, 0 },
	{ VALUE_BYTES, 5 },    { VALUE_OPAQUE, 16 },  { VALUE_WIDE, 16 },    { VALUE_BYTES, 40 },
};

/* The next value of the input; BYTES take a length first. */
static struct span next_value(struct reader *in, uint32_t width)
{
	size_t len = width ? width : reader_u8(in);

	return reader_take(in, len < reader_left(in) || width ? len : reader_left(in));
}

static void append(struct column_buf *b, struct span value, size_t times, uint8_t null_rate)
{
	for (size_t i = 0; i < times; i++) {
		uint64_t hash = (b->n + 1) * 0x9e3779b97f4a7c15u >> 56;

		must((hash < null_rate ? column_buf_append_nulls(b, 1)
		                       : column_buf_append_value(b, value, 1)) == TEG_OK);
	}
}

static void make(struct reader *in, uint32_t width, struct column_buf *b)
{
	uint8_t null_rate = reader_u8(in);
	size_t times = (size_t)reader_u8(in) + 1;

	column_buf_init(b, width ? COLUMN_FIXED : COLUMN_BYTES, width, teg_allocator_default());
	while (reader_left(in) && b->n < 60000) {
		struct span value = next_value(in, width);

		if (reader_ok(in))
			append(b, value, times, null_rate);
	}
}

static void check_equal(const struct column *a, const struct column_buf *got)
{
	struct column b = column_buf_view(got);

	must(a->n == b.n);
	for (size_t i = 0; i < a->n; i++) {
		must(column_valid(a, i) == column_valid(&b, i));
		must(!column_valid(a, i) || span_equal(column_value(a, i), column_value(&b, i)));
	}
}

/* Lanes: one by one as all at once, inside the bounds of the statistics, and back to a value that has
 * the same lane. */
static void check_lanes(const struct column *c, enum value_class class)
{
	uint64_t lanes[64], back[2];
	struct column_stats stats;
	size_t n = c->n < 64 ? c->n : 64;

	column_stats_of(c, class, &stats);
	must(stats.n_nulls == column_n_nulls(c));
	lanes_of_column(c, class, 0, n, lanes);
	for (size_t i = 0; i < n; i++) {
		if (!column_valid(c, i) || class == VALUE_OPAQUE)
			continue;
		must(lane_of_value(class, column_value(c, i)) == lanes[i]);
		must(stats.has_bounds && stats.min <= lanes[i] && lanes[i] <= stats.max);
		if (class > VALUE_FLOAT)
			continue;
		lane_to_value(class, c->width, lanes[i], back);
		must(lane_of_value(class, span_of((uint8_t *)back, c->width)) == lanes[i]);
	}
}

/* Values taken from places that jump about are those of the places. */
static void check_gather(const struct column *c)
{
	struct column_buf some;
	struct column got;
	uint32_t at[200];
	size_t n = c->n ? 200 : 0;

	column_buf_init(&some, c->shape, c->width, teg_allocator_default());
	for (size_t i = 0; i < n; i++)
		at[i] = (uint32_t)(i * 7919 % c->n);
	must(column_buf_gather(&some, c, at, n) == TEG_OK);
	got = column_buf_view(&some);
	for (size_t i = 0; i < n; i++) {
		must(column_valid(&got, i) == column_valid(c, at[i]));
		must(!column_valid(&got, i) ||
		     span_equal(column_value(&got, i), column_value(c, at[i])));
	}
	column_buf_release(&some);
}

/* Where memory was short at all, a call may say so and nothing else. */
static bool went_well(teg_status status, const struct failing *memory)
{
	must(status == TEG_OK || (status == TEG_NOMEM && memory && memory->refused));
	return status == TEG_OK;
}

struct trip {
	const teg_allocator *alloc;
	const struct failing *memory; /* NULL: there is enough */
	struct codec_scratch *scratch;
	struct arena arena;
	struct buf bytes, descriptor;
	struct column_buf dictionary, out;
	teg_error err;
};

static bool encode(struct trip *t, const struct column *c, enum value_class class,
                   enum profile profile, struct chunk *chunk)
{
	struct chunk made;

	if (!t->scratch || !went_well(chunk_encode(c, class, profile, t->scratch, &t->arena,
	                                           &t->bytes, &made, &t->err),
	                              t->memory))
		return false;
	chunk_put_descriptor(&made, &t->descriptor);
	if (!went_well(buf_status(&t->descriptor), t->memory) ||
	    !went_well(chunk_parse_descriptor(buf_span(&t->descriptor), t->bytes.len, &t->arena,
	                                      chunk, &t->err),
	               t->memory))
		return false;
	must(chunk->len == t->bytes.len);
	return true;
}

static bool decode(struct trip *t, const struct chunk *chunk)
{
	const uint8_t *at = t->bytes.at;

	if (chunk->encoding == ENCODING_CONSTANT)
		return went_well(chunk_decode_constant(chunk, chunk->n, &t->out), t->memory);
	if (chunk->n_dictionary &&
	    !went_well(chunk_decode_dictionary(chunk, span_of(at, chunk->dictionary.stored_len),
	                                       t->scratch, &t->dictionary, &t->err),
	               t->memory))
		return false;
	for (uint32_t i = 0; i < chunk->n_pages; i++) {
		const struct chunk_page *p = &chunk->pages[i];

		if (!went_well(chunk_decode_page(chunk, &t->dictionary, i,
		                                 span_of(at + p->off, p->stored_len), 0, p->n,
		                                 t->scratch, &t->out, &t->err),
		               t->memory))
			return false;
	}
	return true;
}

static void round_trip(const struct column *c, enum value_class class, enum profile profile,
                       const teg_allocator *alloc, const struct failing *memory)
{
	struct trip t = { .alloc = alloc, .memory = memory, .scratch = codec_scratch_new(alloc) };
	struct chunk chunk;

	arena_init(&t.arena, alloc, SIZE_MAX);
	buf_init(&t.bytes, alloc, BUF_NO_LIMIT);
	buf_init(&t.descriptor, alloc, BUF_NO_LIMIT);
	column_buf_init(&t.out, c->shape, c->width, alloc);
	column_buf_init(&t.dictionary, c->shape, c->width, alloc);
	if (encode(&t, c, class, profile, &chunk) && decode(&t, &chunk))
		check_equal(c, &t.out);
	column_buf_release(&t.dictionary);
	column_buf_release(&t.out);
	buf_release(&t.descriptor);
	buf_release(&t.bytes);
	arena_release(&t.arena);
	codec_scratch_free(t.scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader in = reader_of(span_of(data, size));
	size_t kind = reader_u8(&in) % (sizeof kinds / sizeof *kinds);
	uint8_t byte = reader_u8(&in);
	enum profile profile = (enum profile)(byte % 3);
	struct failing memory;
	struct column_buf b;
	struct column c;

	make(&in, kinds[kind].width, &b);
	c = column_buf_view(&b);
	check_lanes(&c, kinds[kind].class);
	check_gather(&c);
	round_trip(&c, kinds[kind].class, profile, teg_allocator_default(), NULL);
	if (byte / 3) {
		failing_init(&memory, byte / 3 - 1u);
		round_trip(&c, kinds[kind].class, profile, &memory.alloc, &memory);
	}
	column_buf_release(&b);
	return 0;
}
