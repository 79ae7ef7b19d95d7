/* Any column, encoded and decoded: the same bits and the same nulls. Without nulls it goes as vectors
 * too, and sorted it is searched.
 *
 *   input   kind + 16 * v u8 | profile + 3 * m u8 | null rate u8 | repeat u8 | values
 *
 * Above 0, m is the first allocation to be refused in a second run; vectors have v + 1 values. The
 * kind picks shape, width and class; every value comes `repeat` + 1 times, so that few bytes make long
 * columns. The i-th value is null where a hash of i falls under the rate.
 */
#include <stdlib.h>
#include "codec/column/chunk.h"
#include "codec/column/lane.h"
#include "codec/column/widen.h"
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

/* The values of `a` from `from` on are those of `got`, all of them. */
static void check_equal(const struct column *a, size_t from, const struct column_buf *got)
{
	struct column b = column_buf_view(got);

	for (size_t i = 0; i < b.n; i++) {
		must(column_valid(a, from + i) == column_valid(&b, i));
		must(!column_valid(&b, i) ||
		     span_equal(column_value(a, from + i), column_value(&b, i)));
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

/* Wider numbers are the same numbers, and a step on the way changes no bit of them. */
static void check_widen(const struct column *c, enum value_class class)
{
	size_t n = c->n < 64 ? c->n : 64;
	uint64_t mid[64], straight[64], steps[64];

	for (uint32_t to = 2; to <= 8; to *= 2) {
		if (!widen_possible(class, c->width, to))
			continue;
		widen_values(class, c->width, to, c->values, n, (uint8_t *)mid);
		for (size_t i = 0; i < n; i++)
			must(lane_of_value(class, span_of((uint8_t *)mid + i * to, to)) ==
			     lane_of_value(class, span_of(c->values + i * c->width, c->width)));
		if (to == 8)
			continue;
		widen_values(class, c->width, 8, c->values, n, (uint8_t *)straight);
		widen_values(class, to, 8, (uint8_t *)mid, n, (uint8_t *)steps);
		must(!memcmp(straight, steps, n * sizeof *steps));
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
	size_t vector;                /* values of one; 0: no vectors */
	const struct failing *memory; /* NULL: there is enough */
	struct codec_scratch *scratch;
	struct arena arena;
	struct buf bytes, descriptor;
	struct column_buf dictionary, out, some;
	teg_error err;
};

static bool encode(struct trip *t, const struct column *c, enum value_class class,
                   enum profile profile, struct chunk *chunk)
{
	struct chunk made;

	if (!t->scratch)
		return false;
	if (!went_well(t->vector ? chunk_encode_vectors(c, class, t->vector, &t->arena, &t->bytes,
	                                                &made, &t->err)
	                         : chunk_encode(c, class, profile, t->scratch, &t->arena, &t->bytes,
	                                        &made, &t->err),
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

static struct span stored_page(const struct trip *t, const struct chunk_page *page)
{
	return span_of(t->bytes.at + page->off, page->stored_len);
}

/* A few values of a page that was decoded: out of what is verified already, and picked. */
static bool decode_some(struct trip *t, const struct chunk *chunk, uint32_t page,
                        const struct column *c)
{
	const struct chunk_page *p = &chunk->pages[page];
	struct span stored = stored_page(t, p);
	struct page_bytes picked = { .bytes = stored,
		                     .picked = stored_page(t, &chunk->dictionary) };
	uint32_t from = p->n / 2, n = p->n - from < 5 ? p->n - from : 5;

	column_buf_clear(&t->some);
	if (!went_well(chunk_decode_again(chunk, &t->dictionary, page, stored, from, n, t->scratch,
	                                  &t->some, &t->err),
	               t->memory))
		return false;
	check_equal(c, p->first + from, &t->some);
	if (!chunk->n_dictionary || chunk->zstd_dictionary)
		return true;
	column_buf_clear(&t->some);
	if (!went_well(chunk_decode_from(chunk, page, &picked, from, n, t->scratch, &t->some,
	                                 &t->err),
	               t->memory))
		return false;
	check_equal(c, p->first + from, &t->some);
	return true;
}

static bool decode_pages(struct trip *t, const struct chunk *chunk, const struct column *c)
{
	for (uint32_t i = 0; i < chunk->n_pages; i++) {
		const struct chunk_page *p = &chunk->pages[i];
		struct span stored = stored_page(t, p);

		if (chunk_is_plain(chunk))
			must(chunk_verify_plain(chunk, i, stored, &t->err) == TEG_OK);
		if (!went_well(chunk_decode_page(chunk, &t->dictionary, i, stored, 0, p->n,
		                                 t->scratch, &t->out, &t->err),
		               t->memory) ||
		    !decode_some(t, chunk, i, c))
			return false;
	}
	return true;
}

static bool decode(struct trip *t, const struct chunk *chunk, const struct column *c)
{
	if (chunk->encoding == ENCODING_CONSTANT)
		return went_well(chunk_decode_constant(chunk, chunk->n, &t->out), t->memory);
	if (chunk->n_dictionary &&
	    !went_well(chunk_decode_dictionary(chunk, stored_page(t, &chunk->dictionary),
	                                       t->scratch, &t->dictionary, &t->err),
	               t->memory))
		return false;
	return decode_pages(t, chunk, c);
}

/* How many values of an ascending column lie below the lane of its value `at`, by its pages. */
static void search(struct trip *t, const struct chunk *chunk, const uint64_t *lanes, size_t at)
{
	for (uint32_t i = 0; i < chunk->n_pages; i++) {
		const struct chunk_page *p = &chunk->pages[i];
		uint32_t below = 0, found;

		while (below < p->n && lanes[p->first + below] < lanes[at])
			below++;
		if (!went_well(chunk_search_page(chunk, &t->dictionary, i, stored_page(t, p),
		                                 lanes[at], false, t->scratch, &found, &t->err),
		               t->memory))
			return;
		must(found == below);
	}
}

/* There and back. With the lanes of a column that ascends, its pages are searched too. */
static void round_trip(struct trip t, const struct column *c, enum value_class class,
                       enum profile profile, const uint64_t *lanes)
{
	struct chunk chunk;

	t.scratch = codec_scratch_new(t.alloc);
	arena_init(&t.arena, t.alloc, SIZE_MAX);
	buf_init(&t.bytes, t.alloc, BUF_NO_LIMIT);
	buf_init(&t.descriptor, t.alloc, BUF_NO_LIMIT);
	column_buf_init(&t.out, c->shape, c->width, t.alloc);
	column_buf_init(&t.some, c->shape, c->width, t.alloc);
	column_buf_init(&t.dictionary, c->shape, c->width, t.alloc);
	if (encode(&t, c, class, profile, &chunk) && decode(&t, &chunk, c)) {
		must(t.out.n == c->n);
		check_equal(c, 0, &t.out);
		for (size_t i = 0; lanes && i < 4; i++)
			search(&t, &chunk, lanes, c->n * i / 4);
	}
	column_buf_release(&t.dictionary);
	column_buf_release(&t.some);
	column_buf_release(&t.out);
	buf_release(&t.descriptor);
	buf_release(&t.bytes);
	arena_release(&t.arena);
	codec_scratch_free(t.scratch);
}

struct place {
	uint64_t lane;
	uint32_t at;
};

static int by_lane(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->lane > y->lane) - (x->lane < y->lane);
}

/* The first values of `c` in ascending order, and their lanes. */
static void sort(const struct column *c, enum value_class class, struct column_buf *sorted,
                 uint64_t *lanes, size_t n)
{
	struct place *places = calloc(n, sizeof *places);
	uint32_t *at = calloc(n, sizeof *at);

	must(places && at);
	lanes_of_column(c, class, 0, n, lanes);
	for (size_t i = 0; i < n; i++)
		places[i] = (struct place){ lanes[i], (uint32_t)i };
	qsort(places, n, sizeof *places, by_lane);
	for (size_t i = 0; i < n; i++) {
		lanes[i] = places[i].lane;
		at[i] = places[i].at;
	}
	must(column_buf_gather(sorted, c, at, n) == TEG_OK);
	free(at);
	free(places);
}

#define SORTED_MAX 6000

static void check_sorted(const struct column *c, enum value_class class, enum profile profile)
{
	struct trip t = { .alloc = teg_allocator_default() };
	size_t n = c->n < SORTED_MAX ? c->n : SORTED_MAX;
	static uint64_t lanes[SORTED_MAX];
	struct column_buf sorted;
	struct column view;

	column_buf_init(&sorted, c->shape, c->width, t.alloc);
	sort(c, class, &sorted, lanes, n);
	view = column_buf_view(&sorted);
	round_trip(t, &view, class, profile, lanes);
	column_buf_release(&sorted);
}

/* What only columns without nulls can do: be vectors, and be searched. */
static void check_dense(const struct column *c, enum value_class class, enum profile profile,
                        size_t vector)
{
	struct trip t = { .alloc = teg_allocator_default(), .vector = vector };
	struct column whole = *c;

	whole.n -= c->n % vector;
	if (whole.n && c->shape == COLUMN_FIXED)
		round_trip(t, &whole, class, profile, NULL);
	if (c->n && class != VALUE_WIDE && class != VALUE_OPAQUE)
		check_sorted(c, class, profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader in = reader_of(span_of(data, size));
	uint8_t first = reader_u8(&in), byte = reader_u8(&in);
	size_t kind = first % (sizeof kinds / sizeof *kinds);
	enum value_class class = kinds[kind].class;
	enum profile profile = (enum profile)(byte % 3);
	struct failing memory;
	struct column_buf b;
	struct column c;

	make(&in, kinds[kind].width, &b);
	c = column_buf_view(&b);
	check_lanes(&c, class);
	check_widen(&c, class);
	check_gather(&c);
	round_trip((struct trip){ .alloc = teg_allocator_default() }, &c, class, profile, NULL);
	if (!c.validity)
		check_dense(&c, class, profile, first / 16 + 1u);
	if (byte / 3) {
		failing_init(&memory, byte / 3 - 1u);
		round_trip((struct trip){ .alloc = &memory.alloc, .memory = &memory }, &c, class,
		           profile, NULL);
	}
	column_buf_release(&b);
	return 0;
}
